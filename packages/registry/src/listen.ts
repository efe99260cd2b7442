import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { OciError } from "@drayage/oci";
import type { Handler } from "./handler.ts";
import { createTraffic, type CloseOptions } from "./http/close.ts";
import { refuse } from "./http/refuse.ts";

export interface ListenOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string | undefined;
  /** Any free one by default. */
  readonly port?: number | undefined;
  /** Speaks HTTPS: `cert` and `key` at least, and `ca` with `requestCert` to ask clients for a certificate. */
  readonly tls?: TlsOptions | undefined;
}

/** A server that listens. */
export interface RegistryServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:5000`. */
  readonly url: string;
  /** As references name it: `127.0.0.1:5000`. */
  readonly host: string;
  /** Takes no more requests, and resolves when the last one has been answered. */
  close(options?: CloseOptions): Promise<void>;
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

/** Clients that greet over TLS and then say nothing get no more than this, in milliseconds. */
const handshakeTimeout = 10_000;

/**
 * A server of HTTP, or of HTTPS with `tls`, for `handler`, which accepts requests already.
 *
 * @throws OciError UNAVAILABLE if the address cannot be had, OPTION_INVALID for a certificate or key that is none
 * @example
 * await using server = await listen(createHandler(registry), { port: 5000 });
 * console.log(server.url);
 */
export async function listen(handler: Handler, options: ListenOptions = {}): Promise<RegistryServer> {
  const { host = "127.0.0.1", port = 0, tls } = options;
  const server = await open(tls);
  const traffic = createTraffic(server);
  const waitUntil = (work: Promise<void>): void => traffic.waitUntil(work);
  const handle = (awaitsContinue: boolean): RequestListener => {
    return (request, response) => {
      traffic.enter(request, response);
      handler(request, response, { awaitsContinue, waitUntil });
    };
  };
  server.on("request", handle(false)).on("checkContinue", handle(true)).on("clientError", refuse);
  await bind(server, { host, port });
  const name = formatHost(server.address());
  const close: RegistryServer["close"] = (closing) => traffic.close(closing);
  const scheme = tls === undefined ? "http" : "https";
  return { url: `${scheme}://${name}`, host: name, close, [Symbol.asyncDispose]: () => close() };
}

async function open(tls: TlsOptions | undefined): Promise<Server> {
  if (tls === undefined) return createServer(serverOptions);
  const https = await import("node:https");
  try {
    return https.createServer({ handshakeTimeout, ...serverOptions, ...tls });
  } catch (cause) {
    throw new OciError("OPTION_INVALID", "these are no certificate and key for TLS", { cause });
  }
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

function formatHost(address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string") {
    throw new OciError("OPTION_INVALID", "the server does not listen on a port");
  }
  return address.family === "IPv6"
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}
