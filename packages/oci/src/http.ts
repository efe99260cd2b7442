import { bytesOf, type Bytes } from "./bytes.ts";
import type { CallOptions } from "./repository.ts";

/** Header fields by lower-case name; several lines of one field stay apart. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request to anywhere but a registry's own endpoints: a vendor's API, a token exchange. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: HttpHeaders | undefined;
  readonly body?: string | Uint8Array | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Bytes;
}

/**
 * Sends one request, under the limits, address rules and redaction of whoever provides it.
 *
 * @throws OciError CONNECTION_FAILED, TIMEOUT, ADDRESS_REFUSED, URL_REFUSED; an answer of any status is not an error
 */
export type HttpSend = (request: HttpRequest, options?: CallOptions) => Promise<HttpResponse>;

/** The first line of a header field. */
export function headerOf(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** What a handler of {@link answerWith} gives: a body as text or bytes, status 200 unless it says otherwise. */
export interface Answer {
  readonly status?: number | undefined;
  readonly headers?: HttpHeaders | undefined;
  readonly body?: string | Uint8Array | undefined;
}

/**
 * An {@link HttpSend} that never leaves memory, for programs that are tested without a network.
 *
 * @example const send = answerWith(({ url }) => ({ body: JSON.stringify({ asked: url }) }))
 */
export function answerWith(handler: (request: HttpRequest) => Answer | Promise<Answer>): HttpSend {
  return async (request, { signal } = {}) => {
    signal?.throwIfAborted();
    const { status = 200, headers = {}, body = "" } = await handler(request);
    return {
      status,
      headers,
      body: bytesOf(typeof body === "string" ? new TextEncoder().encode(body) : body),
    };
  };
}
