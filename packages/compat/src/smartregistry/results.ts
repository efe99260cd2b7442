import type { Descriptor, Digest, RegistryError } from "@drayage/oci";

/** Why a call did nothing; a result is told from a failure by `"errors" in result`. */
export interface Failure {
  readonly errors: readonly RegistryError[];
  /** What to answer over HTTP. */
  readonly status: number;
  /** What to answer along with it: whom to ask for a token, or where an upload is. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ManifestContent {
  readonly data: Buffer;
  readonly contentType: string;
  readonly digest: Digest;
}

export interface ManifestInfo {
  readonly contentType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** Which part of a blob, if not all of it. */
export interface BlobPart {
  readonly digest: Digest;
  /** Of the whole blob, in bytes. */
  readonly size: number;
  /** Both ends included. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
}

export interface BlobInfo {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** An upload that has begun. */
export interface Upload {
  readonly uploadId: string;
  /** The path that the distribution-spec has for it. */
  readonly location: string;
  /** How many bytes of it have come. */
  readonly offset: number;
  /** The same as the header `Range` says it. */
  readonly range: string;
}

/** Content that is stored. */
export interface Stored {
  readonly digest: Digest;
  readonly location: string;
}

export interface TagList {
  readonly name: string;
  readonly tags: readonly string[];
  /** The `last` for the tags behind these, if there are any. */
  readonly next?: string | undefined;
}

export interface ReferrerList {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

export interface Deleted {
  readonly deleted: true;
}
