import { getEventListeners } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { abortable, createSingleFlight, mapConcurrent, sleep } from "./async.ts";

/** A promise that is settled from outside. */
function deferred<Value = void>() {
  let resolve: (value: Value) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Long enough for everything that waits for nothing but promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("mapConcurrent", () => {
  it("gives the results in the order of the items, whatever order they end in", async () => {
    const gates = [deferred<string>(), deferred<string>(), deferred<string>()];
    const all = mapConcurrent([0, 1, 2], 3, (index) => gates[index]?.promise ?? Promise.resolve("none"));
    for (const [index, gate] of [...gates.entries()].reverse()) gate.resolve(String(index));
    expect(await all).toEqual(["0", "1", "2"]);
  });

  it.each([
    [1, 1],
    [3, 3],
    [100, 10],
    [0, 1],
  ])("with a concurrency of %i runs at most %i of ten at a time", async (concurrency, most) => {
    let [running, peak] = [0, 0];
    await mapConcurrent(Array.from({ length: 10 }), concurrency, async () => {
      peak = Math.max(peak, ++running);
      await settle();
      running--;
    });
    expect(peak).toBe(most);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5])(
    "refuses a concurrency of %d instead of doing nothing",
    async (concurrency) => {
      await expect(mapConcurrent([1], concurrency, () => Promise.resolve())).rejects.toMatchObject({
        code: "OPTION_INVALID",
      });
    },
  );

  it("takes items only as it gets to them", async () => {
    let taken = 0;
    const items = function* () {
      for (;;) yield taken++;
    };
    const stop = new Error("enough");
    const all = mapConcurrent(items(), 2, async (item) => {
      await settle();
      if (item === 5) throw stop;
    });
    await expect(all).rejects.toBe(stop);
    expect(taken).toBeLessThan(9);
  });

  it("throws the first failure, aborts the others with it, and waits until they have ended", async () => {
    const failure = new Error("first");
    const reasons: unknown[] = [];
    const all = mapConcurrent([0, 1, 2], 3, async (item, { signal }) => {
      if (item === 1) throw failure;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      await settle();
      reasons.push(signal.reason);
      throw new Error("a consequence");
    });
    await expect(all).rejects.toBe(failure);
    expect(reasons).toEqual([failure, failure]);
  });

  it("starts nothing more after a failure", async () => {
    const started: number[] = [];
    const all = mapConcurrent([0, 1, 2, 3], 1, async (item) => {
      started.push(item);
      if (item === 1) throw new Error("stop");
    });
    await expect(all).rejects.toThrow("stop");
    expect(started).toEqual([0, 1]);
  });

  it("rejects with the caller's reason, which the items get as well", async () => {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const seen: unknown[] = [];
    const all = mapConcurrent(
      [0, 1],
      2,
      async (_item, { signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        seen.push(signal.reason);
      },
      { signal: controller.signal },
    );
    controller.abort(reason);
    await expect(all).rejects.toBe(reason);
    expect(seen).toEqual([reason, reason]);
  });

  it("does nothing for a signal that is aborted, or for no items", async () => {
    const reason = new Error("too late");
    let calls = 0;
    const count = async (): Promise<number> => ++calls;
    const all = mapConcurrent([1], 1, count, { signal: AbortSignal.abort(reason) });
    await expect(all).rejects.toBe(reason);
    expect(await mapConcurrent([], 4, count)).toEqual([]);
    expect(calls).toBe(0);
  });

  it("throws even a failure that is undefined", async () => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what others throw is not ours to choose
    const all = mapConcurrent([1], 1, () => Promise.reject(undefined));
    const outcome = await all.then(
      () => "resolved",
      () => "rejected",
    );
    expect(outcome).toBe("rejected");
  });
});

describe("createSingleFlight", () => {
  it("shares a call among all who ask while it is under way, and keeps nothing afterwards", async () => {
    const flight = createSingleFlight<number>();
    let calls = 0;
    const load = async (): Promise<number> => {
      await settle();
      return ++calls;
    };
    expect(await Promise.all([flight("a", load), flight("a", load), flight("b", load)])).toEqual([1, 1, 2]);
    expect(await flight("a", load)).toBe(3);
  });

  it("shares a failure as well, and forgets it", async () => {
    const flight = createSingleFlight<number>();
    const failure = new Error("down");
    const down = async (): Promise<number> => {
      await settle();
      throw failure;
    };
    const both = await Promise.allSettled([flight("a", down), flight("a", down)]);
    expect(both).toEqual([
      { status: "rejected", reason: failure },
      { status: "rejected", reason: failure },
    ]);
    expect(await flight("a", async () => 1)).toBe(1);
  });

  it("lets one caller leave without disturbing the others", async () => {
    const flight = createSingleFlight<string>();
    const gate = deferred<string>();
    let shared: AbortSignal | undefined;
    const load = (signal: AbortSignal): Promise<string> => {
      shared = signal;
      return gate.promise;
    };
    const [leaving, reason] = [new AbortController(), new Error("leaving")];
    const first = flight("a", load, { signal: leaving.signal });
    const second = flight("a", load);
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(shared?.aborted).toBe(false);
    gate.resolve("loaded");
    expect(await second).toBe("loaded");
  });

  it("aborts the call when the last caller has left, and starts anew for the next", async () => {
    const flight = createSingleFlight<string>();
    const signals: AbortSignal[] = [];
    const load = (signal: AbortSignal): Promise<string> => {
      signals.push(signal);
      return deferred<string>().promise;
    };
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => flight("a", load, { signal }));
    const reason = new Error("nobody left");
    for (const controller of controllers) controller.abort(reason);
    for (const call of calls) await expect(call).rejects.toBe(reason);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await flight("a", async () => "anew")).toBe("anew");
  });

  it("is not disturbed by an earlier call that everybody has left", async () => {
    const flight = createSingleFlight<string>();
    const [left, under] = [deferred<string>(), deferred<string>()];
    const [controller, reason] = [new AbortController(), new Error("leaving")];
    const first = flight("a", () => left.promise, { signal: controller.signal });
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    const second = flight("a", () => under.promise);
    left.resolve("too late");
    await settle();
    const third = flight("a", async () => "a call of its own");
    under.resolve("shared");
    expect(await Promise.all([second, third])).toEqual(["shared", "shared"]);
  });

  it("does not start for a caller who has left already", async () => {
    const flight = createSingleFlight<number>();
    const reason = new Error("too late");
    let calls = 0;
    const call = flight("a", async () => ++calls, { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
    expect(calls).toBe(0);
  });
});

describe("abortable", () => {
  it("gives what the promise gives, and leaves no listener behind", async () => {
    const { signal } = new AbortController();
    expect(await abortable(Promise.resolve(1), signal)).toBe(1);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
  });

  it("rejects with the reason if that comes first", async () => {
    const [controller, reason] = [new AbortController(), new Error("stop")];
    const waiting = abortable(new Promise(() => undefined), controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(abortable(Promise.resolve(1), controller.signal)).rejects.toBe(reason);
  });

  it("leaves no rejection unhandled of what it does not wait for, which would end the process", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    onTestFinished(() => void process.off("unhandledRejection", listener));
    const reason = new Error("changed my mind");
    const failing = abortable(Promise.reject(new Error("failed, too")), AbortSignal.abort(reason));
    await expect(failing).rejects.toBe(reason);
    await sleep(1);
    expect(unhandled).toEqual([]);
  });
});

describe("sleep", () => {
  it("ends after its time", async () => {
    await expect(sleep(1)).resolves.toBeUndefined();
  });

  it("rejects with the reason of an abort before or during it", async () => {
    const [controller, reason] = [new AbortController(), new Error("wake up")];
    const sleeping = sleep(3_600_000, { signal: controller.signal });
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(sleep(0, { signal: controller.signal })).rejects.toBe(reason);
  });
});
