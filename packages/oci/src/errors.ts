import type { RegistryError } from "./wire/error-body.ts";

/**
 * The one set of reasons for which anything in Drayage throws: the fourteen codes of the distribution-spec,
 * three that RFC 9110 names by status, and our own.
 */
export type OciErrorCode =
  // distribution-spec, "Error Codes"
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  // RFC 9110, and what a server says when it cannot serve
  | "NOT_MODIFIED"
  | "PRECONDITION_FAILED"
  | "RANGE_INVALID"
  | "UNAVAILABLE"
  | "UNKNOWN"
  // content that is not what was asked for
  | "DIGEST_MISMATCH"
  | "SIZE_MISMATCH"
  | "PLATFORM_UNKNOWN"
  // input refused before anything was sent
  | "REFERENCE_INVALID"
  | "TAG_INVALID"
  | "OPTION_INVALID"
  // the other side broke the protocol, or the network did
  | "RESPONSE_INVALID"
  | "LIMIT_EXCEEDED"
  | "CONNECTION_FAILED"
  | "TIMEOUT"
  // somewhere we will not go, something we will not send there
  | "ADDRESS_REFUSED"
  | "URL_REFUSED"
  | "UNTRUSTED_TOKEN_SERVER"
  | "CREDENTIAL_UNAVAILABLE"
  // local storage
  | "STORAGE_FULL"
  | "STORAGE_INVALID";

interface ErrorRow {
  /** What a server answers with; codes without one never leave the process. */
  readonly status?: number;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;
}

const errorTable: Readonly<Record<OciErrorCode, ErrorRow>> = {
  BLOB_UNKNOWN: { status: 404, retryable: false },
  BLOB_UPLOAD_INVALID: { status: 400, retryable: false },
  BLOB_UPLOAD_UNKNOWN: { status: 404, retryable: false },
  DIGEST_INVALID: { status: 400, retryable: false },
  MANIFEST_BLOB_UNKNOWN: { status: 400, retryable: false },
  MANIFEST_INVALID: { status: 400, retryable: false },
  MANIFEST_UNKNOWN: { status: 404, retryable: false },
  NAME_INVALID: { status: 400, retryable: false },
  NAME_UNKNOWN: { status: 404, retryable: false },
  SIZE_INVALID: { status: 400, retryable: false },
  UNAUTHORIZED: { status: 401, retryable: false },
  DENIED: { status: 403, retryable: false },
  UNSUPPORTED: { status: 405, retryable: false },
  TOOMANYREQUESTS: { status: 429, retryable: true },
  NOT_MODIFIED: { status: 304, retryable: false },
  PRECONDITION_FAILED: { status: 412, retryable: false },
  RANGE_INVALID: { status: 416, retryable: false },
  UNAVAILABLE: { status: 503, retryable: true },
  UNKNOWN: { status: 500, retryable: false },
  DIGEST_MISMATCH: { retryable: false },
  SIZE_MISMATCH: { retryable: false },
  PLATFORM_UNKNOWN: { retryable: false },
  REFERENCE_INVALID: { retryable: false },
  TAG_INVALID: { retryable: false },
  OPTION_INVALID: { retryable: false },
  RESPONSE_INVALID: { retryable: false },
  LIMIT_EXCEEDED: { retryable: false },
  CONNECTION_FAILED: { retryable: true },
  TIMEOUT: { retryable: true },
  ADDRESS_REFUSED: { retryable: false },
  URL_REFUSED: { retryable: false },
  UNTRUSTED_TOKEN_SERVER: { retryable: false },
  CREDENTIAL_UNAVAILABLE: { retryable: false },
  STORAGE_FULL: { status: 503, retryable: true },
  STORAGE_INVALID: { status: 500, retryable: false },
};

/** The side of a copy at which something went wrong. */
export type Side = "source" | "target";

/** What is known about a failure besides its code and message. */
export interface OciErrorOptions {
  readonly cause?: unknown;
  /** HTTP status, when an answer was received. */
  readonly status?: number | undefined;
  /** The registry's own `detail`, as it was parsed; never interpreted. */
  readonly detail?: unknown;
  /** Everything the registry reported, in its own words. */
  readonly registryErrors?: readonly RegistryError[] | undefined;
  readonly method?: string | undefined;
  /** Without userinfo and with every query value that could be a secret removed. */
  readonly url?: string | undefined;
  readonly side?: Side | undefined;
  /** How often the request had been sent when it failed, the first time being 1. */
  readonly attempt?: number | undefined;
  /** The registry's name for the request, for its operators. */
  readonly requestId?: string | undefined;
  /** Earliest moment to try again, in milliseconds from the answer. */
  readonly retryAfter?: number | undefined;
  /** Overrides the table, where the answer itself said more. */
  readonly retryable?: boolean | undefined;
  /** What the user can do about it. */
  readonly hint?: string | undefined;
}

/**
 * The only error that Drayage throws on its own account; match on `code`, never on the message.
 *
 * An abort is not one of them: it rejects with the signal's own reason.
 *
 * @example
 * try { await repository.getManifest("v1") }
 * catch (error) { if (isOciError(error, "MANIFEST_UNKNOWN")) console.log("not there") }
 */
export class OciError extends Error {
  override readonly name: string = "OciError";
  readonly code: OciErrorCode;
  readonly retryable: boolean;
  // Declared only: what is not known is not there, and is not printed.
  declare readonly status: number | undefined;
  declare readonly detail: unknown;
  declare readonly registryErrors: readonly RegistryError[] | undefined;
  declare readonly method: string | undefined;
  declare readonly url: string | undefined;
  declare readonly side: Side | undefined;
  declare readonly attempt: number | undefined;
  declare readonly requestId: string | undefined;
  declare readonly retryAfter: number | undefined;
  declare readonly hint: string | undefined;

  constructor(code: OciErrorCode, message: string, options: OciErrorOptions = {}) {
    super(escapeControls(message), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? errorTable[code].retryable;
    const { status, detail, registryErrors, method, url, side, attempt, requestId, retryAfter, hint } =
      options;
    const known = { status, detail, registryErrors, method, url, side, attempt, requestId, retryAfter, hint };
    Object.assign(this, Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)));
  }
}

/**
 * Whether `error` is an {@link OciError}, and of one of `codes` if any are given.
 *
 * It looks at the shape, so that it holds across two installed copies of this package.
 *
 * @example isOciError(error, "BLOB_UNKNOWN", "NAME_UNKNOWN")
 */
export function isOciError<Code extends OciErrorCode = OciErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is OciError & { readonly code: Code } {
  if (!(error instanceof Error) || error.name !== "OciError" || !("code" in error)) return false;
  return codes.length === 0 || codes.some((code) => code === error.code);
}

/**
 * The name and the first line of a foreign error, as a `cause` that is safe to print: errors of vendor SDKs carry
 * the request with its headers, later lines may quote what was signed, and a SyntaxError quotes what it could
 * not read.
 */
export function bareCause(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  const line = name === "SyntaxError" ? "invalid syntax" : (message.split("\n", 1)[0] ?? "");
  const bare = new Error(escapeControls(line.slice(0, 400)));
  bare.name = name;
  return bare;
}

/** Whether `text` is one of our codes; a registry may answer with any other. */
export function isOciErrorCode(text: string): text is OciErrorCode {
  return Object.hasOwn(errorTable, text);
}

/** The HTTP status a server answers with for `code`; 500 for codes that have none of their own. */
export function statusOfCode(code: OciErrorCode): number {
  return errorTable[code].status ?? 500;
}

/** The same error seen from a copy: `side` added, everything else kept. */
export function atSide(error: unknown, side: Side): unknown {
  if (!isOciError(error) || error.side !== undefined) return error;
  const { status, detail, registryErrors, method, url, attempt, requestId, retryAfter, retryable, hint } =
    error;
  const known = {
    status,
    detail,
    registryErrors,
    method,
    url,
    attempt,
    requestId,
    retryAfter,
    retryable,
    hint,
  };
  return new OciError(error.code, `${side}: ${error.message}`, { ...known, side, cause: error });
}

/**
 * `text` with control and bidirectional characters made visible, so that what a registry says
 * can neither command a terminal nor forge a log line.
 */
export function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
