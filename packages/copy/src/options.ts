import {
  OciError,
  parseTag,
  type At,
  type CallOptions,
  type Digest,
  type Source,
  type Tag,
  type Target,
} from "@drayage/oci";
import type { CopyEvent } from "./progress.ts";

/** What is copied: whatever the repository has at a tag or digest. */
export interface CopySource {
  readonly repository: Source;
  readonly at: At;
}

/** Where it is copied to. */
export interface CopyTarget {
  readonly repository: Target;
  /** Tags that shall point to the copy; without any it is there by its digest only. */
  readonly tags?: readonly Tag[] | undefined;
}

export interface PlanOptions extends CallOptions {
  /** What the source must have at the tag, for a caller who has looked before. */
  readonly expectDigest?: Digest | undefined;
  /** How many blobs or manifests are under way at a time; 6 unless told. */
  readonly concurrency?: number | undefined;
}

export interface ApplyOptions extends CallOptions {
  /** How many blobs or manifests are under way at a time; 6 unless told. */
  readonly concurrency?: number | undefined;
  /** A repository of the target's registry that has the blobs, so that they need not be sent. */
  readonly mountFrom?: string | undefined;
  /** Told what happens while it happens; what it throws ends the copy. */
  readonly onProgress?: ((event: CopyEvent) => void) | undefined;
}

export interface CopyOptions extends PlanOptions, ApplyOptions {}

/** @throws OciError OPTION_INVALID unless `concurrency` is a positive whole number */
export function parseConcurrency(concurrency = 6): number {
  if (Number.isSafeInteger(concurrency) && concurrency > 0) return concurrency;
  throw new OciError("OPTION_INVALID", `concurrency is not a positive whole number: ${concurrency}`);
}

/** Each tag once. @throws OciError TAG_INVALID */
export function parseTags(tags: readonly Tag[] = []): readonly Tag[] {
  return [...new Set(tags.map(parseTag))];
}
