import {
  headerOf,
  isOciError,
  parseRateLimit,
  parseWarnings,
  type Digest,
  type OciErrorCode,
  type RateLimit,
} from "@drayage/oci";
import type { Layer, Method, RegistryRequest, RegistryResponse } from "./message.ts";
import { redactUrl } from "./url.ts";

/** What a client does, as it happens; without secrets. */
export type TraceEvent =
  | RequestEvent
  | RetryEvent
  | WaitEvent
  | TokenEvent
  | WarningEvent
  | RateLimitEvent
  | MirrorEvent
  | ProgressEvent;

/** A request that was answered, or failed. */
export interface RequestEvent {
  readonly type: "request";
  readonly method: Method;
  /** Without what could be secret in its query. */
  readonly url: string;
  /** The registry on whose behalf. */
  readonly host: string;
  readonly status?: number | undefined;
  /** From sending to the headers of the answer. */
  readonly milliseconds: number;
  /** How often it was sent, this time included. */
  readonly attempt: number;
  /** The length of the answer's body as announced. */
  readonly bytes?: number | undefined;
  /** Why there is no answer. */
  readonly error?: OciErrorCode | "ABORTED" | undefined;
}

/** Something that failed and is going to be tried again. */
export interface RetryEvent {
  readonly type: "retry";
  readonly host: string;
  /** Which try comes now; the first one is 1, and is none of these. */
  readonly attempt: number;
  readonly reason: OciErrorCode;
}

/** A pause. */
export interface WaitEvent {
  readonly type: "wait";
  readonly host: string;
  readonly milliseconds: number;
  /** What failed, for a pause that begins now; `LIMIT` for one that is over, for which `concurrency`, the budget or a host that wanted to rest was the reason. */
  readonly reason: OciErrorCode | "LIMIT";
}

/** A token that was issued. */
export interface TokenEvent {
  readonly type: "token";
  readonly host: string;
  /** What it was asked for, as scopes. */
  readonly scopes: readonly string[];
  /** In milliseconds. */
  readonly expiresIn: number;
  readonly credential: "anonymous" | "basic" | "refresh-token";
}

/** What a registry wants its users to know (distribution-spec, "Warnings"). */
export interface WarningEvent {
  readonly type: "warning";
  readonly host: string;
  readonly text: string;
}

/** How much a registry still grants, told with every answer that says so. */
export interface RateLimitEvent extends RateLimit {
  readonly type: "rate-limit";
  readonly host: string;
}

/** A mirror that did not give what was asked for, so that the next one is asked, or the registry itself. */
export interface MirrorEvent {
  readonly type: "mirror";
  /** The registry that it stands in for. */
  readonly host: string;
  readonly mirror: string;
  readonly reason: OciErrorCode;
}

/** How far the content of a blob has come: at its end, and about once per MiB before. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly host: string;
  readonly direction: "download" | "upload";
  /** Absent for an upload whose digest is not known before its end. */
  readonly digest?: Digest | undefined;
  /** How many bytes so far; fewer than before if it had to begin again. */
  readonly bytes: number;
  /** How many there will be, if that is known. */
  readonly total?: number | undefined;
}

export interface TraceSettings {
  readonly trace: (event: TraceEvent) => void;
  readonly now: () => number;
}

/** Where events go that nobody wants. */
export function untraced(): void {}

/** Reports every single exchange, redirects and repetitions included. */
export function trace({ trace: sink, now }: TraceSettings): Layer {
  if (sink === untraced) return (next) => next;
  return (next) => async (request) => {
    const start = now();
    const about = () => ({ ...aboutOf(request), milliseconds: now() - start });
    try {
      const response = await next(request);
      const bytes = Number(headerOf(response.headers, "content-length") ?? Number.NaN);
      sink({ ...about(), status: response.status, ...(Number.isNaN(bytes) ? {} : { bytes }) });
      for (const event of told(response)) sink(event);
      return response;
    } catch (error) {
      sink({ ...about(), error: isOciError(error) ? error.code : "ABORTED" });
      throw error;
    }
  };
}

/** What a registry says by the way. */
function told({ headers, request: { host } }: RegistryResponse): readonly TraceEvent[] {
  const about = { host: host.name };
  const warnings = parseWarnings(headers["warning"]).map(
    (text) => ({ type: "warning", ...about, text }) as const,
  );
  const rateLimit = parseRateLimit(headers);
  return rateLimit === undefined ? warnings : [...warnings, { type: "rate-limit", ...about, ...rateLimit }];
}

function aboutOf({ method, url, host, attempt = 1 }: RegistryRequest) {
  return { type: "request", method, url: redactUrl(url), host: host.name, attempt } as const;
}
