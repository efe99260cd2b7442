import { OciError, type OciErrorCode } from "@drayage/oci";
import type { RegistryRequest } from "./message.ts";
import { redactUrl } from "./url.ts";

/** What went wrong on the way, as far as anybody can tell. */
interface Problem {
  readonly code: OciErrorCode;
  readonly text: string;
  /** Whether it will be the same the next time; the code decides otherwise. */
  readonly isLasting?: boolean | undefined;
  readonly hint?: string | undefined;
}

/** What an exchange that undici gave up on is thrown as: an abort with its own reason, else by the code of `error`. */
export function connectionError(error: unknown, request: RegistryRequest): unknown {
  if (request.signal?.aborted === true) return request.signal.reason;
  const { method, url, attempt } = request;
  const where = redactUrl(url);
  if (error instanceof OciError) {
    const { status, hint, retryable } = error;
    const known = { method, url: where, attempt, status, hint, retryable, cause: error };
    return new OciError(error.code, `${method} ${where}: ${error.message}`, known);
  }
  const { code, text, isLasting, hint } = problemOf(codeOf(error), request);
  return new OciError(code, `${method} ${where}: ${text}`, {
    cause: error,
    method,
    url: where,
    attempt,
    hint,
    retryable: isLasting === true ? false : undefined,
  });
}

function problemOf(code: string, { host, url }: RegistryRequest): Problem {
  const known = problems.get(code);
  if (known !== undefined) return known;
  const text = code === "" ? "connection failed" : `connection failed (${code})`;
  const failed = { code: "CONNECTION_FAILED", text } as const;
  const setting = `hosts["${host.name}"]`;
  if (plainAnswerCodes.includes(code)) {
    const hint = `it does not seem to speak https; ${setting}.plainHttp permits http`;
    return { ...failed, isLasting: true, hint };
  }
  if (isAboutCertificate(code)) {
    const hint = `${setting}.ca names an authority to trust; cert and key are our own`;
    return { ...failed, isLasting: true, hint };
  }
  if (disagreementCodes.includes(code)) return { ...failed, isLasting: true };
  const mayBeSecure = url.protocol === "http:" && (code === "UND_ERR_SOCKET" || code.startsWith("HPE_"));
  return { ...failed, hint: mayBeSecure ? `it may speak https, without ${setting}.plainHttp` : undefined };
}

const headersTooLarge: Problem = { code: "LIMIT_EXCEEDED", text: "headers larger than 64 KiB" };

const problems: ReadonlyMap<string, Problem> = new Map<string, Problem>([
  ["UND_ERR_CONNECT_TIMEOUT", { code: "TIMEOUT", text: "no connection in time" }],
  ["UND_ERR_HEADERS_TIMEOUT", { code: "TIMEOUT", text: "no answer in time" }],
  ["UND_ERR_BODY_TIMEOUT", { code: "TIMEOUT", text: "the answer stopped coming" }],
  [
    "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
    { code: "SIZE_MISMATCH", text: "the content has not the size that was announced" },
  ],
  ["UND_ERR_HEADERS_OVERFLOW", headersTooLarge],
  ["HPE_HEADER_OVERFLOW", headersTooLarge],
  ["UND_ERR_INVALID_ARG", { code: "OPTION_INVALID", text: "not a request that can be sent" }],
  // Where a name server could not be asked, it is EAI_AGAIN instead, which passes.
  ["ENOTFOUND", { code: "CONNECTION_FAILED", text: "no host has that name (ENOTFOUND)", isLasting: true }],
]);

/** What OpenSSL says of an answer that is no TLS. */
const plainAnswerCodes: readonly string[] = [
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
];

/** What two sides that cannot agree say; a record that was damaged on its way is none of these. */
const disagreementCodes: readonly string[] = [
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", // OpenSSL 3.5
  "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
];

/** The codes of OpenSSL and Node for certificates, of either side, that are missing or not trusted. */
function isAboutCertificate(code: string): boolean {
  if (code.includes("CERT") || code.includes("UNKNOWN_CA")) return true;
  return code === "UNABLE_TO_GET_ISSUER" || code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
