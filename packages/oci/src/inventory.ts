import type { Digest } from "./digest.ts";
import type { Tag } from "./name.ts";
import type { ListOptions } from "./repository.ts";

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
