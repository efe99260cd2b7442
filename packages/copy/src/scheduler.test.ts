import { expect, it } from "vitest";
import { createScheduler, inOrder, type Scheduler } from "./scheduler.ts";

const mebibyte = 1024 * 1024;

/** Work that goes on until it is told to end. */
function schedule(scheduler: Scheduler, size: number, signal?: AbortSignal) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isRunning = false;
  const work = async (): Promise<void> => {
    isRunning = true;
    await promise;
    isRunning = false;
  };
  const done = scheduler.run(size, work, { signal });
  done.catch(() => undefined);
  const settled = (): Promise<unknown> => done.catch(() => undefined).then(turn);
  return {
    done,
    isRunning: () => isRunning,
    end: () => (resolve(), settled()),
    fail: () => (reject(new Error("it failed")), settled()),
  };
}

/** Resolves when all that can go on has gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function running(...all: readonly ReturnType<typeof schedule>[]): Promise<readonly boolean[]> {
  await turn();
  return all.map(({ isRunning }) => isRunning());
}

it("runs so many things at a time, the next one when one has ended or failed", async () => {
  const scheduler = createScheduler({ concurrency: 2 });
  const [a, b, c, d] = [1, 2, 3, 4].map((size) => schedule(scheduler, size));
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error("four");
  expect(await running(a, b, c, d)).toEqual([true, true, false, false]);
  await b.end();
  expect(await running(a, c, d)).toEqual([true, true, false]);
  await a.fail();
  expect(await running(c, d)).toEqual([true, true]);
  await expect(a.done).rejects.toThrow("it failed");
});

it("lets small things pass large ones, and keeps one large one under way beside them", async () => {
  const scheduler = createScheduler({ concurrency: 2 });
  const large = [5, 6].map((size) => schedule(scheduler, size * mebibyte));
  const small = [1, 2].map((size) => schedule(scheduler, size));
  expect(await running(...large, ...small)).toEqual([true, false, true, false]);
  await small[0]?.end();
  expect(await running(...large, ...small)).toEqual([true, false, false, true]);
  await small[1]?.end();
  // At the most a quarter of the places is for large things, and never less than one.
  expect(await running(...large)).toEqual([true, false]);
  const late = schedule(scheduler, 1);
  await large[0]?.end();
  expect(await running(...large, late)).toEqual([false, true, true]);
});

it("runs one thing at a time if it is to, small ones first", async () => {
  const scheduler = createScheduler({ concurrency: 1 });
  const first = schedule(scheduler, 1);
  const large = schedule(scheduler, mebibyte);
  const small = schedule(scheduler, 2);
  expect(await running(first, large, small)).toEqual([true, false, false]);
  await first.end();
  expect(await running(large, small)).toEqual([false, true]);
  await small.end();
  expect(await running(large)).toEqual([true]);
});

it("forgets what is aborted while it waits, and never runs it", async () => {
  const scheduler = createScheduler({ concurrency: 1 });
  const first = schedule(scheduler, 1);
  const abort = new AbortController();
  const second = schedule(scheduler, 1, abort.signal);
  const third = schedule(scheduler, 1);
  abort.abort(new Error("enough"));
  await expect(second.done).rejects.toThrow("enough");
  await first.end();
  expect(await running(second, third)).toEqual([false, true]);
});

it("passes a place on that was given at the moment of the abort", async () => {
  const scheduler = createScheduler({ concurrency: 1 });
  const first = schedule(scheduler, 1);
  const abort = new AbortController();
  const second = schedule(scheduler, 1, abort.signal);
  const third = schedule(scheduler, 1);
  await turn();
  const ended = first.end();
  abort.abort(new Error("enough"));
  await ended;
  await expect(second.done).rejects.toThrow("enough");
  expect(await running(third)).toEqual([true]);
});

it.each([0, -1, 1.5, Number.NaN])("refuses a concurrency of %s", (concurrency) => {
  expect(() => createScheduler({ concurrency })).toThrow("concurrency is not a positive whole number");
});

it("orders blobs: small ones as they are, then from the largest on", () => {
  const sizes = [1, 20, mebibyte, 3 * mebibyte, 5 * mebibyte].map((size) => ({ size }));
  expect(inOrder(sizes).map(({ size }) => size)).toEqual([1, 20, 5 * mebibyte, 3 * mebibyte, mebibyte]);
});
