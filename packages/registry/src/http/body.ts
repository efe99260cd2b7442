import type { IncomingMessage, ServerResponse } from "node:http";
import { isOciError, OciError } from "@drayage/oci";
import type { RequestBody } from "./exchange.ts";

export interface BodyOptions {
  /** How long the client may say nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** Whether the client waits for `100 Continue` before it sends anything. */
  readonly awaitsContinue: boolean;
}

/** A body as it comes in. */
export interface IncomingBody extends RequestBody {
  /** How many bytes nobody has read, `Infinity` if that is unknown. */
  readonly rest: number;
  /** Whether the client sends nothing: it has not been asked to, or has fallen silent. */
  readonly isSilent: boolean;
}

/** The body of a request, none of which is read before somebody wants it. */
export function createBody(
  request: IncomingMessage,
  response: ServerResponse,
  { idleTimeout, awaitsContinue }: BodyOptions,
): IncomingBody {
  const length = lengthOf(request);
  let isSilent = awaitsContinue;
  return {
    length,
    get rest() {
      return request.readableEnded ? 0 : (length ?? Infinity);
    },
    get isSilent() {
      return isSilent;
    },
    async *read() {
      if (isSilent) response.writeContinue();
      isSilent = false;
      try {
        yield* read(request, idleTimeout);
      } catch (error) {
        isSilent = isOciError(error, "TIMEOUT");
        throw error;
      }
    },
  };
}

async function* read(
  request: IncomingMessage,
  idleTimeout: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const idle = createIdleTimer(idleTimeout);
  // A reader that stops early still wants to answer, and the rest stays readable so that the answer arrives.
  const chunks = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next: IteratorResult<unknown, unknown> = await idle.during(chunks.next());
      if (next.done === true) return;
      if (next.value instanceof Uint8Array) yield next.value;
    }
  } finally {
    idle.stop();
    chunks.return?.()?.catch(() => undefined); // not waited for: the client may be silent for ever
  }
}

interface IdleTimer {
  /** `promise`, or a rejection if it takes too long. */
  during<Value>(promise: Promise<Value>): Promise<Value>;
  stop(): void;
}

function createIdleTimer(idleTimeout: number): IdleTimer {
  let expire: (error: OciError) => void = () => undefined;
  const timer = setTimeout(() => {
    expire(new OciError("TIMEOUT", `the client sent nothing for ${idleTimeout / 1000} seconds`));
  }, idleTimeout);
  return {
    during(promise) {
      timer.refresh();
      return new Promise((resolve, reject) => {
        expire = reject;
        promise.then(resolve, reject);
      });
    },
    stop: () => clearTimeout(timer),
  };
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  const length = headers["content-length"];
  return length === undefined ? 0 : Number(length); // Node has refused all but digits
}
