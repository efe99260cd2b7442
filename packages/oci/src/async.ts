import { OciError } from "./errors.ts";
import type { CallOptions } from "./repository.ts";

/**
 * The results of `each` for every item, in their order, at most `concurrency` at a time.
 *
 * The first failure aborts the signal that the others were given, waits for them and is thrown.
 *
 * @throws OciError OPTION_INVALID unless `concurrency` is a whole number
 * @example await mapConcurrent(digests, 6, (digest, { signal }) => repository.headBlob(digest, { signal }))
 */
export async function mapConcurrent<Item, Result>(
  items: Iterable<Item>,
  concurrency: number,
  each: (item: Item, options: { readonly signal: AbortSignal }) => Promise<Result>,
  { signal }: CallOptions = {},
): Promise<Result[]> {
  if (!Number.isSafeInteger(concurrency)) {
    throw new OciError("OPTION_INVALID", `not a number of calls at a time: ${concurrency}`);
  }
  const failure = new AbortController();
  const shared = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  const results: Result[] = [];
  const queue = items[Symbol.iterator]();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let entry = queue.next(); entry.done !== true; entry = queue.next()) {
      shared.throwIfAborted();
      const index = next++;
      results[index] = await each(entry.value, { signal: shared });
    }
  };
  const workers = Array.from({ length: Math.max(1, concurrency) }, async () => {
    try {
      await work();
    } catch (error) {
      if (!failure.signal.aborted) failure.abort(error);
    }
  });
  await Promise.all(workers);
  signal?.throwIfAborted();
  failure.signal.throwIfAborted();
  return results;
}

/** Runs a call for a key, or joins the one under way for the same key. */
export type SingleFlight<Value> = (
  key: string,
  load: (signal: AbortSignal) => Promise<Value>,
  options?: CallOptions,
) => Promise<Value>;

interface Flight<Value> {
  readonly result: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Calls that are shared while they are under way; nothing is kept afterwards.
 *
 * A caller that aborts leaves alone; the call itself is aborted when the last caller has left.
 */
export function createSingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Flight<Value>>();

  const start = (key: string, load: (signal: AbortSignal) => Promise<Value>): Flight<Value> => {
    const controller = new AbortController();
    const result = load(controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    result.catch(() => undefined); // every caller may have left
    const flight: Flight<Value> = { result, controller, waiting: 0 };
    flights.set(key, flight);
    return flight;
  };

  return async (key, load, { signal } = {}) => {
    signal?.throwIfAborted();
    const flight = flights.get(key) ?? start(key, load);
    flight.waiting++;
    try {
      return await abortable(flight.result, signal);
    } finally {
      if (--flight.waiting === 0) {
        if (flights.get(key) === flight) flights.delete(key);
        flight.controller.abort(signal?.reason);
      }
    }
  };
}

/** `promise`, or a rejection with the signal's reason if that comes first. */
export async function abortable<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return promise;
  promise.catch(() => undefined); // whoever is not waited for any more may fail, and nobody hears of it
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's own
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves after `milliseconds`, or rejects with the signal's reason. */
export async function sleep(milliseconds: number, { signal }: CallOptions = {}): Promise<void> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await abortable(elapsed, signal);
  } finally {
    clearTimeout(timer);
  }
}
