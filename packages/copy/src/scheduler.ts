import { abortable, type CallOptions } from "@drayage/oci";
import { parseConcurrency } from "./options.ts";

/** What decides in which order things pass between two registries, and how many at a time. */
export interface Scheduler {
  /**
   * What `work` resolves to, run when its turn has come. It must not wait for anything else that is scheduled.
   *
   * @param size how many bytes are to be moved
   */
  run<Result>(size: number, work: () => Promise<Result>, options?: CallOptions): Promise<Result>;
}

export interface SchedulerOptions {
  /** How many things are under way at a time, at the most a quarter of them large; 24 unless told. */
  readonly concurrency?: number | undefined;
}

/** What is smaller costs a registry's answer rather than the line's width, in bytes. */
const large = 1024 * 1024;

/**
 * A scheduler that several copies between the same two registries can share.
 *
 * Small things go first, in the order in which they come, so that no manifest waits for a large blob. Beside them one
 * large blob is always under way, so that the line is not idle, and when no small ones wait, as many as a quarter of all.
 * How much a registry takes is up to whoever speaks to it.
 *
 * @throws OciError OPTION_INVALID unless `concurrency` is a positive whole number
 * @example
 * const scheduler = createScheduler();
 * await Promise.all(images.map(({ from, to }) => copy(from, to, { scheduler })));
 */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const concurrency = parseConcurrency(options.concurrency);
  const mostLarge = Math.ceil(concurrency / 4);
  const lanes = { small: createLane(), large: createLane() };

  const nextLane = (): Lane | undefined => {
    const { small, large } = lanes;
    const hasPlace = small.running + large.running < concurrency;
    const mayBeLarge = large.waiting.size > 0 && large.running < mostLarge;
    if (!hasPlace) return undefined;
    if (mayBeLarge && large.running === 0 && concurrency > 1) return large;
    if (small.waiting.size > 0) return small;
    return mayBeLarge ? large : undefined;
  };
  const startNext = (): void => {
    for (let lane = nextLane(); lane !== undefined; lane = nextLane()) {
      const [start] = lane.waiting;
      if (start === undefined) return;
      lane.waiting.delete(start);
      lane.running++;
      start();
    }
  };
  const leave = (lane: Lane): void => {
    lane.running--;
    startNext();
  };

  return {
    async run(size, work, { signal } = {}) {
      signal?.throwIfAborted();
      const lane = size < large ? lanes.small : lanes.large;
      const { promise, resolve } = Promise.withResolvers<void>();
      lane.waiting.add(resolve);
      startNext();
      try {
        await abortable(promise, signal);
      } catch (error) {
        // Whoever was let in at the very moment of the abort passes the place on.
        if (!lane.waiting.delete(resolve)) leave(lane);
        throw error;
      }
      try {
        return await work();
      } finally {
        leave(lane);
      }
    },
  };
}

interface Lane {
  /** In the order of their arrival. */
  readonly waiting: Set<() => void>;
  running: number;
}

function createLane(): Lane {
  return { waiting: new Set(), running: 0 };
}

/** `things` in the order in which they should come: the small ones, then from the largest on, so that none ends late. */
export function inOrder<Thing extends { readonly size: number }>(things: readonly Thing[]): readonly Thing[] {
  const small = things.filter(({ size }) => size < large);
  const rest = things.filter(({ size }) => size >= large);
  return [...small, ...rest.toSorted((a, b) => b.size - a.size)];
}
