import { expect } from "vitest";
import { ask, secretOf } from "./ask.ts";
import type { CredentialCase } from "./case.ts";

export const sharingCases: readonly CredentialCase[] = [
  {
    title: "requests at the same time share one lookup",
    run: async (context) => {
      const alone = await context.open();
      await ask({ ...context, world: alone });
      const credentials = await Promise.all(Array.from({ length: 5 }, () => ask(context)));
      expect(new Set(credentials.map(secretOf)).size).toBe(1);
      expect(await context.world.lookups()).toBe(await alone.lookups());
    },
  },
  {
    title: "a credential that still serves is not looked up again",
    run: async (context) => {
      const first = await ask(context);
      const lookups = await context.world.lookups();
      expect(secretOf(await ask(context))).toBe(secretOf(first));
      expect(await context.world.lookups()).toBe(lookups);
    },
  },
];
