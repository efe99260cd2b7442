import { expect } from "vitest";
import { ask, lookupBegun, rejectionOf } from "./ask.ts";
import type { CredentialCase } from "./case.ts";

export const abortCases: readonly CredentialCase[] = [
  {
    title: "a request that was aborted before rejects with the signal's reason and looks nothing up",
    run: async (context) => {
      const reason = new Error("no longer wanted");
      await expect(ask(context, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(await context.world.lookups()).toBe(0);
    },
  },
  {
    title: "a request that is aborted during a lookup rejects with the signal's reason",
    run: async (context) => {
      const [controller, reason] = [new AbortController(), new Error("no longer wanted")];
      await context.world.stall();
      const outcome = rejectionOf(ask(context, { signal: controller.signal }));
      await lookupBegun(context.world);
      controller.abort(reason);
      expect(await outcome).toBe(reason);
    },
  },
  {
    title: "a request that is aborted leaves the others theirs",
    run: async (context) => {
      const [controller, reason] = [new AbortController(), new Error("no longer wanted")];
      await context.world.stall();
      const leaving = rejectionOf(ask(context, { signal: controller.signal }));
      const staying = ask(context);
      // A lookup that fails before it is seen shall be what the test reports.
      await Promise.race([lookupBegun(context.world), staying]);
      controller.abort(reason);
      expect(await leaving).toBe(reason);
      await context.world.restore();
      await staying;
    },
  },
  {
    title: "a lookup that everybody has left is not waited for by the next request",
    run: async (context) => {
      const controller = new AbortController();
      await context.world.stall();
      const leaving = rejectionOf(ask(context, { signal: controller.signal }));
      await lookupBegun(context.world);
      controller.abort();
      await leaving;
      await context.world.restore();
      await ask(context);
    },
  },
];
