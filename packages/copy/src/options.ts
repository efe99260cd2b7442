import {
  OciError,
  parseTag,
  type At,
  type CallOptions,
  type Digest,
  type Platform,
  type Source,
  type Tag,
  type TagLister,
  type Target,
  type UploadMemory,
} from "@drayage/oci";
import type { CopyEvent } from "./progress.ts";
import type { Scheduler } from "./scheduler.ts";
import type { BlobShare } from "./share.ts";

/** What is copied: whatever the repository has at a tag or digest. */
export interface CopySource {
  /** Signatures that are found by their tags need a repository that can list tags. */
  readonly repository: Source & Partial<TagLister>;
  readonly at: At;
}

/** Where it is copied to. */
export interface CopyTarget {
  /** Blobs are shared between copies only into repositories that have a name. */
  readonly repository: Target & { readonly name?: string | undefined };
  /** Tags that shall point to the copy; without any it is there by its digest only. */
  readonly tags?: readonly Tag[] | undefined;
}

/**
 * What becomes of layers that are not meant to be distributed: they stay where their `urls` say, are copied if the
 * source has them, or the copy is refused.
 */
export type ForeignLayers = "leave" | "copy" | "refuse";

export interface PlanOptions extends CallOptions {
  /**
   * The platforms that are wanted; all unless told. One gives that image itself, several an index of theirs and of
   * their attestations, which has a digest of its own.
   */
  readonly platforms?: readonly Platform[] | undefined;
  /** Keeps the index as it is, with platforms in it that are not copied; some registries refuse such. */
  readonly sparse?: boolean | undefined;
  /** Copies what refers to any of the manifests as well, and what refers to that: signatures, attestations, SBOMs. */
  readonly referrers?: boolean | undefined;
  /** "leave" unless told. */
  readonly foreign?: ForeignLayers | undefined;
  /** Looks below manifests that the target has, too, for content that it has lost. */
  readonly repair?: boolean | undefined;
  /** What the source must have at the tag, for a caller who has looked before. */
  readonly expectDigest?: Digest | undefined;
  /** How many things are under way at a time, at the most a quarter of them large; 24 unless told. */
  readonly concurrency?: number | undefined;
  /** Shared by copies between the same two registries, in place of `concurrency`. */
  readonly scheduler?: Scheduler | undefined;
}

export interface ApplyOptions extends CallOptions {
  /** How many things are under way at a time, at the most a quarter of them large; 24 unless told. */
  readonly concurrency?: number | undefined;
  /** Shared by copies between the same two registries, in place of `concurrency`. */
  readonly scheduler?: Scheduler | undefined;
  /** A repository of the target's registry that has the blobs, so that they need not be sent. */
  readonly mountFrom?: string | undefined;
  /** Blobs that other copies to the same registry send at the same time, or have sent. */
  readonly share?: BlobShare | undefined;
  /** Where uploads are remembered, so that a copy goes on in the middle of a blob after its process was killed. */
  readonly uploads?: UploadMemory | undefined;
  /** Told what happens while it happens; what it throws ends the copy. */
  readonly onProgress?: ((event: CopyEvent) => void) | undefined;
}

export interface CopyOptions extends PlanOptions, ApplyOptions {
  /** Asks at the end whether the source's tag has moved meanwhile, which is one more request. */
  readonly recheck?: boolean | undefined;
}

/** @throws OciError OPTION_INVALID unless `concurrency` is a positive whole number */
export function parseConcurrency(concurrency = 24): number {
  if (Number.isSafeInteger(concurrency) && concurrency > 0) return concurrency;
  throw new OciError("OPTION_INVALID", `concurrency is not a positive whole number: ${concurrency}`);
}

/** Each tag once. @throws OciError TAG_INVALID */
export function parseTags(tags: readonly Tag[] = []): readonly Tag[] {
  return [...new Set(tags.map(parseTag))];
}
