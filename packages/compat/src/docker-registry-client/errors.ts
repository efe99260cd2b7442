import { isOciError, type OciError, type OciErrorCode, type RegistryError } from "@drayage/oci";
import type { DockerResponse } from "./response.ts";

/** What everything that goes wrong at a registry is. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";

  /** Why, in the terms of Drayage; match on this rather than on the class. */
  get code(): OciErrorCode | undefined {
    return codeOf(this.cause);
  }
}

/** Content that is not what its digest says. */
export class BadDigestError extends ApiError {
  override readonly name: string = "BadDigestError";
}

/** An answer that cannot be read. */
export class InvalidContentError extends ApiError {
  override readonly name: string = "InvalidContentError";
}

/** A fault of this library. It is never thrown; its name is kept for code that mentions it. */
export class InternalError extends ApiError {
  override readonly name: string = "InternalError";
}

/** A manifest whose signature is wrong. Signed manifests are gone, and so it is never thrown. */
export class ManifestVerificationError extends ApiError {
  override readonly name: string = "ManifestVerificationError";
}

/** A manifest that is none. */
export class InvalidManifestError extends ApiError {
  override readonly name: string = "InvalidManifestError";
}

/** A blob that came too short or too long. */
export class DownloadError extends ApiError {
  override readonly name: string = "DownloadError";
}

/** Content that the registry did not take; the reason is the `cause`. */
export class UploadError extends ApiError {
  override readonly name: string = "UploadError";
}

/** A redirect that led to ever more redirects. */
export class TooManyRedirectsError extends ApiError {
  override readonly name: string = "TooManyRedirectsError";
}

/** An answer of another status than was wanted. */
export class HttpError extends ApiError {
  override readonly name: string = "HttpError";
  readonly resp: DockerResponse;
  /** What the registry reported. */
  readonly errors: readonly RegistryError[];

  constructor(message: string, options: HttpErrorOptions) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.resp = options.resp;
    this.errors = options.errors;
  }
}

export interface HttpErrorOptions {
  readonly resp: DockerResponse;
  readonly errors: readonly RegistryError[];
  readonly cause?: unknown;
}

/** The code of an error or of what it was made of, to whatever depth these classes wrap each other. */
function codeOf(cause: unknown): OciErrorCode | undefined {
  if (isOciError(cause)) return cause.code;
  return cause instanceof ApiError ? cause.code : undefined;
}

/** Whether an error says that a registry redirected without end. */
export function isEndlessRedirect({ code, status = 0 }: OciError): boolean {
  return code === "LIMIT_EXCEEDED" && status >= 300 && status < 400;
}
