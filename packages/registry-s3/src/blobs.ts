import {
  mapConcurrent,
  OciError,
  type BlobStat,
  type BlobStore,
  type Digest,
  type DocumentStore,
  type ReadPart,
} from "@drayage/oci";
import { appendToUpload } from "./append.ts";
import type { Bucket } from "./bucket.ts";
import { commitUpload } from "./commit.ts";
import { createDisposal } from "./disposal.ts";
import { dataKey, partsFolder } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { PartOptions } from "./part-size.ts";
import { parsePointer, pointerKey, type Pointer } from "./pointer.ts";
import { readObject } from "./read.ts";
import { formatToken, parseToken } from "./token.ts";

/** What blobs in a bucket work with. */
export interface BlobOptions {
  readonly pointers: DocumentStore;
  /** Whether a pointer is removed only as it is expected, whatever others do at the same moment. */
  readonly removesSafely: boolean;
  readonly parts: PartOptions;
  readonly memory: Memory;
  /** For how many seconds a URL is good; without it there are none. */
  readonly redirectFor: number | undefined;
}

type Found = Pointer & Omit<BlobStat, "size">;

/** Content as objects, to each of which a small document points by digest. */
export function createBlobs(
  bucket: Bucket,
  { pointers, removesSafely, parts, memory, redirectFor }: BlobOptions,
): BlobStore {
  const find = async (digest: Digest, signal?: AbortSignal): Promise<Found | undefined> => {
    const found = await pointers.get(pointerKey(digest), { signal });
    const pointer = found && parsePointer(found.bytes);
    return pointer && { ...pointer, modified: found.modified, etag: found.etag };
  };

  return {
    async stat(digest, { signal } = {}) {
      const found = await find(digest, signal);
      return found && { size: found.size, modified: found.modified, etag: found.etag };
    },
    async *read(digest, part) {
      const found = await find(digest, part.signal);
      if (found === undefined) throw new OciError("BLOB_UNKNOWN", `nothing is stored as ${digest}`);
      yield* read(bucket, found, part);
    },
    // Nothing is stored for an upload that has no bytes.
    async begin({ id, signal }) {
      signal?.throwIfAborted();
      return formatToken({ id, size: 0 });
    },
    append: (token, bytes, { at }) => appendToUpload(token, bytes, { at, bucket, parts, memory }),
    async offset(token, { signal } = {}) {
      signal?.throwIfAborted();
      return parseToken(token).size;
    },
    async commit(token, digest, { verify, signal }) {
      signal?.throwIfAborted();
      return commitUpload(token, digest, { bucket, pointers, verify });
    },
    async abort(token) {
      const { id, multipart } = parseToken(token);
      await bucket.abortUploads(dataKey(id), multipart?.uploadId);
      const { keys } = await bucket.list(partsFolder(id), { limit: mostRests });
      await mapConcurrent(keys, 4, (key) => bucket.delete(key));
    },
    ...createDisposal({ bucket, pointers, removesSafely }),
    ...(redirectFor === undefined
      ? {}
      : {
          async locate(digest, { signal } = {}) {
            const found = await find(digest, signal);
            return found && bucket.presign(found.key, redirectFor);
          },
        }),
  };
}

/** More than an upload ever has: all but two are left by appends that were killed. */
const mostRests = 1000;

async function* read(
  bucket: Bucket,
  { key, size }: Pointer,
  { start, length, signal }: ReadPart,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (start + length > size) throw new OciError("STORAGE_INVALID", "a blob is cut short");
  yield* readObject(bucket, key, { start, length, signal });
}
