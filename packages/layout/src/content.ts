import { algorithmOf, hexOf, type Bytes, type CallOptions, type Digest } from "@drayage/oci";
import type { ReadPart } from "./disk.ts";

/** The files of an image layout, wherever they are: in a directory or in an archive. */
export interface Content {
  /** The bytes of `index.json`, or `undefined` if there is no layout yet. @throws OciError STORAGE_INVALID */
  readIndex(options?: CallOptions): Promise<Uint8Array | undefined>;
  /** How many bytes the content has, or `undefined` if it is not here. */
  sizeOf(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /** Part of content that is here. */
  read(digest: Digest, part: ReadPart): Bytes;
}

/** Where content of that digest is in a layout. */
export function blobPath(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
