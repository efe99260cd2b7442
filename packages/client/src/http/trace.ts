import { headerOf, isOciError, parseWarnings, type OciErrorCode } from "@drayage/oci";
import type { Layer, Method, RegistryRequest } from "./message.ts";
import { redactUrl } from "./url.ts";

/** What a client does, as it happens; without secrets. */
export type TraceEvent = RequestEvent | WaitEvent | TokenEvent | WarningEvent;

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

/** A pause before a request is sent again. */
export interface WaitEvent {
  readonly type: "wait";
  readonly host: string;
  readonly milliseconds: number;
  readonly reason: OciErrorCode;
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

export interface TraceSettings {
  readonly trace: (event: TraceEvent) => void;
  readonly now: () => number;
}

/** Reports every single exchange, redirects and repetitions included. */
export function trace({ trace: sink, now }: TraceSettings): Layer {
  return (next) => async (request) => {
    const start = now();
    const about = () => ({ ...aboutOf(request), milliseconds: now() - start });
    try {
      const response = await next(request);
      const bytes = Number(headerOf(response.headers, "content-length") ?? Number.NaN);
      sink({ ...about(), status: response.status, ...(Number.isNaN(bytes) ? {} : { bytes }) });
      for (const text of parseWarnings(response.headers["warning"])) {
        sink({ type: "warning", host: request.host.name, text });
      }
      return response;
    } catch (error) {
      sink({ ...about(), error: isOciError(error) ? error.code : "ABORTED" });
      throw error;
    }
  };
}

function aboutOf({ method, url, host, attempt = 1 }: RegistryRequest) {
  return { type: "request", method, url: redactUrl(url), host: host.name, attempt } as const;
}
