import { abortable, sleep, type CallOptions } from "@drayage/oci";
import type { Settings } from "../options.ts";

export type PaceSettings = Pick<Settings, "concurrency" | "retry" | "now">;

/** How fast one host is asked: so many requests at a time, fewer while it complains, none while it wants to rest. */
export interface Pace {
  /** Resolves when a request may be sent; the sooner it leaves again, the sooner the next one may. */
  enter(queue: Queue, options: CallOptions): Promise<Turn>;
}

/**
 * Where a request waits. Uploads have places of their own, for what they send may come from the same host: if both
 * shared them, uploads could fill them all and wait for downloads that get none.
 */
export type Queue = "upload" | "other";

/** The time between the beginning of a request and that of its answer. */
export interface Turn {
  /** Tells how the host has answered. */
  note(answer: Reception): void;
  leave(): void;
}

/** What an answer says of how much is asked; `retryAfter` in milliseconds. */
export type Reception =
  | { readonly isTooMuch: false }
  | { readonly isTooMuch: true; readonly retryAfter: number | undefined };

/**
 * A pace that halves the number of requests when the host complains, lets it rest, and adds about one for each round
 * of good answers, up to `concurrency`. All that are asked of the host share it.
 */
export function createPace({ concurrency, retry, now }: PaceSettings): Pace {
  let limit = concurrency;
  let restUntil = Number.NEGATIVE_INFINITY;
  let complaints = 0;
  // Answers to what was sent before the last complaint say nothing of the pace since.
  let era = 0;
  const hasRoom = (taken: number): boolean => taken + 1 <= limit;
  const queues = { upload: createPlaces(hasRoom), other: createPlaces(hasRoom) };

  const rest = (milliseconds: number): void => {
    // Longer than that, the request itself is given up on; the next one may find out anew.
    if (milliseconds <= retry.maxWait) restUntil = Math.max(restUntil, now() + milliseconds);
  };
  const note = (reception: Reception, since: number): void => {
    if (reception.isTooMuch) {
      const { retryAfter } = reception;
      if (since === era) slowDown();
      rest(retryAfter ?? Math.min(retry.minDelay * 2 ** (complaints - 1), retry.maxDelay));
    } else if (since === era) {
      complaints = 0;
      limit = Math.min(limit + 1 / limit, concurrency);
    }
  };
  const slowDown = (): void => {
    era++;
    complaints++;
    limit = Math.max(limit / 2, 1);
  };
  const rested = async (options: CallOptions): Promise<void> => {
    let seen: number;
    do {
      seen = restUntil;
      const left = seen - now();
      if (left > 0) await sleep(left, options);
    } while (seen !== restUntil);
  };

  return {
    async enter(queue, { signal }) {
      const leave = await queues[queue].enter({ signal });
      try {
        await rested({ signal });
      } catch (error) {
        leave();
        throw error;
      }
      const since = era;
      return { leave, note: (reception) => note(reception, since) };
    },
  };
}

interface Places {
  /** Resolves to what gives the place back. */
  enter(options: CallOptions): Promise<() => void>;
}

function createPlaces(hasRoom: (taken: number) => boolean): Places {
  const waiting = new Set<() => void>();
  let taken = 0;

  const leave = (): void => {
    taken--;
    for (const next of waiting) {
      if (!hasRoom(taken)) return;
      waiting.delete(next);
      taken++;
      next();
    }
  };

  return {
    async enter({ signal }) {
      signal?.throwIfAborted();
      if (hasRoom(taken)) {
        taken++;
        return leave;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      try {
        await abortable(promise, signal);
      } catch (error) {
        // Whoever was let in at the very moment of the abort passes the place on.
        if (!waiting.delete(resolve)) leave();
        throw error;
      }
      return leave;
    },
  };
}
