import { Readable } from "node:stream";
import { closing, type HttpHeaders } from "@drayage/oci";
import type { Settings } from "../options.ts";
import type { Agents } from "./agent.ts";
import { connectionError } from "./connection-error.ts";
import { exchange } from "./exchange.ts";
import { isOneWay, type RegistryRequest, type RequestBody, type Send } from "./message.ts";
import { createRateMeter } from "./min-rate.ts";

/** Behind an upload a registry may have to move the whole blob before it answers. */
const uploadPatience = 10;
const chunkSize = 64 * 1024;

/** The end of the line: one request, one answer. */
export function createSend(agents: Agents, settings: Settings): Send {
  const { userAgent, timeouts } = settings;
  return async (request) => {
    const { host, lane, method, url, signal } = request;
    signal?.throwIfAborted();
    const source = watched(request.body);
    const errorOf = (error: unknown): unknown =>
      source.failure === undefined ? connectionError(error, request) : source.failure.error;
    const dispatched = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: headersOf(request, userAgent),
      body: source.body,
      headersTimeout: timeouts.headers * (lane === "upload" ? uploadPatience : 1),
      bodyTimeout: timeouts.idle,
    };
    try {
      const meter = createRateMeter(settings);
      const answer = await exchange(agents.dispatcher(host, lane), dispatched, { errorOf, meter, signal });
      return { ...answer, headers: parseHeaders(answer.headers), url, request };
    } catch (error) {
      throw errorOf(error);
    }
  };
}

function headersOf(request: RegistryRequest, userAgent: string): Record<string, string | string[]> {
  const { body, headers, privateHeaders } = request;
  // What is asked for by digest must come as it is stored.
  const all: Record<string, string | string[]> = { "user-agent": userAgent, "accept-encoding": "identity" };
  addHeaders(all, headers);
  addHeaders(all, privateHeaders);
  if (isOneWay(body) && body.length !== undefined) all["content-length"] = String(body.length);
  return all;
}

function addHeaders(all: Record<string, string | string[]>, headers: HttpHeaders | undefined): void {
  if (headers === undefined) return;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value !== undefined) all[name] = typeof value === "string" ? value : [...value];
  }
}

interface WatchedBody {
  readonly body: Readable | Uint8Array | string | null;
  /** Why its source failed, if it was neither undici nor the server. */
  failure?: { readonly error: unknown };
}

function watched(body: RequestBody | undefined): WatchedBody {
  if (!isOneWay(body)) return { body: body ?? null };
  const source = body.bytes[Symbol.asyncIterator]();
  const stream = closing(reading(), () => source.return?.());
  const result: WatchedBody = {
    body: Readable.from(stream, { objectMode: false, highWaterMark: chunkSize }),
  };
  return result;

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* { [Symbol.asyncIterator]: () => source };
    } catch (error) {
      result.failure = { error };
      throw error;
    }
  }
}

/** Own properties only, in a map without a prototype. */
function parseHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): HttpHeaders {
  return Object.assign(Object.create(null) as Record<string, string | string[] | undefined>, headers);
}
