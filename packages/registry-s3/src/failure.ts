import { isOciError, OciError } from "@drayage/oci";

/** What S3 and its client say of a failed call. */
interface Failure {
  /** Such as `NoSuchKey`, or the name of what went wrong on the way. */
  readonly code: string;
  readonly status: number | undefined;
  /** How often the request had been sent. */
  readonly attempts: number;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const full: readonly string[] = ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull"];

/** What a call resolves to, or whatever `otherwise` makes of the answers it knows; all else is an OciError. */
export async function answered<Value>(
  call: Promise<Value>,
  otherwise: (failure: Failure) => Value | undefined = () => undefined,
  signal?: AbortSignal,
): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const failure = failureOf(error);
    const value = otherwise(failure);
    if (value !== undefined) return value;
    throw asOciError(error, failure);
  }
}

/** Whether an answer says that there is no such object. */
export function isAbsent({ code, status }: Failure): boolean {
  // An answer to HEAD has no body, and so no code.
  return code === "NoSuchKey" || (status === 404 && (code === "NotFound" || code === "Unknown"));
}

/** Whether an answer says that the condition of a write does not hold. */
export function isRefused(failure: Failure): boolean {
  return failure.status === 412 || isAbsent(failure);
}

/** Whether an answer says that the store cannot do what it was asked. */
export function isUnsupported({ code, status }: Failure): boolean {
  return status === 501 || code === "NotImplemented";
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: "Unknown", status: undefined, attempts: 1 };
  const { httpStatusCode, attempts } = metadataOf(error);
  // What the store has not answered is told by the message: no region, no credentials, no connection.
  const code = httpStatusCode === undefined ? error.message : error.name;
  return { code, status: httpStatusCode, attempts: attempts ?? 1 };
}

function metadataOf(error: Error): {
  readonly httpStatusCode?: number | undefined;
  readonly attempts?: number | undefined;
} {
  const metadata: unknown = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null) return {};
  const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
  return {
    httpStatusCode: "httpStatusCode" in metadata ? numberOf(metadata.httpStatusCode) : undefined,
    attempts: "attempts" in metadata ? numberOf(metadata.attempts) : undefined,
  };
}

function asOciError(error: unknown, { code, status }: Failure): OciError {
  if (isOciError(error)) return error;
  if (status === 507 || full.includes(code)) {
    return new OciError("STORAGE_FULL", `there is no room left in the bucket: ${code}`, { cause: error });
  }
  return new OciError("UNAVAILABLE", `the bucket cannot be used: ${code}`, { cause: error });
}
