import { sleep } from "./async.ts";
import { headerOf, type HttpHeaders } from "./http.ts";
import type { CallOptions } from "./repository.ts";
import { parseRetryAfter } from "./wire/retry-after.ts";

/** What a host counts: requests of any kind, requests that count as a pull, or bytes. */
export type BudgetKind = "request" | "pull" | "byte";

/** What may be asked of each host; in memory for one process, in a shared store for many. */
export interface Budget {
  /** Resolves when `amount` of `kind` may be spent on `host`. */
  take(host: string, kind: BudgetKind, amount: number, options?: CallOptions): Promise<void>;
  /** Learns from an answer: `Retry-After` on 429 and 503. */
  observe(host: string, headers: HttpHeaders, status: number): void;
}

/** How much of a kind a host allows: `amount` in every `interval` milliseconds. */
export interface Rate {
  readonly amount: number;
  readonly interval: number;
}

export interface MemoryBudgetOptions {
  /** The rate of a host and kind; none by default. */
  readonly rate?: ((host: string, kind: BudgetKind) => Rate | undefined) | undefined;
  /** The time in milliseconds. */
  readonly now?: (() => number) | undefined;
  readonly sleep?: ((milliseconds: number, options: CallOptions) => Promise<void>) | undefined;
}

/**
 * A budget for one process.
 *
 * Each kind of each host is a bucket that fills evenly; a host that says `Retry-After` is left alone until then.
 *
 * @example createMemoryBudget({ rate: (host, kind) => kind === "pull" ? { amount: 100, interval: 6 * 3600_000 } : undefined })
 */
export function createMemoryBudget(options: MemoryBudgetOptions = {}): Budget {
  const { rate = () => undefined, now = () => performance.now(), sleep: wait = sleep } = options;
  const pausedUntil = new Map<string, number>();
  const freeAt = new Map<string, number>();

  /** Takes the share at once, and answers how long its owner has to wait for it. */
  const reserve = (host: string, kind: BudgetKind, amount: number): number => {
    const allowed = rate(host, kind);
    if (allowed === undefined) return 0;
    const key = `${kind} ${host}`;
    const cost = (amount * allowed.interval) / allowed.amount;
    const start = Math.max(freeAt.get(key) ?? 0, now() - allowed.interval);
    freeAt.set(key, start + cost);
    return Math.max(0, start + cost - now());
  };

  return {
    async take(host, kind, amount, { signal } = {}) {
      signal?.throwIfAborted();
      const share = reserve(host, kind, amount);
      if (share > 0) await wait(share, { signal });
      for (let pause = remaining(); pause > 0; pause = remaining()) await wait(pause, { signal });
      function remaining(): number {
        return (pausedUntil.get(host) ?? 0) - now();
      }
    },
    observe(host, headers, status) {
      if (status !== 429 && status !== 503) return;
      const pause = parseRetryAfter(headerOf(headers, "retry-after"));
      if (pause !== undefined) pausedUntil.set(host, Math.max(pausedUntil.get(host) ?? 0, now() + pause));
    },
  };
}
