import { abortable, OciError } from "@drayage/oci";
import type { RequestBody } from "../http/exchange.ts";
import { createIdleTimer } from "../http/idle.ts";

export interface FetchBodyOptions {
  /** How long the client may send nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** The body of a request of the Fetch standard, none of which is read before somebody wants it. */
export function createFetchBody(
  request: Request,
  { idleTimeout, signal }: FetchBodyOptions,
): RequestBody & { readonly received: number } {
  let received = 0;
  return {
    length: lengthOf(request),
    get received() {
      return received;
    },
    async *read() {
      if (request.bodyUsed)
        throw new OciError("OPTION_INVALID", "the body has been read before it came here");
      if (request.body === null) return;
      const reader = request.body.getReader();
      const idle = createIdleTimer(idleTimeout);
      try {
        for (;;) {
          const next: ReadResult = await idle.during(abortable(reader.read(), signal));
          if (next.done) return;
          if (!(next.value instanceof Uint8Array))
            throw new OciError("OPTION_INVALID", "a body that is not bytes");
          received += next.value.byteLength;
          yield next.value;
        }
      } finally {
        idle.stop();
        // Not cancelled: that would end the connection on which the answer is to go.
        reader.releaseLock();
      }
    },
  };
}

type ReadResult = { readonly done: boolean; readonly value?: unknown };

function lengthOf({ headers, body }: Request): number | undefined {
  if (body === null) return 0;
  const length = headers.get("content-length") ?? "";
  return headers.has("transfer-encoding") || !/^[0-9]{1,15}$/.test(length) ? undefined : Number(length);
}
