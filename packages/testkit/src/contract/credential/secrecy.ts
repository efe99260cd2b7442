import { inspect } from "node:util";
import { expect } from "vitest";
import { ask, rejectionOf, secretOf } from "./ask.ts";
import type { CredentialCase, CredentialWorld } from "./case.ts";

/** The rules about where a secret must never be seen (C30). */
export const secrecyCases: readonly CredentialCase[] = [
  {
    title: "a credential shows its secret to nobody who prints it",
    run: async (context) => {
      const credential = await ask(context);
      expect(context.world.secrets()).toContain(secretOf(credential));
      expectNoSecret(context.world, credential);
    },
  },
  {
    title: "a provider shows no secret, after it was used either",
    run: async (context) => {
      await ask(context);
      expectNoSecret(context.world, context.world.provider);
    },
  },
  {
    title: "a failure shows no secret, whatever the outside said",
    run: async (context) => {
      await context.world.fail();
      const error = await rejectionOf(ask(context));
      expect(error).toBeInstanceOf(Error);
      expectNoSecret(context.world, error);
    },
  },
  {
    title: "the refusal of a credential shows no secret",
    run: async (context) => {
      const rejected = await ask(context);
      await context.world.fail();
      const error = await rejectionOf(ask(context, { rejected }));
      expect(error).toBeInstanceOf(Error);
      expectNoSecret(context.world, error);
    },
  },
];

function expectNoSecret(world: CredentialWorld, value: unknown): void {
  const shown = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
    inspect(value),
    JSON.stringify(value) ?? "",
    String(value),
  ].join("\n");
  const shownSecrets = world
    .secrets()
    .filter((secret) => spellingsOf(secret).some((text) => shown.includes(text)));
  expect(shownSecrets).toEqual([]);
}

/** The secret as it is, and as it occurs in a header or in JSON. */
function spellingsOf(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString("base64").replaceAll("=", "");
  return [secret, base64, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
}
