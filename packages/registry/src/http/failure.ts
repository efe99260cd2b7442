import {
  formatErrorBody,
  formatRetryAfter,
  isOciError,
  ownValue,
  parseObject,
  statusOfCode,
  type OciError,
  type OciErrorCode,
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

/** The answer to a request that failed; what went wrong inside stays inside. */
export function failureReply(error: unknown): Reply {
  if (!isOciError(error)) return serverFailure(500);
  const { status, code } = translated[error.code] ?? { status: statusOfCode(error.code), code: error.code };
  if (status === 304) return emptyReply(304);
  if (status >= 500) return serverFailure(status);
  return jsonReply(status, formatErrorBody(entriesOf(error, code)), headersOf(error, status));
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

function serverFailure(status: number): Reply {
  const message = status === 503 ? "the registry cannot do this now" : "the registry failed";
  const body = formatErrorBody([{ code: "UNKNOWN", message }]);
  return jsonReply(status, body, status === 503 ? { "retry-after": formatRetryAfter(usualPause) } : {});
}

function headersOf({ retryAfter = usualPause }: OciError, status: number): Reply["headers"] {
  return status === 429 ? { "retry-after": formatRetryAfter(retryAfter) } : {};
}

/** One entry, or one for each thing that is missing. */
function entriesOf(error: OciError, code: OciErrorCode): Parameters<typeof formatErrorBody>[0] {
  const digests = ownValue(parseObject(error.detail) ?? {}, "digests");
  if (!Array.isArray(digests) || digests.length === 0) return [{ code, message: error.message }];
  return digests.map((digest) => ({ code, message: "not in this repository", detail: String(digest) }));
}
