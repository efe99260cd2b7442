import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import type { LookupFunction, Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { deliver, reset, type AnyRequest, type AnyResponse, type Delivery } from "./delivery.ts";
import type { ScriptedAnswer, ScriptedRequest } from "./exchange.ts";

/** What is to be done about a request. */
export type Outcome = (ScriptedAnswer & { readonly delivery: Delivery }) | "reset";

/** A request whose body has not been read. */
export interface RequestHead extends Omit<ScriptedRequest, "body"> {
  readonly httpVersion: string;
  readonly hasCertificate: boolean;
}

/** A certificate and its key, in PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Decides over a request; `body` reads its body, at most `limit` bytes of it. */
export type Decide = (
  origin: string,
  request: RequestHead,
  body: (limit: number | undefined) => Promise<Uint8Array>,
) => Promise<Outcome>;

/** Servers on loopback, one for each name. */
export interface Origins {
  portOf(origin: string): number;
  close(): Promise<void>;
}

interface Listening {
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
}

export async function openOrigins(
  names: readonly string[],
  decide: Decide,
  { tls }: { readonly tls: TestCertificate | undefined },
): Promise<Origins> {
  const servers = new Map<string, Listening>();
  for (const name of names) servers.set(name, await listen(name, decide, tls));
  return {
    portOf(origin) {
      const address = servers.get(origin)?.server.address();
      if (typeof address !== "object" || address === null) throw new Error(`there is no origin ${origin}`);
      return address.port;
    },
    close: async () => {
      await Promise.all([...servers.values()].map(closed));
    },
  };
}

async function listen(name: string, decide: Decide, tls: TestCertificate | undefined): Promise<Listening> {
  const answer = (request: AnyRequest, response: AnyResponse): void =>
    void serve(name, decide, { request, response });
  const server =
    tls === undefined
      ? createServer(answer)
      : createSecureServer(
          { ...tls, allowHTTP1: true, requestCert: true, rejectUnauthorized: false },
          answer,
        );
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, sockets };
}

/** Resolves `names` to loopback, and nothing else; `refused` times to its side where nobody listens. */
export function lookupOf(names: readonly string[], refused: Map<string, number> = new Map()): LookupFunction {
  return (hostname, options, callback) => {
    if (!names.includes(hostname)) {
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
      return callback(error, options.all === true ? [] : "", 0);
    }
    const left = refused.get(hostname) ?? 0;
    refused.set(hostname, Math.max(left - 1, 0));
    const [address, family] = left > 0 ? (["::1", 6] as const) : (["127.0.0.1", 4] as const);
    if (options.all === true) return callback(null, [{ address, family }]);
    callback(null, address, family);
  };
}

async function serve(
  origin: string,
  decide: Decide,
  { request, response }: { readonly request: AnyRequest; readonly response: AnyResponse },
): Promise<void> {
  try {
    const outcome = await decide(origin, headOf(origin, request), (limit) => readBody(request, limit));
    if (outcome === "reset") reset(request);
    else await deliver(response, outcome, { request, delivery: outcome.delivery });
    // What was not taken in stands before the next request of the connection.
    request.resume();
  } catch {
    // The client is gone, which some tests want.
    request.socket.destroy();
  }
}

function headOf(
  origin: string,
  { method = "", url = "/", headers, socket, httpVersion }: AnyRequest,
): RequestHead {
  const single: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    single[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  const isSecure = socket instanceof TLSSocket;
  const hasCertificate = isSecure && Object.keys(socket.getPeerCertificate()).length > 0;
  const base = `${isSecure ? "https" : "http"}://${origin}`;
  return { method, url: new URL(url, base), headers: single, httpVersion, hasCertificate };
}

async function readBody(request: AnyRequest, limit = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
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

function closed({ server, sockets }: Listening): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
