import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";

/** What a registry answered, all of it. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface WireRequest {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | string | undefined;
  /** Sends the body without saying how long it is. */
  readonly isStreamed?: boolean | undefined;
}

/** Sends one request, just as it is written here, to a path or to a `Location`. */
export type Wire = (method: string, target: string, request?: WireRequest) => Promise<WireAnswer>;

/** Requests to one registry, each to the next of its instances. */
export function createWire(instances: readonly string[]): Wire {
  let sent = 0;
  return (method, target, request = {}) => {
    const instance = instances[sent++ % instances.length] ?? "";
    return send(instance, { method, path: target.replace(/^https?:\/\/[^/]+/, ""), ...request });
  };
}

async function send(
  instance: string,
  { method, path, headers = {}, body, isStreamed = false }: WireRequest & { method: string; path: string },
): Promise<WireAnswer> {
  const length: Record<string, string> = isStreamed
    ? { "transfer-encoding": "chunked" }
    : { "content-length": String(body === undefined ? 0 : Buffer.byteLength(body)) };
  const hasBody = body !== undefined || method === "POST" || method === "PUT" || method === "PATCH";
  const request = httpRequest(instance, {
    method,
    path,
    headers: { ...(hasBody ? length : {}), ...headers },
    agent: false,
  });
  const answered = new Promise<WireAnswer>((resolve, reject) => {
    request.once("error", reject);
    request.once("response", (response) => {
      const { statusCode: status = 0, headers: received } = response;
      buffer(response).then((bytes) => resolve({ status, headers: received, body: bytes }), reject);
    });
  });
  request.end(body);
  return answered;
}
