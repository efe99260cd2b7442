/** An object as it is stored. */
export interface S3Object {
  readonly bytes: Uint8Array;
  /** With its quotes. */
  readonly etag: string;
  /** In milliseconds since 1970. */
  readonly modified: number;
  /** The checksums that are told to who asks: header to value. */
  readonly checksums: Readonly<Record<string, string>>;
}

/** A multipart upload. */
export interface S3Upload {
  readonly key: string;
  readonly initiated: number;
  readonly parts: Map<number, S3Object>;
  /** The checksum with which every part has to come, such as `CRC32`. */
  readonly checksum: string | undefined;
  /** It has been aborted once, which need not be enough. */
  isAborting: boolean;
}

/** All that a bucket has in it. */
export interface S3Bucket {
  readonly objects: Map<string, S3Object>;
  readonly uploads: Map<string, S3Upload>;
  /** Multipart uploads that have become objects: id to key. */
  readonly completed: Map<string, string>;
}

/** What a store can and cannot do, in which those that speak S3 differ. */
export interface S3Traits {
  /** `If-None-Match` and `If-Match` on writes: kept, passed over in silence, or refused with 501. */
  readonly conditionalPut: "kept" | "ignored" | "refused";
  /** `If-Match` on `DeleteObject`. */
  readonly conditionalDelete: "kept" | "ignored" | "refused";
  /** The least a part may hold, in bytes, except the last. */
  readonly smallestPart: number;
  /** Whether all parts but the last have to be of one size, as with Cloudflare R2. */
  readonly equalParts: boolean;
  /** Whether an upload that is aborted may have to be aborted again, as Amazon warns. */
  readonly lateAbort: boolean;
  /** Whether an upload that is completed once more is unknown, or answered as before, as Amazon does for a while. */
  readonly repeatedComplete: "unknown" | "answered";
  /** The most that a list has on one page. */
  readonly pageSize: number;
}

/** What Amazon's own does. */
export const standardTraits: S3Traits = {
  conditionalPut: "kept",
  conditionalDelete: "kept",
  smallestPart: 5 * 1024 * 1024,
  equalParts: false,
  lateAbort: false,
  repeatedComplete: "unknown",
  pageSize: 1000,
};

/** What an operation works on. */
export interface S3Scene {
  readonly bucket: S3Bucket;
  readonly traits: S3Traits;
  readonly now: number;
}
