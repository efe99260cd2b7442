import { randomUUID } from "node:crypto";
import type { Bytes } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";
import { algorithmOf, digestOf, type Digest } from "./digest.ts";
import { OciError } from "./errors.ts";
import { mediaType } from "./media-type.ts";
import type { CallOptions, UploadSession } from "./repository.ts";

/** Where uploads are collected, and what they become. */
export interface UploadStore {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly uploads: Map<string, Upload>;
}

interface Upload {
  readonly owner: string | undefined;
  readonly chunks: Uint8Array[];
}

/** A new upload. */
export function beginUpload(store: UploadStore, owner: string | undefined): UploadSession {
  const id = randomUUID();
  store.uploads.set(id, { owner, chunks: [] });
  return new MemoryUpload(id, store);
}

/**
 * The upload that `owner` has begun as `id`.
 *
 * @throws OciError BLOB_UPLOAD_UNKNOWN
 */
export function resumeUpload(
  id: string,
  { store, owner }: { readonly store: UploadStore | undefined; readonly owner: string | undefined },
): UploadSession {
  const upload = store?.uploads.get(id);
  if (store === undefined || upload === undefined || upload.owner !== owner) throw uploadUnknown(id);
  return new MemoryUpload(id, store);
}

/** What is known of a blob by the name of its digest only. */
export function blobDescriptor(digest: Digest, bytes: Uint8Array): Descriptor {
  return { mediaType: mediaType.octetStream, digest, size: bytes.byteLength };
}

class MemoryUpload implements UploadSession {
  readonly id: string;
  readonly #store: UploadStore;

  constructor(id: string, store: UploadStore) {
    this.id = id;
    this.#store = store;
  }

  get offset(): number {
    return sizeOf(this.#store.uploads.get(this.id)?.chunks ?? []);
  }

  async append(
    bytes: Bytes,
    { at, signal }: CallOptions & { readonly at?: number | undefined } = {},
  ): Promise<number> {
    const chunks = this.#chunks();
    if (at !== undefined && at !== sizeOf(chunks)) {
      throw new OciError("RANGE_INVALID", `the upload is at byte ${sizeOf(chunks)}, not ${at}`);
    }
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      chunks.push(Uint8Array.from(chunk));
    }
    return sizeOf(chunks);
  }

  async status({ signal }: CallOptions = {}): Promise<number> {
    signal?.throwIfAborted();
    return sizeOf(this.#chunks());
  }

  async commit(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor> {
    signal?.throwIfAborted();
    const bytes = Buffer.concat(this.#chunks());
    this.#store.uploads.delete(this.id);
    const actual = digestOf(bytes, algorithmOf(digest));
    if (actual !== digest)
      throw new OciError("DIGEST_INVALID", `the upload hashes to ${actual}, not to ${digest}`);
    this.#store.blobs.set(digest, bytes);
    return blobDescriptor(digest, bytes);
  }

  async cancel({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#store.uploads.delete(this.id);
  }

  #chunks(): Uint8Array[] {
    const chunks = this.#store.uploads.get(this.id)?.chunks;
    if (chunks === undefined) throw uploadUnknown(this.id);
    return chunks;
  }
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

function uploadUnknown(id: string): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", `there is no upload ${id}`);
}
