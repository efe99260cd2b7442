import { uploadUnknown, type Bucket } from "./bucket.ts";
import type { UploadState } from "./token.ts";

/** The bytes that an upload has behind its parts. @throws OciError BLOB_UPLOAD_UNKNOWN */
export async function readRest(bucket: Bucket, { rest }: UploadState): Promise<Uint8Array> {
  if (rest === undefined) return new Uint8Array(0);
  if (rest instanceof Uint8Array) return rest;
  const found = await bucket.get(rest.key, { limit: rest.size });
  if (found?.size !== rest.size) throw uploadUnknown();
  return found.bytes;
}
