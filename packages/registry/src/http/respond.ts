import type { IncomingMessage, ServerResponse } from "node:http";
import { sleep } from "@drayage/oci";
import { isLending } from "../storage/lend.ts";
import type { IncomingBody } from "./body.ts";
import type { Reply } from "./exchange.ts";
import { createSender, type SenderOptions } from "./sender.ts";

/** A body that is left unread is read to here before the connection is closed, so that the answer arrives. */
const linger = { bytes: 1024 * 1024, milliseconds: 1000 };
/** An unread body of up to this many bytes does not cost the connection. */
const skipped = 64 * 1024;
/** What is at hand as a whole is sent in pieces of so many bytes, so that a slow client is seen to take them. */
const pieceSize = 64 * 1024;

/** Sends the answer, as fast as the client takes it. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { reply, received, ...options }: SenderOptions & { readonly reply: Reply; readonly received: IncomingBody },
): Promise<void> {
  const isLeft = received.isSilent || received.rest > skipped;
  if (isLeft) response.setHeader("connection", "close");
  await send(response, request.method === "HEAD" ? { ...reply, body: undefined } : reply, options);
  // Closing with bytes unread makes the other side's system discard our answer (RFC 9112 §9.6).
  if (isLeft && !received.isSilent)
    await discard(request, Math.min(options.idleTimeout, linger.milliseconds));
  response.end();
}

/** Resolves when the client's system has all but the last bytes: a server that closes cuts what has been ended. */
async function send(response: ServerResponse, reply: Reply, options: SenderOptions): Promise<void> {
  const { body } = reply;
  const isLent = typeof body === "object" && isLending(body);
  // The first bytes before the head: what fails until then still gets a proper answer.
  const chunks = isLent ? body.lend() : chunksOf(body);
  const sender = createSender(response, options);
  try {
    let next = await chunks.next();
    writeHead(response, reply);
    if (next.done === true) response.flushHeaders();
    for (; next.done !== true; next = await chunks.next()) {
      const turn = isLent ? sender.sendLent(next.value) : sender.send(next.value);
      if (turn !== undefined) await turn;
    }
  } finally {
    sender.stop();
    await chunks.return?.();
  }
}

function chunksOf(body: Reply["body"]): AsyncIterator<Uint8Array> {
  if (body === undefined) return pieces(new Uint8Array(0));
  if (typeof body === "string") return pieces(Buffer.from(body));
  return body instanceof Uint8Array ? pieces(body) : body[Symbol.asyncIterator]();
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.byteLength; start += pieceSize) {
    yield bytes.subarray(start, start + pieceSize);
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
  request.resume(); // whoever has read some of it may have stopped it
  await Promise.race([ended.promise, sleep(milliseconds, { signal: stop.signal })]);
  stop.abort();
}

function writeHead(response: ServerResponse, { status, headers }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.writeHead(status);
}
