import {
  algorithmOf,
  bytesOf,
  createDigester,
  isOciError,
  OciError,
  type Bytes,
  type CommitOptions,
  type Digest,
  type DocumentStore,
  type UploadToken,
} from "@drayage/oci";
import { uploadUnknown, type Bucket } from "./bucket.ts";
import { dataKey, newDataKey } from "./layout.ts";
import { encodePointer, parsePointer, pointerKey, type Pointer } from "./pointer.ts";
import { readObject } from "./read.ts";
import { readRest } from "./rest.ts";
import { parseToken, type Multipart, type UploadState } from "./token.ts";

/** How often a pointer is put that others put at the same time. */
const mostRaces = 5;

interface Surroundings {
  readonly bucket: Bucket;
  readonly pointers: DocumentStore;
}

/** The bytes of an upload, as an object that blobs can point to. */
interface Data extends Pointer {
  /** This commit has made it, and nobody else knows of it. */
  readonly isNew: boolean;
}

/**
 * Makes an upload readable as `digest`, without its bytes being copied.
 *
 * @throws OciError BLOB_UPLOAD_UNKNOWN, DIGEST_MISMATCH
 */
export async function commitUpload(
  token: UploadToken,
  digest: Digest,
  { bucket, pointers, verify }: Surroundings & Pick<CommitOptions, "verify">,
): Promise<{ readonly size: number }> {
  const state = parseToken(token);
  const data = isMultipart(state)
    ? await complete(bucket, state, state.multipart)
    : await store(bucket, state, verify ? digest : undefined);
  if (!data.isNew && (await pointerOf(digest, pointers))?.key === data.key) throw uploadUnknown();
  const isTrusted = !isMultipart(state) || (data.isNew && !verify);
  if (!isTrusted) await requireContent(bucket, data, digest);
  const kept = await publish(digest, data, { bucket, pointers });
  if (kept.key !== data.key) await discard(bucket, data);
  await clear(bucket, state);
  return { size: kept.size };
}

/** Puts few bytes, which are held against `digest` before that, if there is one. */
async function store(bucket: Bucket, state: UploadState, digest: Digest | undefined): Promise<Data> {
  const bytes = await readRest(bucket, state);
  if (digest !== undefined) await requireDigest(bytesOf(bytes), digest);
  const key = newDataKey();
  await bucket.put(key, bytes);
  return { key, size: bytes.byteLength, isNew: true };
}

/** Makes an object of the parts, unless an earlier commit has come this far. */
async function complete(bucket: Bucket, state: UploadState, multipart: Multipart): Promise<Data> {
  const { id, size } = state;
  const key = dataKey(id);
  // Stores answer a repeated completion as if it were the first, so that they cannot tell.
  const isThere = (await bucket.head(key)) !== undefined;
  const isNew = !isThere && (await isCompleted(bucket, state, multipart));
  if (!isNew && (await bucket.head(key))?.size !== size) throw uploadUnknown();
  return { key, size, isNew };
}

/** Whether this call has completed the upload; also `false` if that is so and the answer was lost. */
async function isCompleted(bucket: Bucket, state: UploadState, multipart: Multipart): Promise<boolean> {
  const { uploadId, etags } = multipart;
  const key = dataKey(state.id);
  try {
    const rest = await readRest(bucket, state);
    if (rest.byteLength === 0) return await bucket.completeUpload(key, uploadId, etags);
    const last = await bucket.uploadPart({ key, uploadId, number: etags.length + 1 }, rest);
    return await bucket.completeUpload(key, uploadId, [...etags, last]);
  } catch (error) {
    if (isOciError(error, "BLOB_UPLOAD_UNKNOWN")) return false;
    throw error;
  }
}

async function requireContent(bucket: Bucket, data: Data, digest: Digest): Promise<void> {
  try {
    await requireDigest(readObject(bucket, data.key, { start: 0, length: data.size }), digest);
  } catch (error) {
    if (isOciError(error, "DIGEST_MISMATCH")) await discard(bucket, data);
    throw error;
  }
}

async function requireDigest(bytes: Bytes, digest: Digest): Promise<void> {
  const digester = createDigester(algorithmOf(digest));
  for await (const chunk of bytes) digester.update(chunk);
  const actual = digester.digest();
  if (actual === digest) return;
  throw new OciError("DIGEST_MISMATCH", `the upload hashes to ${actual}, not to ${digest}`);
}

/** Points `digest` to the data, unless it has some. Resolves to where it points now. */
async function publish(digest: Digest, data: Data, { bucket, pointers }: Surroundings): Promise<Pointer> {
  const bytes = encodePointer(data);
  let broken: string | undefined;
  for (let race = 0; race < mostRaces; race++) {
    const condition = broken === undefined ? ({ ifNoneMatch: "*" } as const) : { ifMatch: broken };
    if ((await pointers.put(pointerKey(digest), bytes, condition)) !== undefined) return data;
    const found = await pointers.get(pointerKey(digest));
    const pointer = found && parsePointer(found.bytes);
    // What is there already may be what somebody has removed by hand.
    const isGood = pointer !== undefined && (await bucket.head(pointer.key))?.size === pointer.size;
    if (isGood) return pointer;
    broken = found?.etag;
  }
  throw new OciError("UNAVAILABLE", `${digest} is being stored and removed all the time`);
}

async function pointerOf(digest: Digest, pointers: DocumentStore): Promise<Pointer | undefined> {
  const found = await pointers.get(pointerKey(digest));
  return found && parsePointer(found.bytes);
}

/** Removes data that no pointer leads to; what another commit has made may have one. */
async function discard(bucket: Bucket, { key, isNew }: Data): Promise<void> {
  if (isNew) await bucket.delete(key).catch(() => undefined); // it takes room, and does no harm
}

/** Removes what was only needed on the way. */
async function clear(bucket: Bucket, { rest, spent }: UploadState): Promise<void> {
  const stored = rest === undefined || rest instanceof Uint8Array ? undefined : rest.key;
  for (const key of [stored, spent]) {
    if (key !== undefined) await bucket.delete(key).catch(() => undefined); // it takes room, and does no harm
  }
}

function isMultipart(state: UploadState): state is UploadState & { readonly multipart: Multipart } {
  return state.multipart !== undefined && state.multipart.etags.length > 0;
}
