import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError, sleep, type Bytes } from "@drayage/oci";
import type { IncomingBody } from "./body.ts";
import type { Reply } from "./exchange.ts";

/** A body that is left unread is read to here before the connection is closed, so that the answer arrives. */
const linger = { bytes: 1024 * 1024, milliseconds: 1000 };
/** An unread body of up to this many bytes does not cost the connection. */
const skipped = 64 * 1024;

export interface RespondOptions {
  /** How long the client may take nothing, in milliseconds. */
  readonly idleTimeout: number;
  readonly signal: AbortSignal;
}

/** Sends the answer, as fast as the client takes it. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  {
    reply,
    received,
    ...options
  }: RespondOptions & { readonly reply: Reply; readonly received: IncomingBody },
): Promise<void> {
  const isLeft = received.isWithheld || received.rest > skipped;
  if (isLeft) response.setHeader("connection", "close");
  const { body } = reply;
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    writeHead(response, reply);
    if (body !== undefined && request.method !== "HEAD") response.write(body);
    else response.flushHeaders();
  } else {
    await sendStream(response, body, { reply, ...options });
  }
  // Closing with bytes unread makes the other side's system discard our answer (RFC 9112 §9.6).
  if (isLeft && !received.isWithheld)
    await discard(request, Math.min(options.idleTimeout, linger.milliseconds));
  response.end();
}

async function sendStream(
  response: ServerResponse,
  body: Bytes,
  { reply, idleTimeout, signal }: RespondOptions & { readonly reply: Reply },
): Promise<void> {
  // The first bytes before the head: what fails until then still gets a proper answer.
  const chunks = body[Symbol.asyncIterator]();
  try {
    let next = await chunks.next();
    writeHead(response, reply);
    for (; next.done !== true; next = await chunks.next()) {
      signal.throwIfAborted();
      if (!response.write(next.value)) await drained(response, { idleTimeout, signal });
    }
  } finally {
    await chunks.return?.();
  }
}

async function drained(response: ServerResponse, { idleTimeout, signal }: RespondOptions): Promise<void> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(idleTimeout)]);
  try {
    await once(response, "drain", { signal: stop });
  } catch (cause) {
    throw new OciError("TIMEOUT", "the client takes nothing any more", { cause });
  }
}

async function discard(request: IncomingMessage, milliseconds: number): Promise<void> {
  let left = linger.bytes;
  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  const finish = (): void => ended.resolve();
  request.on("data", (chunk: Uint8Array) => {
    left -= chunk.byteLength;
    if (left < 0) finish();
  });
  for (const event of ["end", "close", "error"]) request.once(event, finish);
  await Promise.race([ended.promise, sleep(milliseconds, { signal: stop.signal })]);
  stop.abort();
}

function writeHead(response: ServerResponse, { status, headers }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.writeHead(status);
}
