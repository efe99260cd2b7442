import {
  formatErrorBody,
  formatRetryAfter,
  isOciError,
  ownValue,
  parseObject,
  statusOfCode,
  type OciError,
  type OciErrorCode,
  type FormatErrorOptions,
} from "@drayage/oci";
import { emptyReply, jsonReply, type Reply } from "./exchange.ts";

interface Answer {
  readonly status: number;
  readonly code: OciErrorCode;
}

/** How codes are answered that the distribution-spec has no word for: its fourteen are all that a 4xx may say. */
const translated: { readonly [Code in OciErrorCode]?: Answer } = {
  DIGEST_MISMATCH: { status: 400, code: "DIGEST_INVALID" },
  SIZE_MISMATCH: { status: 400, code: "SIZE_INVALID" },
  TAG_INVALID: { status: 400, code: "MANIFEST_INVALID" },
  OPTION_INVALID: { status: 400, code: "UNSUPPORTED" },
  REFERENCE_INVALID: { status: 400, code: "NAME_INVALID" },
  LIMIT_EXCEEDED: { status: 413, code: "SIZE_INVALID" },
  RANGE_INVALID: { status: 416, code: "BLOB_UPLOAD_INVALID" },
  PRECONDITION_FAILED: { status: 412, code: "DENIED" },
  TIMEOUT: { status: 408, code: "BLOB_UPLOAD_INVALID" },
};

/** In milliseconds; for a store that is full or away. */
const usualPause = 30_000;

/** What to tell a client of a failure. */
export interface Failure {
  readonly status: number;
  readonly errors: readonly FormatErrorOptions[];
  readonly headers: Readonly<Record<string, string>>;
}

/** What to tell a client of a failure; what went wrong inside stays inside. */
export function failureOf(error: unknown): Failure {
  if (!isOciError(error)) return serverFailure(500);
  const { status, code } = translated[error.code] ?? { status: statusOfCode(error.code), code: error.code };
  if (status >= 500) return serverFailure(status);
  return { status, errors: entriesOf(error, code), headers: headersOf(error, status) };
}

/** The answer to a request that failed. */
export function failureReply(error: unknown): Reply {
  const { status, errors, headers } = failureOf(error);
  return status === 304 ? emptyReply(304) : jsonReply(status, formatErrorBody(errors), headers);
}

/**
 * The answer of a delete: what somebody still needs is refused with 405, not with the 403 of a missing right.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
export async function orNotAllowed(answer: Promise<Reply>): Promise<Reply> {
  try {
    return await answer;
  } catch (error) {
    if (!isOciError(error, "DENIED")) throw error;
    const reply = failureReply(error);
    return { ...reply, status: 405, headers: { ...reply.headers, allow: "GET, HEAD" } };
  }
}

/** Whether the fault is ours, so that whoever runs the server should hear of it. */
export function isServerFault(reply: Reply): boolean {
  return reply.status >= 500;
}

function serverFailure(status: number): Failure {
  const message = status === 503 ? "the registry cannot do this now" : "the registry failed";
  const headers = status === 503 ? { "retry-after": formatRetryAfter(usualPause) } : {};
  return { status, errors: [{ code: "UNKNOWN", message }], headers };
}

function headersOf({ retryAfter = usualPause }: OciError, status: number): Failure["headers"] {
  return status === 429 ? { "retry-after": formatRetryAfter(retryAfter) } : {};
}

/** One entry, or one for each thing that is missing. */
function entriesOf(error: OciError, code: OciErrorCode): Failure["errors"] {
  const digests = ownValue(parseObject(error.detail) ?? {}, "digests");
  if (!Array.isArray(digests) || digests.length === 0) return [{ code, message: error.message }];
  return digests.map((digest) => ({ code, message: "not in this repository", detail: String(digest) }));
}
