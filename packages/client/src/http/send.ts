import { Readable } from "node:stream";
import { closing, OciError, type Bytes, type HttpHeaders } from "@drayage/oci";
import type { Dispatcher } from "undici";
import type { Settings } from "../options.ts";
import type { Agents } from "./agent.ts";
import { connectionError } from "./connection-error.ts";
import type { RegistryRequest, RegistryResponse, RequestBody, Send } from "./message.ts";
import { createRateMeter, type MinRateSettings } from "./min-rate.ts";

/** Behind an upload a registry may have to move the whole blob before it answers. */
const uploadPatience = 10;
const chunkSize = 64 * 1024;
/** What is announced as no longer than this is taken in one piece: reading it as a stream costs more than sending it. */
const shortAnswer = 64 * 1024;

/** The end of the line: one request, one answer; the only place where undici is called. */
export function createSend(agents: Agents, settings: Settings): Send {
  const { userAgent, timeouts } = settings;
  return async (request) => {
    const { host, lane, method, url, body, signal } = request;
    signal?.throwIfAborted();
    const source = watched(body);
    try {
      const answer = await agents.dispatcher(host, lane).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: headersOf(request, userAgent),
        body: source.body,
        signal: signal ?? null,
        headersTimeout: timeouts.headers * (lane === "upload" ? uploadPatience : 1),
        bodyTimeout: timeouts.idle,
      });
      return responseOf(answer, request, settings);
    } catch (error) {
      if (source.failure !== undefined) throw source.failure.error;
      throw connectionError(error, request);
    }
  };
}

function responseOf(
  answer: Dispatcher.ResponseData,
  request: RegistryRequest,
  settings: MinRateSettings,
): RegistryResponse {
  return {
    status: answer.statusCode,
    headers: parseHeaders(answer.headers),
    body: readBody(answer, request, settings),
    url: request.url,
    request,
  };
}

function headersOf(request: RegistryRequest, userAgent: string): Record<string, string | string[]> {
  const { body, headers, privateHeaders } = request;
  const length = typeof body === "object" && "bytes" in body ? body.length : undefined;
  const all = {
    "user-agent": userAgent,
    // What is asked for by digest must come as it is stored.
    "accept-encoding": "identity",
    ...headers,
    ...privateHeaders,
    ...(length === undefined ? {} : { "content-length": String(length) }),
  };
  const entries = Object.entries(all).map(([name, value]): [string, string | string[] | undefined] => [
    name,
    value === undefined || typeof value === "string" ? value : [...value],
  ]);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  );
}

interface WatchedBody {
  readonly body: Readable | Uint8Array | string | null;
  /** Why its source failed, if it was neither undici nor the server. */
  failure?: { readonly error: unknown };
}

function watched(body: RequestBody | undefined): WatchedBody {
  if (typeof body !== "object" || !("bytes" in body)) return { body: body ?? null };
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

function readBody(
  { body, headers }: Dispatcher.ResponseData,
  request: RegistryRequest,
  settings: MinRateSettings,
): Bytes {
  body.on("error", () => undefined); // whoever reads it is told
  const meter = createRateMeter(settings);
  const isShort = Number(headers["content-length"] ?? Number.NaN) <= shortAnswer;
  return closing(reading(), () => body.destroy());

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      // Neither HTTP/1.1 nor HTTP/2 lets a body be longer than it was announced.
      if (isShort) return yield await body.bytes();
      meter.wait();
      for await (const chunk of body) {
        const bytes = parseChunk(chunk);
        meter.receive(bytes.byteLength);
        yield bytes;
        meter.wait();
      }
    } catch (error) {
      throw connectionError(error, request);
    }
  }
}

/** Plain bytes: a `Buffer` has other ideas of `slice` and JSON. */
function parseChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new OciError("RESPONSE_INVALID", "a body that is not bytes");
}

/** Own properties only, in a map without a prototype. */
function parseHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): HttpHeaders {
  return Object.assign(Object.create(null) as Record<string, string | string[] | undefined>, headers);
}
