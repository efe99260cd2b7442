import type { Descriptor, Source, Target } from "@drayage/oci";
import {
  parseConcurrency,
  type ApplyOptions,
  type CopyOptions,
  type CopySource,
  type CopyTarget,
} from "./options.ts";
import { planCopy, type CopyPlan } from "./plan.ts";
import { createTally, type BlobCounts } from "./progress.ts";
import { publish } from "./publish.ts";
import { transferBlobs, type Ends } from "./transfer.ts";

/** What a copy came to. */
export interface CopyResult {
  /** What is at the target now, byte for byte what the source had when it was asked. */
  readonly descriptor: Descriptor;
  /** "unchanged" if the target had it already, under every tag it was to have. */
  readonly status: "copied" | "unchanged";
  readonly blobs: BlobCounts;
  /** How many bytes of blobs were uploaded. */
  readonly bytes: number;
  /** How many manifests were published, the root included. */
  readonly manifests: number;
}

/**
 * Makes the target have what the source has: an image, an index with all below it, an artifact.
 *
 * The source's tag is resolved once; from then on everything goes by digest. Blobs go first, then manifests from
 * the lowest up, the root together with its tags last: a copy that fails or is aborted publishes nothing partial,
 * and the next one goes on from where it was.
 *
 * @throws OciError any code of the two repositories, with `side` saying which of them; OPTION_INVALID, TAG_INVALID
 * @example
 * const result = await copy(
 *   { repository: source.repository("library/hello"), at: "v1" },
 *   { repository: target.repository("mirror/hello"), tags: ["v1", "latest"] },
 * );
 */
export async function copy(
  source: CopySource,
  target: CopyTarget,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const plan = await planCopy(source, target, options);
  return applyCopy(plan, { source: source.repository, target: target.repository }, options);
}

/**
 * Does what a plan says; what the target has got in the meantime is not sent again.
 *
 * @throws OciError any code of the two repositories, with `side` saying which of them; OPTION_INVALID
 * @example await applyCopy(plan, { source, target })
 */
export async function applyCopy(
  plan: CopyPlan,
  { source, target }: { readonly source: Source; readonly target: Target },
  options: ApplyOptions = {},
): Promise<CopyResult> {
  const { mountFrom, onProgress, signal } = options;
  const tally = createTally();
  const report: Ends["report"] = (event) => {
    tally.add(event);
    onProgress?.(event);
  };
  const concurrency = parseConcurrency(options.concurrency);
  const ends: Ends = { source, target, concurrency, mountFrom, report };

  await transferBlobs(plan.blobs, ends, { signal });
  await publish(plan.stages, ends, { tags: plan.tags, signal });

  return {
    descriptor: plan.root,
    status: plan.stages.length === 0 ? "unchanged" : "copied",
    blobs: tally.blobs(),
    bytes: tally.bytes(),
    manifests: tally.manifests(),
  };
}
