import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { readIncoming } from "./incoming.ts";

const body = Buffer.alloc(1024 * 1024, "0123456789");

/** A request whose body is on its way. */
async function receive(): Promise<IncomingMessage> {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const sent = httpRequest({ host: "127.0.0.1", port, method: "PUT" });
  sent.on("error", () => undefined).end(body);
  return new Promise((resolve) => server.once("request", (request) => resolve(request)));
}

function read(request: IncomingMessage, isLent: boolean): AsyncIterableIterator<Uint8Array, void, undefined> {
  const chunks = readIncoming(request, {
    idleTimeout: 10_000,
    isLent,
    onChunk: () => undefined,
    onSilence: () => undefined,
  });
  return {
    next: () => chunks.next(),
    return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

test("a body comes whole, however slowly it is read", async () => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of read(await receive(), false)) {
    if (chunks.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    chunks.push(chunk);
  }
  expect(Buffer.concat(chunks).equals(body)).toBe(true);
});

test("a chunk that was lent is good until the next is asked for, and its memory is free then", async () => {
  const copies: Buffer[] = [];
  const sizes: number[] = [];
  let before: Uint8Array | undefined;
  for await (const chunk of read(await receive(), true)) {
    copies.push(Buffer.from(chunk));
    if (before !== undefined && (copies.at(-2)?.byteLength ?? 0) >= 16 * 1024) sizes.push(before.byteLength);
    before = chunk;
  }
  expect(Buffer.concat(copies).equals(body)).toBe(true);
  expect(new Set(sizes)).toEqual(new Set([0]));
});

test("what somebody else reads too is left to him", async () => {
  const request = await receive();
  const others: Uint8Array[] = [];
  request.on("data", (chunk: Uint8Array) => others.push(chunk));
  for await (const _chunk of read(request, true)) continue;
  expect(Buffer.concat(others).equals(body)).toBe(true);
});

test("whoever stops early leaves the rest to others", async () => {
  const request = await receive();
  let size = 0;
  for await (const chunk of read(request, false)) {
    size += chunk.byteLength;
    break;
  }
  for await (const chunk of read(request, false)) size += chunk.byteLength;
  expect(size).toBe(body.byteLength);
});

test("a body that has been read is at its end", async () => {
  const request = await receive();
  for await (const _chunk of read(request, false)) continue;
  expect(await read(request, false).next()).toEqual({ done: true, value: undefined });
});

test("a client that goes away in the middle is an error, not an end", async () => {
  const request = await receive();
  const chunks = read(request, false);
  await chunks.next();
  request.socket.destroy();
  const rest = async (): Promise<void> => {
    for await (const _chunk of chunks) continue;
  };
  await expect(rest()).rejects.toThrow("aborted");
});
