import { OciError } from "@drayage/oci";

/** The same error with `hint` for what to do about it. */
export function withHint(error: OciError, hint: string): OciError {
  const { code, message, status, detail, registryErrors, method, url } = error;
  const { side, attempt, requestId, retryAfter, retryable } = error;
  const known = {
    status,
    detail,
    registryErrors,
    method,
    url,
    side,
    attempt,
    requestId,
    retryAfter,
    retryable,
  };
  return new OciError(code, message, { ...known, cause: error, hint });
}
