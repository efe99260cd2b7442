import { isOciError, type OciError, type OciErrorCode } from "@drayage/oci";
import {
  type ApiError,
  BadDigestError,
  DownloadError,
  HttpError,
  InvalidManifestError,
  isEndlessRedirect,
  TooManyRedirectsError,
} from "./errors.ts";
import { DockerResponse } from "./response.ts";

/** What `action` gives; what it throws becomes an error of the earlier library, where that had one for it. */
export async function translating<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw translated(error);
  }
}

/** The earlier library's error for `error`, which is its cause; `error` itself where there was none. */
export function translated(error: unknown): unknown {
  if (!isOciError(error)) return error;
  const { code, message, status = statuses.get(code) } = error;
  if (isEndlessRedirect(error)) return new TooManyRedirectsError(message, { cause: error });
  if (status !== undefined) return httpError(error, status);
  const Translation = classes.get(code);
  return Translation === undefined ? error : new Translation(message, { cause: error });
}

/** What is not there was once always an answer. */
const statuses: ReadonlyMap<OciErrorCode, number> = new Map<OciErrorCode, number>([
  ["BLOB_UNKNOWN", 404],
  ["MANIFEST_UNKNOWN", 404],
]);

const classes: ReadonlyMap<OciErrorCode, typeof ApiError> = new Map<OciErrorCode, typeof ApiError>([
  ["DIGEST_INVALID", BadDigestError],
  ["DIGEST_MISMATCH", BadDigestError],
  ["MANIFEST_INVALID", InvalidManifestError],
  ["SIZE_MISMATCH", DownloadError],
]);

function httpError(error: OciError, status: number): HttpError {
  const { code, message, registryErrors: errors = [{ code, message }] } = error;
  const headers = new Headers({ "content-type": "application/json" });
  const resp = new DockerResponse(JSON.stringify({ errors }), { status, headers });
  return new HttpError(message, { resp, errors, cause: error });
}
