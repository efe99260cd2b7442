import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { formatErrorBody, OciError } from "@drayage/oci";
import type { Handler } from "./handler.ts";

export interface ListenOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string | undefined;
  /** Any free one by default. */
  readonly port?: number | undefined;
}

/** A server that listens. */
export interface RegistryServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:5000`. */
  readonly url: string;
  /** As references name it: `127.0.0.1:5000`. */
  readonly host: string;
  /** Takes no more requests, and resolves when the last one has been answered. */
  close(): Promise<void>;
}

const serverOptions = {
  // A large layer takes as long as it takes; the handler looks after clients that say nothing.
  requestTimeout: 0,
  headersTimeout: 30_000,
  // Longer than load balancers keep theirs, so that it is never we who close first.
  keepAliveTimeout: 75_000,
  // Tokens for many scopes are long.
  maxHeaderSize: 32 * 1024,
};

/**
 * A plain HTTP server for `handler`, which accepts requests already.
 *
 * @throws OciError UNAVAILABLE if the address cannot be had
 * @example
 * await using server = await listen(createHandler(registry), { port: 5000 });
 * console.log(server.url);
 */
export async function listen(handler: Handler, options: ListenOptions = {}): Promise<RegistryServer> {
  const { host = "127.0.0.1", port = 0 } = options;
  const server = createServer(serverOptions, (request, response) => handler(request, response));
  server.on("checkContinue", (request, response) => handler(request, response, { awaitsContinue: true }));
  server.on("clientError", refuse);
  await bind(server, { host, port });
  const name = formatHost(server.address());
  const close = createClose(server);
  return { url: `http://${name}`, host: name, close, [Symbol.asyncDispose]: close };
}

async function bind(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new OciError("UNAVAILABLE", `cannot listen on ${host}:${port}: ${reason}`, {
      cause,
      hint: "another host or port may be free",
    });
  }
}

function createClose(server: Server): () => Promise<void> {
  let closed: Promise<void> | undefined;
  /** How many answers each connection waits for. */
  const connections = new Map<Socket, number>();
  const count = (connection: Socket, change: number): void => {
    const waiting = connections.get(connection);
    if (waiting !== undefined) connections.set(connection, waiting + change);
  };
  // What is kept alive, or has sent half a request, would keep the server until its client goes.
  const endUnused = (): void => {
    for (const [connection, waiting] of connections) if (waiting === 0) connection.destroy();
  };
  const follow = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    count(socket, 1);
    response.once("close", () => {
      count(socket, -1);
      if (closed !== undefined) setImmediate(endUnused);
    });
  };
  server.on("request", follow).on("checkContinue", follow);
  server.on("connection", (connection) => {
    connections.set(connection, 0);
    connection.once("close", () => connections.delete(connection));
  });
  return () => {
    closed ??= new Promise((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      endUnused();
    });
    return closed;
  };
}

/** Answers what is not HTTP, or has headers too large, in our own words. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, message] = refusalOf(error.code);
  const body = formatErrorBody([{ code: "UNSUPPORTED", message }]);
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}

function refusalOf(code: string | undefined): readonly [status: string, message: string] {
  if (code === "HPE_HEADER_OVERFLOW")
    return ["431 Request Header Fields Too Large", "the headers are too large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return ["408 Request Timeout", "the headers took too long"];
  return ["400 Bad Request", "this is not HTTP"];
}

function formatHost(address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") {
    throw new OciError("OPTION_INVALID", "the server does not listen on a port");
  }
  return address.family === "IPv6"
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}
