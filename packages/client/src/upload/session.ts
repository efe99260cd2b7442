import {
  isOciError,
  OciError,
  parseRoute,
  type CallOptions,
  type Digest,
  type DigestAlgorithm,
  type UploadSession,
} from "@drayage/oci";
import { beginUpload } from "./begin.ts";
import { headBlob } from "../blobs.ts";
import type { Endpoint } from "../endpoint.ts";
import type { RegistryResponse } from "../http/message.ts";
import { resolveServerUrl } from "../http/url.ts";
import { HttpUpload } from "./http-upload.ts";
import { minChunkOf, sessionOf } from "./answer.ts";

export interface OpenUploadOptions extends CallOptions {
  readonly id?: string | undefined;
  readonly algorithm?: DigestAlgorithm | undefined;
  readonly digest?: Digest | undefined;
}

/** See `BlobWriter.openUpload`. */
export async function openUpload(
  endpoint: Endpoint,
  { id, algorithm, digest, signal }: OpenUploadOptions = {},
): Promise<UploadSession> {
  if (id !== undefined) return resumeUpload(endpoint, id, { digest, signal });
  const begun = await beginUpload(endpoint, { algorithm, signal });
  return uploadOf(endpoint, begun, { isReported: true });
}

/** The upload that `response` has opened. */
export function uploadOf(
  endpoint: Endpoint,
  response: RegistryResponse,
  { isReported }: { readonly isReported?: boolean | undefined } = {},
): HttpUpload {
  const { learned, quirks } = endpoint.host;
  learned.minChunk = minChunkOf(response) ?? learned.minChunk;
  const minChunk = learned.minChunk ?? quirks.minChunk;
  return new HttpUpload(endpoint, { url: sessionOf(response), minChunk, isReported });
}

/** The upload of that id, at the offset where the registry says that it is. */
export async function resumeUpload(
  endpoint: Endpoint,
  id: string,
  { digest, signal }: Omit<OpenUploadOptions, "id">,
): Promise<HttpUpload> {
  const { learned, quirks } = endpoint.host;
  const minChunk = learned.minChunk ?? quirks.minChunk;
  const upload = new HttpUpload(endpoint, { url: parseId(id, endpoint), minChunk, isReported: true });
  try {
    await upload.status({ signal });
  } catch (error) {
    if (digest === undefined || !isOciError(error, "BLOB_UPLOAD_UNKNOWN")) throw error;
    const blob = await headBlob(endpoint, digest, { signal });
    if (blob === undefined) throw error;
    upload.endAs(blob);
  }
  return upload;
}

/** The URL of an upload by its `id`; of an upload to another repository, or of anything else, nothing is known here. */
function parseId(id: string, { host, name }: Endpoint): URL {
  const isComplete = /^(?:\/|https?:\/\/)/.test(id);
  const url = isComplete ? resolveServerUrl(id, host.url) : undefined;
  // Where a registry keeps its uploads is its own affair, but they are none of the other things that it keeps.
  const route = url?.origin === host.url.origin ? parseRoute(url.pathname) : undefined;
  const isForeign = route !== undefined && (route.kind !== "upload" || route.name !== name);
  if (url === undefined || isForeign) {
    throw new OciError("BLOB_UPLOAD_UNKNOWN", `${name} has no such upload`);
  }
  return url;
}
