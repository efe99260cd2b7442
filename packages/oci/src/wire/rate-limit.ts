import { OciError } from "../errors.ts";
import { headerOf, type HttpHeaders } from "../http.ts";
import { parseDigits } from "./digits.ts";

/** How much a registry still grants, as it says with an answer. */
export interface RateLimit {
  /** Requests, or what else it counts, per window. */
  readonly limit?: number | undefined;
  /** How many of them are left. */
  readonly remaining?: number | undefined;
  /** The window in seconds. */
  readonly window?: number | undefined;
  /** For whom it counts: an address, or an account's id. */
  readonly source?: string | undefined;
}

const sourceLimit = 256;

/**
 * What `RateLimit-Limit` and `RateLimit-Remaining` say, `undefined` without either; what is no number is left out.
 *
 * @see https://docs.docker.com/docker-hub/usage/pulls/
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06
 * @example parseRateLimit({ "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600" })
 */
export function parseRateLimit(headers: HttpHeaders): RateLimit | undefined {
  const limit = parseQuota(headerOf(headers, "ratelimit-limit"));
  const remaining = parseQuota(headerOf(headers, "ratelimit-remaining"));
  if (limit.amount === undefined && remaining.amount === undefined) return undefined;
  const window = limit.window ?? remaining.window;
  const source = headerOf(headers, "docker-ratelimit-source")?.slice(0, sourceLimit);
  return {
    ...(limit.amount === undefined ? {} : { limit: limit.amount }),
    ...(remaining.amount === undefined ? {} : { remaining: remaining.amount }),
    ...(window === undefined ? {} : { window }),
    ...(source === undefined || source === "" ? {} : { source }),
  };
}

/**
 * The headers that say `rateLimit`.
 *
 * @throws OciError OPTION_INVALID for numbers that are not whole, and for a source that no header can carry
 */
export function formatRateLimit({ limit, remaining, window, source }: RateLimit): HttpHeaders {
  if (source !== undefined && !/^[\u0021-\u007e]+$/.test(source)) throw invalid(source);
  return {
    ...(limit === undefined ? {} : { "ratelimit-limit": formatQuota(limit, window) }),
    ...(remaining === undefined ? {} : { "ratelimit-remaining": formatQuota(remaining, window) }),
    ...(source === undefined ? {} : { "docker-ratelimit-source": source }),
  };
}

interface Quota {
  readonly amount?: number | undefined;
  readonly window?: number | undefined;
}

/** `100;w=21600`; of a list, its first element. */
function parseQuota(header: string | undefined): Quota {
  const [element = ""] = (header ?? "").split(",", 1);
  const [amount = "", ...parameters] = element.split(";").map((part) => part.trim());
  const window = parameters.find((parameter) => parameter.startsWith("w="))?.slice(2);
  return { amount: parseCount(amount), window: parseCount(window ?? "") };
}

function parseCount(text: string): number | undefined {
  const count = parseDigits(text);
  return count === Number.POSITIVE_INFINITY ? undefined : count;
}

function formatQuota(amount: number, window: number | undefined): string {
  for (const count of [amount, window ?? 0])
    if (!Number.isSafeInteger(count) || count < 0) throw invalid(count);
  return window === undefined ? String(amount) : `${amount};w=${window}`;
}

function invalid(value: string | number): OciError {
  return new OciError("OPTION_INVALID", `a rate limit cannot say ${value}`);
}
