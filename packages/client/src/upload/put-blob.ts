import {
  algorithmOf,
  isOciError,
  readAll,
  type CallOptions,
  type Descriptor,
  type OciError,
  type OpenBlob,
  type PutBlobOptions,
  type PutBlobResult,
} from "@drayage/oci";
import { beginUpload } from "./begin.ts";
import { headBlob } from "../blobs.ts";
import { remembered, type Remembered } from "./earlier.ts";
import type { Endpoint } from "../endpoint.ts";
import { HttpUpload } from "./http-upload.ts";
import { findOrBegin } from "./mount.ts";
import { createSetbacks } from "../setbacks.ts";
import { isUnanswered } from "./answer.ts";
import { uploadOf } from "./session.ts";
import { createUploadSource, type UploadSource } from "./source.ts";
import { createWays, type Way } from "./ways.ts";

/** See `BlobWriter.putBlob`. */
export async function putBlob(
  endpoint: Endpoint,
  descriptor: Descriptor,
  open: OpenBlob,
  options: PutBlobOptions = {},
): Promise<PutBlobResult> {
  const { signal } = options;
  const memory = remembered(descriptor, { uploads: options.uploads });
  const earlier = await memory?.find(endpoint, { signal });
  const found = earlier ?? (await findOrBegin(endpoint, descriptor.digest, options));
  if (!(found instanceof HttpUpload)) return found;
  const source = createUploadSource(endpoint, descriptor, open);
  try {
    await sendBlob(endpoint, source, { begun: found, memory, signal });
    await memory?.end();
  } catch (error) {
    await memory?.end(error);
    throw error;
  }
  return "uploaded";
}

interface Sending extends CallOptions {
  /** The session for the first try. */
  readonly begun: HttpUpload;
  readonly memory: Remembered | undefined;
}

/** Sends the blob; when that fails on the way, goes on from where the registry has it, if need be in another way. */
async function sendBlob(
  endpoint: Endpoint,
  source: UploadSource,
  { begun, memory, signal }: Sending,
): Promise<void> {
  const { digest, size } = source.descriptor;
  const ways = createWays(endpoint.host, size);
  const setbacks = createSetbacks(endpoint, { start: 0 });
  let upload: HttpUpload | undefined = begun;
  while (true) {
    upload ??= uploadOf(endpoint, await beginUpload(endpoint, { algorithm: algorithmOf(digest), signal }));
    const start = upload.offset;
    await memory?.follow(upload);
    try {
      await sendRest(upload, source, { way: ways.current, signal });
      ways.remember();
      return;
    } catch (error) {
      // What the source has given up on is not helped by asking the target again.
      if (error === source.failure || !isOciError(error)) throw error;
      const mayPass = isEndOfSession(error, { start });
      if (!ways.changeAfter(error, start)) await setbacks.overcome(error, { offset: start, mayPass, signal });
      upload = await goOn(upload, { source, error, endpoint, signal });
      const mayBeDone = upload === undefined && isUnanswered(error) && source.position === size;
      if (mayBeDone && (await headBlob(endpoint, digest, { signal }))?.size === size) return;
    }
  }
}

async function sendRest(
  upload: HttpUpload,
  source: UploadSource,
  { way, signal }: CallOptions & { readonly way: Way },
): Promise<void> {
  const { digest, size } = source.descriptor;
  const length = size - upload.offset;
  if (length > 0 && way === "put") {
    await upload.finish(digest, { bytes: await source.open(upload.offset, { signal }), length }, { signal });
    return;
  }
  if (size === 0) await readAll(await source.open(0, { signal }), { limit: 0 });
  else if (length > 0) {
    const bytes = await source.open(upload.offset, { signal });
    await (way === "chunks"
      ? upload.append(bytes, { signal })
      : upload.stream({ bytes, length }, { signal }));
  }
  await upload.commit(digest, { signal });
}

/**
 * Whether another session, or a newer token for this one, may help. If the registry finds wrong what was sent from
 * `start` on, where we could not hold it against its digest, then all of it is worth sending again, held against it.
 */
function isEndOfSession(error: OciError, { start }: { readonly start: number }): boolean {
  if (isOciError(error, "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "RANGE_INVALID")) return true;
  if (isOciError(error, "DIGEST_INVALID")) return start > 0;
  return isOciError(error, "UNAUTHORIZED") && (error.method === "PUT" || error.method === "PATCH");
}

interface Interruption extends CallOptions {
  readonly endpoint: Endpoint;
  readonly source: UploadSource;
  readonly error: OciError;
}

/** The same session, where the registry says that it is, or nothing if it is gone or makes no sense. */
async function goOn(
  upload: HttpUpload,
  { endpoint, source, error, signal }: Interruption,
): Promise<HttpUpload | undefined> {
  const { chunks, uploadRange } = endpoint.host.quirks;
  const isGone = isOciError(error, "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "DIGEST_INVALID");
  if (isGone || uploadRange === "first-chunk") return undefined;
  try {
    const before = upload.offset;
    const received = await upload.status({ signal });
    const isCredible = received <= Math.max(source.position, before) && (received === 0 || chunks === "any");
    // Where it was refused before it would be refused again.
    const isStuck = isOciError(error, "RANGE_INVALID") && received === before;
    return isCredible && !isStuck ? upload : undefined;
  } catch (failure) {
    if (isOciError(failure)) return undefined;
    throw failure;
  }
}
