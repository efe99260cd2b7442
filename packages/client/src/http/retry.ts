import { isOciError, sleep, type CallOptions, type OciError } from "@drayage/oci";
import pRetry, { type RetryContext } from "p-retry";
import type { Settings } from "../options.ts";
import { readBody } from "./body.ts";
import { fail, isTransient } from "./fail.ts";
import { isOneWay, type Layer, type RegistryRequest, type RegistryResponse, type Send } from "./message.ts";

export type RetrySettings = Pick<Settings, "retry" | "trace">;

/** Sends a request again when its answer was lost or says that a later one may be better. */
export function retry(settings: RetrySettings): Layer {
  return (next) => (request) => {
    const { host, attempts, signal } = request;
    return withRetries((attempt) => sendOnce(next, { ...request, attempt }), {
      trace: settings.trace,
      retry: attempts === undefined ? settings.retry : { ...settings.retry, attempts },
      host: host.name,
      signal,
      isWorthIt: (error) => mayRepeat(request, error),
    });
  };
}

export interface WithRetriesOptions extends CallOptions, RetrySettings {
  readonly host: string;
  /** Whether to try again after an error that may pass. */
  readonly isWorthIt: (error: OciError) => boolean;
}

/**
 * The result of `run`, called again while it fails in a way that may pass.
 *
 * The pauses double; a registry that says how long to wait is obeyed, or given up on if that is too long.
 */
export async function withRetries<Result>(
  run: (attempt: number) => Promise<Result>,
  { retry: { attempts, minDelay, maxDelay, maxWait }, trace, host, isWorthIt, signal }: WithRetriesOptions,
): Promise<Result> {
  try {
    return await run(1);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isHopeful(error)) throw error;
    return again(error);
  }

  /** What has failed once is the first of the attempts. */
  function again(failure: OciError): Promise<Result> {
    return pRetry((attempt) => (attempt === 1 ? Promise.reject(failure) : run(attempt)), {
      retries: attempts - 1,
      minTimeout: minDelay,
      maxTimeout: maxDelay,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => isHopeful(error),
      onFailedAttempt: (context) => obey(context),
    });
  }

  function isHopeful(error: unknown): error is OciError {
    return isOciError(error) && error.retryable && waitOf(error) <= maxWait && isWorthIt(error);
  }

  /** Waits as long as the registry asks, less the pause that follows anyway. */
  async function obey({ error, attemptNumber, retriesLeft, retryDelay }: RetryContext): Promise<void> {
    if (retriesLeft === 0 || !isHopeful(error)) return;
    const milliseconds = Math.max(waitOf(error), retryDelay);
    trace({ type: "retry", host, attempt: attemptNumber + 1, reason: error.code });
    trace({ type: "wait", host, milliseconds, reason: error.code });
    if (milliseconds > retryDelay) await sleep(milliseconds - retryDelay, { signal });
  }
}

/** Turns an answer that may pass into the error that says so, and a body that is read whole into what was read. */
async function sendOnce(next: Send, request: RegistryRequest): Promise<RegistryResponse> {
  const response = await next(request);
  if (isTransient(response.status)) throw await fail(response);
  if (hasExpired(response)) throw await fail(response, { retryable: true });
  const { bodyLimit } = request;
  if (bodyLimit === undefined || response.status !== 200) return response;
  return { ...response, whole: await readBody(response, { limit: bodyLimit }) };
}

/**
 * Whether the registry's redirect led to a signed address that was not good any more: asked again, it signs another
 * one. Once, for it may as well be that nobody may go there.
 */
function hasExpired({ status, url, request }: RegistryResponse): boolean {
  const isRefused = status === 400 || status === 403 || status === 410;
  return isRefused && url.origin !== request.url.origin && (request.attempt ?? 1) === 1;
}

/**
 * A second `POST` or `PATCH` could do twice what was done already, unless the registry said that it did nothing;
 * what is streamed is gone after the first time.
 */
function mayRepeat({ body, isRepeatable, method }: RegistryRequest, error: OciError): boolean {
  if (isOneWay(body)) return false;
  return isUntouched(error) || (isRepeatable ?? (method !== "POST" && method !== "PATCH"));
}

/** Whether the registry said that it did nothing, so that any request may be sent again. */
export function isUntouched({ status }: OciError): boolean {
  return status === 408 || status === 429 || status === 503;
}

function waitOf({ retryAfter = 0 }: OciError): number {
  return retryAfter;
}
