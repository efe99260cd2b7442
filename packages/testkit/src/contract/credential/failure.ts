import { isOciError } from "@drayage/oci";
import { expect } from "vitest";
import { ask, expectUnavailable, rejectionOf } from "./ask.ts";
import type { CredentialCase } from "./case.ts";

export const failureCases: readonly CredentialCase[] = [
  {
    title: "a credential that should be there and is not is an error, never anonymous access",
    run: async (context) => {
      await context.world.fail();
      await expectUnavailable(ask(context));
    },
  },
  {
    title: "the error tells what can be done about it",
    run: async (context) => {
      await context.world.fail();
      const error = await rejectionOf(ask(context));
      expect(isOciError(error) && error.hint).toMatch(/\w{3}/);
    },
  },
  {
    title: "requests at the same time all fail with it",
    run: async (context) => {
      await context.world.fail();
      await Promise.all([ask(context), ask(context), ask(context)].map(expectUnavailable));
    },
  },
  {
    title: "a failure is not remembered",
    run: async (context) => {
      await context.world.fail();
      await expectUnavailable(ask(context));
      await context.world.restore();
      await ask(context);
    },
  },
];
