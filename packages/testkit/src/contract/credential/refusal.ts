import { isOciError } from "@drayage/oci";
import { expect } from "vitest";
import { ask, secretOf } from "./ask.ts";
import type { CredentialCase } from "./case.ts";

/** The rules about a credential that the registry has refused. */
export const refusalCases: readonly CredentialCase[] = [
  {
    title: "a credential that was refused is looked up again, and never given again",
    run: async (context) => {
      const rejected = await ask(context);
      const lookups = await context.world.lookups();
      const answer = await ask(context, { rejected }).then(secretOf, (error: unknown) => {
        if (isOciError(error, "CREDENTIAL_UNAVAILABLE")) return undefined;
        throw error;
      });
      expect(answer).not.toBe(secretOf(rejected));
      expect(await context.world.lookups()).toBeGreaterThan(lookups);
    },
  },
  {
    title: "a credential that was refused is replaced by the one that is there now",
    run: async (context) => {
      const rejected = await ask(context);
      await context.world.rotate();
      const replaced = await ask(context, { rejected });
      expect(secretOf(replaced)).not.toBe(secretOf(rejected));
      expect(secretOf(await ask(context))).toBe(secretOf(replaced));
    },
  },
  {
    title: "a late refusal of an old credential leaves the new one in place",
    run: async (context) => {
      const rejected = await ask(context);
      await context.world.rotate();
      const replaced = await ask(context, { rejected });
      const lookups = await context.world.lookups();
      expect(secretOf(await ask(context, { rejected }))).toBe(secretOf(replaced));
      expect(await context.world.lookups()).toBe(lookups);
    },
  },
  {
    title: "requests that were refused at the same time share one lookup",
    run: async (context) => {
      const rejected = await ask(context);
      const once = await context.world.lookups();
      await context.world.rotate();
      const calls = Array.from({ length: 5 }, () => ask(context, { rejected }));
      expect(new Set((await Promise.all(calls)).map(secretOf)).size).toBe(1);
      expect(await context.world.lookups()).toBeLessThanOrEqual(2 * once);
    },
  },
];
