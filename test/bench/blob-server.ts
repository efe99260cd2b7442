// The peer of blob-memory.ts, in a process of its own: a registry that has blobs of zeros and takes any other one.
// The repository's name says how many MiB they have. Prints its port.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { createDigester, parseRoute } from "@drayage/oci";
import { zeros } from "./zeros.ts";

const mebibyte = 1024 * 1024;

const server = createServer((request, response) => void answer(request, response));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = "" } = request;
  const route = parseRoute(url);
  if (method === "GET" && route?.kind === "blob") {
    response.writeHead(200, { "content-length": Number(route.name) * mebibyte });
    await pipeline(zeros(Number(route.name)), response);
  } else if (method === "POST" && route?.kind === "uploads") {
    response.writeHead(202, { location: `/v2/${route.name}/blobs/uploads/1` }).end();
  } else if (method === "PUT" && route?.kind === "upload") {
    const isWhole = (await digestOf(request)) === route.digest;
    response.writeHead(isWhole ? 201 : 400, { "docker-content-digest": route.digest }).end();
  } else response.writeHead(404).end();
}

async function digestOf(request: IncomingMessage): Promise<string> {
  const digester = createDigester();
  for await (const chunk of request) digester.update(parseChunk(chunk));
  return digester.digest();
}

function parseChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("not bytes");
}
