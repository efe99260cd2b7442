import { OciError, type CallOptions } from "@drayage/oci";

/** Runs work, so much of it at a time. @throws OciError TOOMANYREQUESTS */
export type Queue = <Value>(work: () => Promise<Value>, options?: CallOptions) => Promise<Value>;

export interface QueueOptions {
  /** How much is done at a time. */
  readonly concurrency: number;
  /** How much may wait; what comes then is refused. */
  readonly waiting: number;
}

/** In milliseconds. */
const pause = 1000;

/** Work in the order in which it came; whoever has gone meanwhile is passed over. */
export function createQueue({ concurrency, waiting }: QueueOptions): Queue {
  let running = 0;
  const next: (() => void)[] = [];

  const turn = (): Promise<void> => {
    if (running < concurrency) {
      running++;
      return Promise.resolve();
    }
    if (next.length >= waiting) {
      throw new OciError("TOOMANYREQUESTS", "too many logins at once", { retryAfter: pause });
    }
    return new Promise((resolve) => {
      next.push(resolve);
    });
  };
  /** Passes the turn on, so that `running` stays as it is. */
  const end = (): void => {
    const follower = next.shift();
    if (follower === undefined) running--;
    else follower();
  };

  return async (work, { signal } = {}) => {
    await turn();
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      end();
    }
  };
}
