import type { Bytes } from "./bytes.ts";
import type { Digest } from "./digest.ts";
import type { CallOptions } from "./repository.ts";

/**
 * Where a registry keeps its bytes: small documents by key, and large content by digest.
 *
 * Nothing is ever renamed, walked or appended by path, so that a file system, a map and an object store all fit.
 */
export interface StorageDriver {
  readonly documents: DocumentStore;
  readonly blobs: BlobStore;
  /** One process at a time uses this storage, so that what another one was doing has ended. */
  readonly exclusive: boolean;
  /** The bytes are far away: better to store the state of an upload's hash with its session than to read them again. */
  readonly remote: boolean;
}

/**
 * Documents of at most 8 MiB.
 *
 * A key is made of segments with `/` between them: the characters of tags and repository names, beginning with
 * a letter, a digit or `_`; capitals only in the last segment. A document may be called as others begin
 * (`catalog/a` beside `catalog/a/b`).
 */
export interface DocumentStore {
  get(key: string, options?: CallOptions): Promise<StoredDocument | undefined>;
  head(key: string, options?: CallOptions): Promise<DocumentStat | undefined>;
  /** Stores a whole document. Resolves to its new etag, or `undefined` if the condition did not hold. */
  put(key: string, bytes: Uint8Array, options?: PutDocumentOptions): Promise<string | undefined>;
  /** Removes a document, `changed` and nothing removed if it is not at `ifMatch`. */
  delete(
    key: string,
    options?: CallOptions & { readonly ifMatch?: string | undefined },
  ): Promise<RemoveResult>;
  /** The first `limit` keys that begin with `prefix`, which ends in `/`, behind `after`; in byte order. */
  list(prefix: string, options: ListDocumentsOptions): Promise<DocumentPage>;
}

export interface DocumentStat {
  /** In bytes. */
  readonly size: number;
  /** When it was stored by the storage's own clock, in milliseconds since 1970. */
  readonly modified: number;
}

export interface StoredDocument {
  readonly bytes: Uint8Array;
  /** Differs whenever the content does. */
  readonly etag: string;
  /** When it was stored by the storage's own clock, in milliseconds since 1970. */
  readonly modified: number;
}

export interface PutDocumentOptions extends CallOptions {
  /** `relaxed` if it must survive the death of the process, but not a loss of power. */
  readonly durability?: "strict" | "relaxed" | undefined;
  /** Only if the document is at this etag. */
  readonly ifMatch?: string | undefined;
  /** Only if there is no such document. */
  readonly ifNoneMatch?: "*" | undefined;
}

export interface ListDocumentsOptions extends CallOptions {
  /** A key, which need not exist. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface DocumentPage {
  readonly keys: readonly string[];
  /** Whether there are keys behind the last of these. */
  readonly more: boolean;
}

/**
 * All that another process needs to go on with an upload; only the store that gave it can read it. An append gives a
 * new one, from which to go on; until that has been kept, the one before is still good.
 */
export type UploadToken = string;

/** Content by digest, and uploads that become content. */
export interface BlobStore {
  stat(digest: Digest, options?: CallOptions): Promise<BlobStat | undefined>;
  /** The first `limit` digests behind `after`, in byte order. */
  list(options: ListBlobsOptions): Promise<BlobPage>;
  /** Notes that content is wanted, by a new etag, if it is there. Resolves to whether it is. */
  touch(digest: Digest): Promise<boolean>;
  /** Exactly `length` bytes from `start`. @throws OciError BLOB_UNKNOWN, STORAGE_INVALID from the iteration */
  read(digest: Digest, part: ReadPart): Bytes;
  /** A new upload. */
  begin(upload: NewUpload): Promise<UploadToken>;
  /** Appends behind the offset, which the caller knows to be `at`; what is reported as stored survives the death of the process. */
  append(token: UploadToken, bytes: Bytes, options: AppendOptions): Promise<Appended>;
  /** How many bytes are stored, or `undefined` if it is known that nothing is left of the upload. */
  offset(token: UploadToken, options?: CallOptions): Promise<number | undefined>;
  /**
   * Makes the upload readable as `digest`, durably. Done once more it fails, unless the token itself still has the bytes:
   * that the same content is here already does not tell that it came from this upload.
   *
   * @throws OciError BLOB_UPLOAD_UNKNOWN, DIGEST_MISMATCH
   */
  commit(token: UploadToken, digest: Digest, options: CommitOptions): Promise<{ readonly size: number }>;
  /** Gives an upload up, and never takes away what it has become; absent is success. */
  abort(token: UploadToken): Promise<void>;
  /** Removes content, `changed` and nothing removed if it is not at `ifMatch`. */
  remove(digest: Digest, options?: RemoveBlobOptions): Promise<RemoveResult>;
  /** The same, but the bytes stay in the store where nobody reads them, for who wants to see what is wrong with them. */
  quarantine(digest: Digest, options?: RemoveBlobOptions): Promise<RemoveResult>;
  /** Removes what is left of uploads that have ended without becoming content. Resolves to how many pieces. */
  reap(options: ReapOptions): Promise<number>;
  /** Where whoever has the URL can read the content for a while, if the store hands out such things. */
  locate?(digest: Digest, options?: CallOptions): Promise<string | undefined>;
}

export interface BlobStat {
  /** In bytes. */
  readonly size: number;
  /** When it was stored or touched last by the storage's own clock, in milliseconds since 1970. */
  readonly modified: number;
  /** Differs whenever it has been removed and stored again, or touched. */
  readonly etag: string;
}

export interface ListBlobsOptions extends CallOptions {
  readonly after?: Digest | undefined;
  readonly limit: number;
}

export interface BlobPage {
  readonly digests: readonly Digest[];
  /** Whether there are digests behind the last of these. */
  readonly more: boolean;
}

export interface RemoveBlobOptions {
  /** Only if the content is at this etag. */
  readonly ifMatch?: string | undefined;
}

/** What became of a removal, whose condition did not hold if it is `changed`. */
export type RemoveResult = "deleted" | "absent" | "changed";

export interface ReapOptions extends CallOptions {
  /** What was written to since then stays; by the storage's own clock, in milliseconds since 1970. */
  readonly before: number;
  /** Whether the upload of that id goes on, so that all of it stays. */
  readonly isOpen: (id: string) => Promise<boolean>;
}

export interface ReadPart extends CallOptions {
  readonly start: number;
  readonly length: number;
}

export interface NewUpload extends CallOptions {
  /** A UUID. */
  readonly id: string;
}

export interface AppendOptions extends CallOptions {
  readonly at: number;
}

export interface CommitOptions extends CallOptions {
  /** Whether the stored bytes are still to be held against the digest. */
  readonly verify: boolean;
}

/** How far an append came: also when it failed half way, since what was stored then is kept. */
export interface Appended {
  readonly token: UploadToken;
  readonly offset: number;
  /** Why it ended before the bytes did. */
  readonly failure?: { readonly error: unknown } | undefined;
}
