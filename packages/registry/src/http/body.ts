import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError } from "@drayage/oci";
import type { RequestBody } from "./exchange.ts";

export interface BodyOptions {
  /** How long the client may say nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** Whether the client waits for `100 Continue` before it sends anything. */
  readonly awaitsContinue: boolean;
}

/** The body of a request, none of which is read before somebody wants it. */
export function createBody(
  request: IncomingMessage,
  response: ServerResponse,
  options: BodyOptions,
): RequestBody {
  return { length: lengthOf(request), read: () => read(request, response, options) };
}

/** Whether bytes of the body may still be on their way to us. */
export function isUnread(request: IncomingMessage): boolean {
  return lengthOf(request) !== 0 && !request.readableEnded;
}

async function* read(
  request: IncomingMessage,
  response: ServerResponse,
  { idleTimeout, awaitsContinue }: BodyOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (awaitsContinue) response.writeContinue();
  const idle = createIdleTimer(idleTimeout);
  // A reader that stops early still wants to answer, so that the connection must outlive it.
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
