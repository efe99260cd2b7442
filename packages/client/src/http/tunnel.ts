import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { OciError } from "@drayage/oci";
import type { buildConnector } from "undici";
import { proxyAuthorization } from "../auth/proxy-authorization.ts";
import { hostAndPort, type ForwardProxy, type ProxyTarget } from "./proxy.ts";
import { portOf } from "./url.ts";

export interface TunnelOptions {
  readonly proxy: ForwardProxy;
  /** Reaches the proxy itself. */
  readonly connect: buildConnector.connector;
  /** How long the proxy may take to reach the target, in milliseconds; with 0 as long as it takes. */
  readonly timeout: number;
}

/**
 * A connection to the target through a proxy, which sees nothing of it but the target's name if it is encrypted.
 *
 * @throws OciError CONNECTION_FAILED, TIMEOUT
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-connect
 */
export async function openTunnel(target: ProxyTarget, options: TunnelOptions): Promise<Socket> {
  const socket = await connected(options);
  const authority = hostAndPort(target);
  const { proxy, timeout } = options;
  const giveUp = (): void => void socket.destroy(tooSlow(authority, proxy));
  const timer = timeout > 0 ? setTimeout(giveUp, timeout) : undefined;
  try {
    const status = await askFor(authority, { socket, proxy });
    if (status < 200 || status > 299) throw refused(authority, { status, proxy });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function connected({ proxy: { url }, connect }: TunnelOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const { host, protocol } = url;
  connect({ hostname, host, protocol, port: portOf(url) }, (error, socket) => {
    if (error === null) resolve(socket);
    else reject(unreachable(host, error));
  });
  return promise;
}

/** The status of the answer to a CONNECT; what comes behind it stays in the socket. */
function askFor(
  authority: string,
  { socket, proxy }: { readonly socket: Socket; readonly proxy: ForwardProxy },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { host: authority, ...proxyAuthorization(proxy) };
  const asked = request({ method: "CONNECT", path: authority, headers, createConnection: () => socket });
  asked.once("error", reject);
  asked.once("connect", ({ statusCode = 0 }: IncomingMessage, _socket: Duplex, head: Buffer) => {
    if (head.byteLength > 0) socket.unshift(head);
    resolve(statusCode);
  });
  asked.end();
  return promise;
}

function unreachable(proxy: string, cause: Error): OciError {
  const reason = "code" in cause ? String(cause.code) : cause.message;
  return new OciError("CONNECTION_FAILED", `the proxy ${proxy} cannot be reached (${reason})`, { cause });
}

function refused(
  authority: string,
  { status, proxy }: { readonly status: number; readonly proxy: ForwardProxy },
): OciError {
  const hint = status === 407 ? "network.proxy takes a username and a password for the proxy" : undefined;
  return new OciError(
    "CONNECTION_FAILED",
    `the proxy ${proxy.url.host} answered ${status} for ${authority}`,
    {
      status,
      hint,
      retryable: status >= 500,
    },
  );
}

function tooSlow(authority: string, { url }: ForwardProxy): OciError {
  return new OciError("TIMEOUT", `the proxy ${url.host} did not reach ${authority} in time`);
}
