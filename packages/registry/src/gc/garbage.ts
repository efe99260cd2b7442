import type { Digest } from "@drayage/oci";

/** How long nobody must have needed something until it is garbage. */
export interface GarbageRules {
  /** In milliseconds. */
  readonly grace: number;
  /** In milliseconds; without it manifests stay whether they have a tag or not. */
  readonly untagged: number | undefined;
}

/** Something stored in one repository, as it was when it was found to be garbage. */
export interface GarbageDocument {
  readonly repository: string;
  readonly digest: Digest;
  /** Of the content, in bytes. */
  readonly size: number;
  /** If it is not at this any more, somebody has touched it, and it stays. */
  readonly etag: string;
}

/** Bytes that no repository has. */
export interface GarbageBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly etag: string;
  /** Whether a collection before has found it too, long enough ago. Else it is only noted. */
  readonly isDue: boolean;
}

/**
 * What a collection would remove, as data.
 *
 * What it says is looked at again when it is carried out: what is needed by then stays.
 */
export interface GarbagePlan extends GarbageRules {
  /** When it was made by the storage's own clock, in milliseconds since 1970. */
  readonly planned: number;
  /** Manifests that no tag leads to, each before those that it needs. */
  readonly manifests: readonly GarbageDocument[];
  /** Blobs of repositories in which no manifest needs them. */
  readonly links: readonly GarbageDocument[];
  readonly blobs: readonly GarbageBlob[];
}

export interface RemovedGarbage {
  readonly kind: "manifest" | "link" | "blob";
  readonly digest: Digest;
  /** Whose manifest it was, or whose link to a blob; bytes are nobody's. */
  readonly repository?: string | undefined;
}

/** What a collection has done. */
export interface GarbageReport {
  readonly manifests: number;
  readonly links: number;
  readonly blobs: number;
  /** The bytes of those blobs. */
  readonly freed: number;
  /** Blobs that a collection after the time of grace removes. */
  readonly condemned: number;
  /** What has been planned and is needed now, or has changed. */
  readonly spared: number;
}
