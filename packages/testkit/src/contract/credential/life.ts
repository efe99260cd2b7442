import { expect } from "vitest";
import { ask, expectUnavailable, secretOf } from "./ask.ts";
import type { CredentialCase, CredentialClock, CredentialContext } from "./case.ts";

/** The rules about credentials that expire. */
export const lifeCases: readonly CredentialCase[] = [
  lifeCase("a credential tells when it expires", async (context, { clock, life }) => {
    const { expiresAt } = await ask(context);
    expect(expiresAt?.getTime()).toBeGreaterThan(clock.now());
    expect(expiresAt?.getTime()).toBeLessThanOrEqual(clock.now() + life);
  }),
  lifeCase("a credential is kept for the first third of its life", async (context, { clock, life }) => {
    const first = await ask(context);
    const lookups = await context.world.lookups();
    clock.advance(Math.floor(life / 3));
    expect(secretOf(await ask(context))).toBe(secretOf(first));
    expect(await context.world.lookups()).toBe(lookups);
  }),
  lifeCase("a credential is replaced when its life is over", async (context, { clock, life }) => {
    const first = await ask(context);
    await context.world.rotate();
    clock.advance(life);
    const second = await ask(context);
    expect(secretOf(second)).not.toBe(secretOf(first));
    expect(second.expiresAt?.getTime()).toBeGreaterThan(clock.now());
  }),
  lifeCase("a renewal that fails leaves the credential while it lives", async (context, { clock, life }) => {
    const first = await ask(context);
    await context.world.fail();
    clock.advance(life - Math.min(2 * 60_000, life / 20));
    expect(secretOf(await ask(context))).toBe(secretOf(first));
  }),
  lifeCase(
    "a credential that has expired is an error when none replaces it",
    async (context, { clock, life }) => {
      await ask(context);
      await context.world.fail();
      clock.advance(life);
      await expectUnavailable(ask(context));
    },
  ),
];

function lifeCase(
  title: string,
  check: (
    context: CredentialContext,
    time: { readonly clock: CredentialClock; readonly life: number },
  ) => Promise<void>,
): CredentialCase {
  const run = async (context: CredentialContext): Promise<void> => {
    const { clock } = context.world;
    const { life } = context.subject;
    if (clock === undefined || life === undefined) throw new Error("a subject with a life needs a clock");
    await check(context, { clock, life });
  };
  return { title, run };
}
