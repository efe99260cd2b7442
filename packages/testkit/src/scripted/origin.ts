import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { LookupFunction } from "node:net";
import type { ScriptedAnswer, ScriptedRequest } from "./exchange.ts";

/** What is to be done about a request. */
export type Outcome = (ScriptedAnswer & { readonly cutAfter?: number | undefined }) | "reset";

/** Decides over a request; `body` reads its body, at most `limit` bytes of it. */
export type Decide = (
  origin: string,
  request: Omit<ScriptedRequest, "body">,
  body: (limit: number | undefined) => Promise<Uint8Array>,
) => Promise<Outcome>;

/** Servers on loopback, one for each name. */
export interface Origins {
  portOf(origin: string): number;
  close(): Promise<void>;
}

export async function openOrigins(names: readonly string[], decide: Decide): Promise<Origins> {
  const servers = new Map<string, Server>();
  for (const name of names) {
    const server = createServer((request, response) => void serve(name, decide, { request, response }));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.set(name, server);
  }
  return {
    portOf(origin) {
      const address = servers.get(origin)?.address();
      if (typeof address !== "object" || address === null) throw new Error(`there is no origin ${origin}`);
      return address.port;
    },
    close: async () => {
      await Promise.all([...servers.values()].map(closed));
    },
  };
}

/** Resolves `names` to loopback, and nothing else. */
export function lookupOf(names: readonly string[]): LookupFunction {
  return (hostname, options, callback) => {
    if (!names.includes(hostname)) {
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
      return callback(error, options.all === true ? [] : "", 0);
    }
    if (options.all === true) return callback(null, [{ address: "127.0.0.1", family: 4 }]);
    callback(null, "127.0.0.1", 4);
  };
}

async function serve(
  origin: string,
  decide: Decide,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  try {
    const outcome = await decide(origin, headOf(origin, request), (limit) => readBody(request, limit));
    if (outcome === "reset") request.socket.resetAndDestroy();
    else await send(response, outcome, request.method === "HEAD");
  } catch {
    // The client is gone, which some tests want.
    request.socket.destroy();
  }
}

function headOf(
  origin: string,
  { method = "", url = "/", headers }: IncomingMessage,
): Omit<ScriptedRequest, "body"> {
  const single: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    single[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return { method, url: new URL(url, `http://${origin}`), headers: single };
}

async function readBody(request: IncomingMessage, limit = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const bytes of body) {
    chunks.push(bytes.subarray(0, limit - size));
    size += bytes.byteLength;
    if (size >= limit) break;
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

async function send(
  response: ServerResponse,
  { status, headers = {}, body = "", cutAfter }: Exclude<Outcome, "reset">,
  isHead: boolean,
): Promise<void> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const hasBody = status !== 204 && status !== 304;
  if (hasBody && !response.hasHeader("content-length"))
    response.setHeader("content-length", bytes.byteLength);
  response.writeHead(status);
  if (cutAfter === undefined || isHead) {
    response.end(isHead || !hasBody ? undefined : bytes);
    return;
  }
  await new Promise<void>((resolve) => response.write(bytes.subarray(0, cutAfter), () => resolve()));
  response.socket?.destroy();
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
