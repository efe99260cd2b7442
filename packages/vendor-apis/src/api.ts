import {
  headerOf,
  isOciError,
  OciError,
  parseErrorBody,
  parseJson,
  parseRetryAfter,
  readAll,
  sleep as wait,
  type CallOptions,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
  type HttpSend,
  type OciErrorCode,
  type RegistryError,
} from "@drayage/oci";
import type { Sleep } from "./vendor-api.ts";

/** Where an API is, and what each request to it carries. */
export interface ApiOptions {
  /** Scheme and host, maybe with a path, without a slash at its end. */
  readonly base: string;
  readonly send: HttpSend;
  /** The headers that prove who asks. */
  readonly authorize?: ((options: CallOptions) => Promise<HttpHeaders>) | undefined;
  readonly headers?: HttpHeaders | undefined;
  /** What can be done about a refusal. */
  readonly hint?: string | undefined;
  readonly now?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the base, query included. */
  readonly path: string;
  readonly body?: string | undefined;
  /** Status codes that are answers and no errors. */
  readonly expect: readonly number[];
  /** Leaves out of errors what the answer says, since it could repeat the secret that was sent. */
  readonly isSecret?: boolean | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly bytes: Uint8Array;
}

/** Sends a request, again after a pause where the API asks for one. @throws OciError */
export type Ask = (request: ApiRequest, options?: CallOptions) => Promise<ApiAnswer>;

const answerLimit = 32 * 1024 * 1024;
const attempts = 4;
/** What is to wait longer than this, in milliseconds, is left to another run. */
const patience = 60_000;
const firstPause = 500;

/**
 * A way to ask one API.
 *
 * Every request is idempotent, so what may succeed later is sent again, as late as the API says.
 */
export function createApi(options: ApiOptions): Ask {
  const { sleep = wait } = options;
  return async (request, { signal } = {}) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await exchange(request, { ...options, signal });
      } catch (error) {
        if (!isOciError(error) || !error.retryable || attempt === attempts) throw error;
        const pause = error.retryAfter ?? firstPause * 2 ** (attempt - 1);
        if (pause > patience) throw error;
        await sleep(pause, { signal });
      }
    }
  };
}

async function exchange(
  { method, path, body, expect, isSecret = false }: ApiRequest,
  { base, send, authorize, headers, signal, ...options }: ApiOptions & CallOptions,
): Promise<ApiAnswer> {
  const proof = await authorize?.({ signal });
  const request: HttpRequest = {
    method,
    url: `${base}${path}`,
    headers: {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
      ...proof,
    },
    body,
  };
  const response = await send(request, { signal });
  const bytes = await readAll(response.body, { limit: answerLimit });
  const isExpected = expect.includes(response.status);
  if (!isExpected) throw failure(request, { response, bytes: isSecret ? nothing : bytes, ...options });
  return { status: response.status, headers: response.headers, bytes };
}

const nothing = new Uint8Array();

interface Failure extends Pick<ApiOptions, "hint" | "now"> {
  readonly response: HttpResponse;
  readonly bytes: Uint8Array;
}

function failure({ method, url }: HttpRequest, { response, bytes, hint, now = Date.now }: Failure): OciError {
  const { status, headers } = response;
  const { errors } = parseErrorBody(bytes);
  const [first] = errors;
  const isPaced = isOverLimit(status, headers);
  const code = isPaced ? "TOOMANYREQUESTS" : codeOf(status);
  const said = first?.message === undefined ? "" : `: ${first.message}`;
  const place = url.split("?", 1)[0] ?? "";
  return new OciError(code, `${method} ${place} answered ${status}${said}`, {
    status,
    method,
    url: place,
    registryErrors: errors.length === 0 ? undefined : errors,
    retryAfter: isPaced || status >= 500 ? pauseOf(headers, now()) : undefined,
    hint: code === "UNAUTHORIZED" || code === "DENIED" || code === "NAME_UNKNOWN" ? hint : undefined,
  });
}

/** GitHub refuses with 403 what comes too fast: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
function isOverLimit(status: number, headers: HttpHeaders): boolean {
  if (status === 429) return true;
  const isSpent = headerOf(headers, "x-ratelimit-remaining") === "0";
  return status === 403 && (isSpent || headerOf(headers, "retry-after") !== undefined);
}

function pauseOf(headers: HttpHeaders, now: number): number | undefined {
  const asked = parseRetryAfter(headerOf(headers, "retry-after"));
  if (asked !== undefined) return asked;
  const reset = Number(headerOf(headers, "x-ratelimit-reset") ?? Number.NaN);
  return Number.isNaN(reset) ? undefined : Math.max(0, reset * 1000 - now);
}

function codeOf(status: number): OciErrorCode {
  if (status >= 500) return status === 501 ? "UNSUPPORTED" : "UNAVAILABLE";
  return codes.get(status) ?? (status < 400 ? "RESPONSE_INVALID" : "UNKNOWN");
}

const codes: ReadonlyMap<number, OciErrorCode> = new Map<number, OciErrorCode>([
  [401, "UNAUTHORIZED"],
  [403, "DENIED"],
  [404, "NAME_UNKNOWN"],
  [405, "UNSUPPORTED"],
  [412, "PRECONDITION_FAILED"],
]);

/** The JSON that an answer holds. @throws OciError RESPONSE_INVALID */
export function jsonOf({ bytes }: ApiAnswer): unknown {
  return parseJson(bytes, "RESPONSE_INVALID");
}

/** What the API said of the refusal that `answer` is. */
export function errorOf({ bytes }: ApiAnswer): RegistryError | undefined {
  return parseErrorBody(bytes).errors[0];
}
