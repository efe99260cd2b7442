/** How one registry deviates from what the distribution-spec would have a client expect. */
export interface Quirks {
  /** What people call it. */
  readonly name: string;
  /**
   * How to ask whether a blob is there before it is sent. `self-mount` asks and opens an upload in one request:
   * a mount from the repository to itself answers 201 if the blob is there and 202 with a session if not.
   */
  readonly existence: "self-mount" | "head" | "get";
  /** How a blob of known size is sent: in the closing `PUT`, or in one `PATCH` before it. */
  readonly upload: "put" | "patch";
  /** Whether mounts from other repositories work. */
  readonly mount: boolean;
  /** Whether `HEAD` of a manifest can be relied on. */
  readonly headManifest: boolean;
  /** The largest `n` that lists take. */
  readonly maxPageSize: number;
  /** The least and the most bytes that a chunk of an upload may have, the last one apart. */
  readonly minChunk?: number | undefined;
  readonly maxChunk?: number | undefined;
}

/** What an unknown host is taken for until it shows otherwise. */
export const standardQuirks: Quirks = {
  name: "standard",
  existence: "self-mount",
  upload: "put",
  mount: true,
  headManifest: true,
  maxPageSize: 1000,
};
