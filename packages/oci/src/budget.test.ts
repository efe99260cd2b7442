import { describe, expect, it } from "vitest";
import { createMemoryBudget, type MemoryBudgetOptions } from "./budget.ts";

/** A budget whose clock goes on only while somebody waits, and what was waited for. */
function budgetOf(rate: NonNullable<MemoryBudgetOptions["rate"]> = () => undefined) {
  const time = { now: 0 };
  const waits: number[] = [];
  const budget = createMemoryBudget({
    rate,
    now: () => time.now,
    sleep: async (milliseconds, { signal } = {}) => {
      signal?.throwIfAborted();
      waits.push(milliseconds);
      time.now += milliseconds;
    },
  });
  return { budget, time, waits };
}

const tenASecond = () => ({ amount: 10, interval: 1000 });

describe("createMemoryBudget", () => {
  it("lets everything pass where no rate is set", async () => {
    const { budget, waits } = budgetOf();
    for (let number = 0; number < 1000; number++) await budget.take("a.test", "request", 1);
    expect(waits).toEqual([]);
  });

  it("gives a full bucket at once, then waits for it to fill evenly", async () => {
    const { budget, waits, time } = budgetOf(tenASecond);
    time.now = 5000;
    for (let number = 0; number < 10; number++) await budget.take("a.test", "request", 1);
    expect(waits).toEqual([]);
    await budget.take("a.test", "request", 1);
    await budget.take("a.test", "request", 2);
    expect(waits).toEqual([100, 200]);
  });

  it("never saves up more than one bucket", async () => {
    const { budget, waits, time } = budgetOf(tenASecond);
    time.now = 3_600_000;
    for (let number = 0; number < 10; number++) await budget.take("a.test", "request", 1);
    expect(waits).toEqual([]);
    await budget.take("a.test", "request", 1);
    expect(waits).toEqual([100]);
  });

  it("makes those who ask at the same time wait one after the other", async () => {
    const starts: number[] = [];
    const budget = createMemoryBudget({
      rate: tenASecond,
      now: () => 0,
      sleep: async (milliseconds) => void starts.push(milliseconds),
    });
    await Promise.all([1, 2, 3].map(() => budget.take("a.test", "request", 10)));
    expect(starts).toEqual([1000, 2000, 3000]);
  });

  it("keeps hosts and kinds apart", async () => {
    const { budget, waits } = budgetOf((host, kind) =>
      host === "a.test" && kind === "pull" ? { amount: 1, interval: 1000 } : undefined,
    );
    await budget.take("a.test", "pull", 1);
    await budget.take("b.test", "pull", 1);
    await budget.take("a.test", "request", 1);
    const before = waits.length;
    await budget.take("a.test", "pull", 1);
    expect(waits.length - before).toBe(1);
  });

  it.each([429, 503])(
    "leaves a host alone for as long as it asks for with %i, and no other",
    async (status) => {
      const { budget, waits } = budgetOf();
      budget.observe("a.test", { "retry-after": "7" }, status);
      await budget.take("b.test", "request", 1);
      expect(waits).toEqual([]);
      await budget.take("a.test", "request", 1);
      expect(waits).toEqual([7000]);
      await budget.take("a.test", "request", 1);
      expect(waits).toEqual([7000]);
    },
  );

  it("does not listen to Retry-After with other statuses, or to none", async () => {
    const { budget, waits } = budgetOf();
    budget.observe("a.test", { "retry-after": "7" }, 200);
    budget.observe("a.test", {}, 429);
    budget.observe("a.test", { "retry-after": "soon" }, 429);
    await budget.take("a.test", "request", 1);
    expect(waits).toEqual([]);
  });

  it("obeys the longest pause, and one that begins while it waits", async () => {
    const time = { now: 0 };
    const waits: number[] = [];
    const budget = createMemoryBudget({
      now: () => time.now,
      sleep: async (milliseconds) => {
        if (waits.length === 0) budget.observe("a.test", { "retry-after": "20" }, 429);
        waits.push(milliseconds);
        time.now += milliseconds;
      },
    });
    budget.observe("a.test", { "retry-after": "10" }, 429);
    budget.observe("a.test", { "retry-after": "1" }, 429);
    await budget.take("a.test", "request", 1);
    expect(waits).toEqual([10_000, 10_000]);
  });

  it("rejects with the reason of a signal, before and while it waits", async () => {
    const budget = createMemoryBudget({ rate: () => ({ amount: 1, interval: 3_600_000 }), now: () => 0 });
    const [controller, reason] = [new AbortController(), new Error("stop")];
    const waiting = budget.take("a.test", "pull", 2, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(budget.take("b.test", "pull", 1, { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe("a budget without rates", () => {
  it("rejects with the reason of a signal that is aborted", async () => {
    const reason = new Error("stop");
    const taking = createMemoryBudget().take("a.test", "request", 1, { signal: AbortSignal.abort(reason) });
    await expect(taking).rejects.toBe(reason);
  });
});
