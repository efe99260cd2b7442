import type { Bytes } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest, DigestAlgorithm } from "./digest.ts";
import type { TagInventory } from "./inventory.ts";
import type { ManifestDocument } from "./manifest.ts";
import type { At, Tag } from "./name.ts";
import type { Range } from "./range.ts";

/** What every asynchronous call takes. */
export interface CallOptions {
  /** Aborting rejects the call with the signal's reason and frees what it held. */
  readonly signal?: AbortSignal | undefined;
}

/** A blob, or a part of one. */
export interface BlobContent {
  /** The whole blob, whatever part of it this is. */
  readonly descriptor: Descriptor;
  /** The part this is, in bytes, both ends included; absent for the whole blob. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
  /** A whole blob throws before its last chunk if it is not what its digest says; a part cannot be checked. */
  readonly body: Bytes;
}

/** Opens content at `offset` bytes from its start; called only if the bytes are needed, and again after a failure. */
export type OpenBlob = (offset: number, options?: CallOptions) => Promise<Bytes>;

/** What {@link BlobWriter.putBlob} had to do. */
export type PutBlobResult = "uploaded" | "mounted" | "present";

/** What a delete found. */
export type DeleteResult = "deleted" | "absent";

export interface GetManifestOptions extends CallOptions {
  /** Throws NOT_MODIFIED instead of answering with this very manifest. */
  readonly ifNoneMatch?: Digest | undefined;
}

export interface PutManifestOptions extends CallOptions {
  /** Tags that shall point to the manifest; none leaves it reachable by its digest only. */
  readonly tags?: readonly Tag[] | undefined;
  /** Moves the tags only if each points to this digest now; else PRECONDITION_FAILED. */
  readonly ifMatch?: Digest | undefined;
  /** Sets the tags only if none of them exists; else PRECONDITION_FAILED. */
  readonly ifNoneMatch?: "*" | undefined;
}

export interface GetBlobOptions extends CallOptions {
  readonly range?: Range | undefined;
}

export interface PutBlobOptions extends CallOptions {
  /** A repository of the same registry that has the blob, so that it need not be sent. */
  readonly mountFrom?: string | undefined;
  /** Sends the bytes without asking first whether the blob is there, for when the answer has proven wrong. */
  readonly force?: boolean | undefined;
  /** Where it is remembered how far the upload is, so that it goes on if this process does not. */
  readonly uploads?: UploadMemory | undefined;
}

/**
 * What outlives a process of the uploads to one repository, so that another one goes on with them. It holds no more
 * than a hint: what it has lost, or cannot keep, is sent again.
 */
export interface UploadMemory {
  /** The id of an upload of that blob that was begun, and has not ended as far as is known. */
  get(digest: Digest): Promise<string | undefined>;
  /** Remembers it, in place of any other of that blob. */
  set(digest: Digest, id: string): Promise<void>;
  /** Forgets it, because it has ended or is of no use. */
  delete(digest: Digest): Promise<void>;
}

export interface ListOptions extends CallOptions {
  /** Starts behind this entry, which need not exist. */
  readonly after?: string | undefined;
  /** Entries per request, where there are requests. */
  readonly pageSize?: number | undefined;
}

export interface ManifestReader {
  /** The manifest at a tag or digest, verified. @throws OciError MANIFEST_UNKNOWN, NOT_MODIFIED, NAME_UNKNOWN */
  getManifest(at: At, options?: GetManifestOptions): Promise<ManifestDocument>;
  /** What is at a tag or digest, or `undefined` if nothing is. */
  headManifest(at: At, options?: CallOptions): Promise<Descriptor | undefined>;
}

export interface ManifestWriter {
  /** Stores the manifest, whose content must be there already, then points the tags to it. @throws OciError MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, PRECONDITION_FAILED */
  putManifest(document: ManifestDocument, options?: PutManifestOptions): Promise<Descriptor>;
}

export interface BlobReader {
  /** The blob or a range of it. @throws OciError BLOB_UNKNOWN, RANGE_INVALID, DIGEST_MISMATCH */
  getBlob(digest: Digest, options?: GetBlobOptions): Promise<BlobContent>;
  /** What is known of the blob, or `undefined` if it is not here. */
  headBlob(digest: Digest, options?: CallOptions): Promise<Descriptor | undefined>;
}

export interface BlobWriter {
  /** Makes the blob be here; `open` is called only if its bytes are needed. @throws OciError DIGEST_MISMATCH, SIZE_MISMATCH */
  putBlob(descriptor: Descriptor, open: OpenBlob, options?: PutBlobOptions): Promise<PutBlobResult>;
  /** Takes the blob over from another repository of this registry, or answers `undefined` if that cannot be done. */
  mountBlob(
    digest: Digest,
    options?: CallOptions & { readonly from?: string | undefined },
  ): Promise<Descriptor | undefined>;
  /** A new upload, or with `id` one begun earlier, maybe by another process. @throws OciError BLOB_UPLOAD_UNKNOWN */
  openUpload(
    options?: CallOptions & {
      readonly id?: string | undefined;
      readonly algorithm?: DigestAlgorithm | undefined;
      /** What it will be committed as, if that is known; then an upload that has become this blob can be committed once more. */
      readonly digest?: Digest | undefined;
    },
  ): Promise<UploadSession>;
}

/** Where bytes belong in an upload. */
export interface AppendToUploadOptions extends CallOptions {
  /** The offset, if the upload must be there; behind whatever is there, by default. */
  readonly at?: number | undefined;
  /** How many bytes come, if that is known, so that too many can be refused before any are read. */
  readonly size?: number | undefined;
}

/** A blob upload that can be continued; `id` is all another process needs. */
export interface UploadSession {
  readonly id: string;
  /** How many bytes the registry is known to have. */
  readonly offset: number;
  /** The least a chunk may hold, in bytes, except the last. */
  readonly minChunk?: number | undefined;
  /** Appends `bytes` at `at`, which must be the offset. Resolves to the new offset. @throws OciError RANGE_INVALID, BLOB_UPLOAD_UNKNOWN */
  append(bytes: Bytes, options?: AppendToUploadOptions): Promise<number>;
  /** Asks the registry how many bytes it has. */
  status(options?: CallOptions): Promise<number>;
  /** Ends the upload and publishes the blob. @throws OciError DIGEST_INVALID if the bytes are not what `digest` says */
  commit(digest: Digest, options?: CallOptions): Promise<Descriptor>;
  /** Gives the upload up; absent is success. */
  cancel(options?: CallOptions): Promise<void>;
}

export interface TagLister {
  /** Every tag, in the registry's order. @throws OciError NAME_UNKNOWN */
  listTags(options?: ListOptions): AsyncIterable<Tag>;
}

export interface ReferrerLister {
  /** Manifests whose subject is `subject`, whether or not it exists; in the order of their digests where they are ours to order. */
  listReferrers(
    subject: Digest,
    options?: CallOptions & { readonly artifactType?: string | undefined },
  ): AsyncIterable<Descriptor>;
}

export interface Deleter {
  /** Removes a manifest and every tag that points to it. @throws OciError UNSUPPORTED, DENIED */
  deleteManifest(digest: Digest, options?: CallOptions): Promise<DeleteResult>;
  /** Removes a tag and nothing else. @throws OciError UNSUPPORTED, DENIED, PRECONDITION_FAILED */
  deleteTag(
    tag: Tag,
    options?: CallOptions & { readonly ifMatch?: Digest | undefined },
  ): Promise<DeleteResult>;
  /** Removes a blob from this repository. @throws OciError UNSUPPORTED, DENIED */
  deleteBlob(digest: Digest, options?: CallOptions): Promise<DeleteResult>;
}

export interface BlobLocator {
  /** A URL at which whoever has it can read the blob for a while; `undefined` if it is only to be had here. */
  locateBlob(digest: Digest, options?: CallOptions): Promise<string | undefined>;
}

/** What content can be read from. */
export interface Source extends ManifestReader, BlobReader, ReferrerLister {}

/** What content can be written to. */
export interface Target extends Source, ManifestWriter, BlobWriter {}

/** One named space of content, wherever it is: behind HTTP, on a disk, in memory. */
export interface Repository extends Target, TagLister, Deleter {
  readonly name: string;
  /** Lists tags together with their digests, where that costs no request per tag. */
  readonly inventory?: TagInventory | undefined;
  /** Leads to blobs where they are kept, so that a server need not pass them on. */
  readonly locator?: BlobLocator | undefined;
}

/** What will be done with a repository, as scopes name it. */
export type Action = "pull" | "push" | "delete";

export interface RepositoryOptions {
  /** What will be done, so that one token is asked for once. */
  readonly access?: readonly Action[] | undefined;
  /**
   * Whose uploads it begins, where a registry serves several users: somebody else's cannot be gone on with, even by
   * who knows their id.
   */
  readonly owner?: string | undefined;
}

/** Repositories by name. */
export interface Registry {
  /**
   * The repository of that name, whether or not it has content yet; no request is made.
   *
   * @throws OciError NAME_INVALID
   */
  repository(name: string, options?: RepositoryOptions): Repository;
  /** Every repository that has content and may be seen. @throws OciError UNSUPPORTED */
  listRepositories(options?: ListOptions): AsyncIterable<string>;
}
