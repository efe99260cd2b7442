import { isOciError, sleep, type CallOptions } from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";

/** Bytes after which a connection counts as good again. */
const goodProgress = 1024 * 1024;

export interface Setback extends CallOptions {
  /** How far the transfer had come. */
  readonly offset: number;
  /** Whether another try may help although the error itself does not say so. */
  readonly mayPass?: boolean | undefined;
}

/** What a transfer may suffer that goes on where it was interrupted. */
export interface Setbacks {
  /** Waits before another try, or throws `error` if that is no use or there were too many in a row. */
  overcome(error: unknown, setback: Setback): Promise<void>;
}

/** As many setbacks in a row as any request has attempts; whoever gets further begins to count anew. */
export function createSetbacks(
  { settings, host }: Endpoint,
  { start }: { readonly start: number },
): Setbacks {
  const { attempts, minDelay, maxDelay, maxWait } = settings.retry;
  let count = 0;
  let mark = start;
  return {
    async overcome(error, { offset, mayPass = false, signal }) {
      if (offset - mark >= goodProgress) {
        count = 0;
        mark = offset;
      }
      count++;
      if (!isOciError(error) || !(error.retryable || mayPass) || count >= attempts) throw error;
      const { retryAfter = 0, code: reason, status, attempt = 1 } = error;
      // A request that was refused as often as it is sent has been waited for already.
      if (status !== undefined && attempt >= attempts) throw error;
      if (retryAfter > maxWait) throw error;
      const pause = Math.min(minDelay * 2 ** (count - 1) * (1 + Math.random()), maxDelay);
      const milliseconds = Math.max(pause, retryAfter);
      settings.trace({ type: "retry", host: host.name, attempt: count + 1, reason });
      settings.trace({ type: "wait", host: host.name, milliseconds, reason });
      await sleep(milliseconds, { signal });
    },
  };
}
