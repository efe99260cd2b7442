import type { Descriptor, Digest, PutBlobResult, Tag } from "@drayage/oci";

/** What happens during a copy, one thing at a time. */
export type CopyEvent =
  | { readonly kind: "blob-started"; readonly blob: Descriptor }
  /**
   * `length` more bytes of the blob have been read from the source and `offset` in all, which may have been sent
   * before; `offset` falls when the blob is sent once more.
   */
  | {
      readonly kind: "blob-bytes";
      readonly blob: Descriptor;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly kind: "blob-done"; readonly blob: Descriptor; readonly result: PutBlobResult }
  | {
      readonly kind: "manifest-published";
      readonly manifest: Descriptor;
      readonly tags: readonly Tag[];
    };

/** What became of the blobs of a copy, counted. */
export type BlobCounts = Readonly<Record<PutBlobResult, number>>;

/** The sum of the events of one copy. */
export interface Tally {
  add(event: CopyEvent): void;
  blobs(): BlobCounts;
  /** The sizes of the blobs that were uploaded, in bytes. */
  bytes(): number;
  manifests(): number;
}

/** A tally of nothing yet; a blob or manifest that is sent twice counts once, as what it was at last. */
export function createTally(): Tally {
  const blobs = new Map<Digest, { readonly result: PutBlobResult; readonly size: number }>();
  const manifests = new Set<Digest>();
  const of = (wanted: PutBlobResult) => [...blobs.values()].filter(({ result }) => result === wanted);
  return {
    add(event) {
      if (event.kind === "blob-done") {
        blobs.set(event.blob.digest, { result: event.result, size: event.blob.size });
      }
      if (event.kind === "manifest-published") manifests.add(event.manifest.digest);
    },
    blobs: () => ({
      uploaded: of("uploaded").length,
      mounted: of("mounted").length,
      present: of("present").length,
    }),
    bytes: () => of("uploaded").reduce((sum, { size }) => sum + size, 0),
    manifests: () => manifests.size,
  };
}
