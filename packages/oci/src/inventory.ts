import type { Digest } from "./digest.ts";
import type { Tag } from "./name.ts";
import type { CallOptions, ListOptions } from "./repository.ts";

/** A tag and what is known of it without asking for its manifest; times are milliseconds since 1970. */
export interface TagRecord {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly mediaType?: string | undefined;
  /** Bytes of the manifest itself, as in its descriptor. */
  readonly size?: number | undefined;
  readonly pushed?: number | undefined;
  readonly pulled?: number | undefined;
}

/** Tags with their digests, a page at a time instead of a request per tag. */
export interface TagInventory {
  listTagRecords(options?: ListOptions): AsyncIterable<TagRecord>;
}

/** A tag of a {@link StoredManifest}. */
export interface StoredTag {
  readonly name: Tag;
  /** When the tag was set to this manifest, not when the manifest was pushed. */
  readonly pushed?: number | undefined;
  /** The registry refuses to move or delete the tag: it is immutable, locked or retained. */
  readonly immutable?: boolean | undefined;
}

/**
 * A manifest that a registry keeps, and what it tells of it; times are milliseconds since 1970.
 *
 * What is not known is left out, and never guessed: cleanup takes an unknown time for never old.
 */
export interface StoredManifest {
  readonly digest: Digest;
  /** The tags that point to it, none for an untagged one; of several records for one digest all tags count. */
  readonly tags: readonly StoredTag[];
  readonly mediaType?: string | undefined;
  readonly artifactType?: string | undefined;
  /** Bytes of the manifest and of all that it names. */
  readonly imageSize?: number | undefined;
  readonly pushed?: number | undefined;
  readonly created?: number | undefined;
  /** The last pull; `never` where pulls are recorded and there was none. */
  readonly pulled?: number | "never" | undefined;
}

/**
 * Manifests with their tags as a registry lists them through an API of its own, untagged ones too where it knows them.
 *
 * A list that cannot be read to its end throws: what is not on it may be deleted, or what needs it.
 */
export interface ManifestInventory {
  listStoredManifests(options?: CallOptions): AsyncIterable<StoredManifest>;
}
