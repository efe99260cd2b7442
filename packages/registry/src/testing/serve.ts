import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { MemoryRegistry, type Registry } from "@drayage/oci";
import { onTestFinished } from "vitest";
import { createMemoryDriver } from "../drivers/memory.ts";
import { createHandler, type HandlerOptions } from "../handler.ts";
import { listen, type RegistryServer } from "../listen.ts";
import { createRegistry } from "../registry.ts";

/** The registries that a handler has to serve alike. */
export const registries: readonly (readonly [name: string, create: () => Registry])[] = [
  ["a stored registry", () => createRegistry(createMemoryDriver())],
  ["MemoryRegistry", () => new MemoryRegistry()],
];

/** Serves `registry` until the test is over. */
export async function serve(registry: Registry, options?: HandlerOptions): Promise<RegistryServer> {
  const server = await listen(createHandler(registry, options));
  onTestFinished(() => server.close());
  return server;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  readonly json: unknown;
  /** The codes of an error body. */
  readonly codes: readonly unknown[];
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string;
  /** Sends the body without saying how long it is. */
  readonly chunked?: boolean;
}

/** One request on a connection of its own, its target sent as it is written. */
export async function ask(
  server: RegistryServer,
  method: string,
  target: string,
  { headers = {}, body, chunked = false }: Asked = {},
): Promise<Answered> {
  const path = target.startsWith("http") ? target.slice(target.indexOf("/", 8)) : target;
  const length = body === undefined || chunked ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const request = httpRequest(server.url, { method, path, agent: false, headers: { ...length, ...headers } });
  if (body !== undefined) request.write(body);
  request.end();
  const [response] = await once(request, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return answered(response.statusCode, response.headers, Buffer.concat(chunks));
}

function answered(status: number, headers: IncomingHttpHeaders, body: Buffer): Answered {
  const isJson = headers["content-type"]?.includes("json") === true && body.byteLength > 0;
  const json: unknown = isJson ? JSON.parse(body.toString()) : undefined;
  return { status, headers, body, json, codes: codesOf(json) };
}

function codesOf(json: unknown): readonly unknown[] {
  if (typeof json !== "object" || json === null || !("errors" in json) || !Array.isArray(json.errors))
    return [];
  return json.errors.map((entry: { code?: unknown }) => entry.code);
}

/** A connection on which a test writes what it likes. */
export async function dial(server: RegistryServer): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

/** Writes `lines` as the head of a request, and resolves to all that comes back until the connection is closed. */
export async function speak(server: RegistryServer, ...lines: readonly string[]): Promise<string> {
  const socket = await dial(server);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return text(socket);
}
