import { algorithmOf, headerOf, isDigest, isOciError, OciError, type Digest } from "@drayage/oci";
import type { RegistryResponse } from "../http/message.ts";
import { resolveServerUrl } from "../http/url.ts";

/** Where an upload goes on, by an answer to any request of it. */
export function sessionOf({ headers, url, status }: RegistryResponse): URL {
  const location = headerOf(headers, "location");
  if (location !== undefined) return resolveServerUrl(location, url);
  throw new OciError("RESPONSE_INVALID", "an upload session without a Location", { status });
}

/** The least that a chunk must have, by the answer that opens an upload. */
export function minChunkOf({ headers }: RegistryResponse): number | undefined {
  const least = Number(headerOf(headers, "oci-chunk-min-length") ?? Number.NaN);
  return Number.isSafeInteger(least) && least > 0 ? least : undefined;
}

/** Whether an answer names no other blob than this. */
export function isAbout(digest: Digest, { headers }: RegistryResponse): boolean {
  const said = headerOf(headers, "docker-content-digest");
  return (
    said === undefined || !isDigest(said) || said === digest || algorithmOf(said) !== algorithmOf(digest)
  );
}

/** @throws OciError DIGEST_MISMATCH if an answer names another blob than this. */
export function requireBlob(digest: Digest, response: RegistryResponse): void {
  if (isAbout(digest, response)) return;
  throw new OciError("DIGEST_MISMATCH", `the registry has stored blob ${digest} as another one`);
}

/** Whether a request may have done what it was to do, since nothing was answered. */
export function isUnanswered(error: unknown): boolean {
  return isOciError(error, "CONNECTION_FAILED", "TIMEOUT") && error.status === undefined;
}
