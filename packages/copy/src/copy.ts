import { isDigest, type CallOptions, type Descriptor, type Source } from "@drayage/oci";
import type { ApplyOptions, CopyOptions, CopySource, CopyTarget } from "./options.ts";
import { planCopy, type CopyPlan } from "./plan.ts";
import { createTally, type BlobCounts } from "./progress.ts";
import { publish } from "./publish.ts";
import { createScheduler } from "./scheduler.ts";
import { onSide } from "./side.ts";
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
  /** What the source's tag points to by now, if it was asked again and has moved; absent if it was deleted. */
  readonly moved?: Move | undefined;
}

/** Where a tag points to that has moved since it was copied; nowhere if it was deleted. */
export interface Move {
  readonly to?: Descriptor | undefined;
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
  const result = await applyCopy(plan, { source: source.repository, target: target.repository }, options);
  const moved = options.recheck === true ? await findMove(source, plan, options) : undefined;
  return moved === undefined ? result : { ...result, moved };
}

/**
 * Where the source's tag points to now, if that is not what `plan` was made of.
 *
 * @throws OciError any code of the source
 * @example const moved = await findMove({ repository: source, at: "v1" }, plan)
 */
export async function findMove(
  { repository, at }: CopySource,
  plan: CopyPlan,
  { signal }: CallOptions = {},
): Promise<Move | undefined> {
  if (isDigest(at)) return undefined;
  const to = await onSide("source", () => repository.headManifest(at, { signal }));
  return to?.digest === (plan.partOf ?? plan.root).digest ? undefined : { to };
}

/**
 * Does what a plan says; what the target has got in the meantime is not sent again.
 *
 * @throws OciError any code of the two repositories, with `side` saying which of them; OPTION_INVALID
 * @example await applyCopy(plan, { source, target })
 */
export async function applyCopy(
  plan: CopyPlan,
  { source, target }: { readonly source: Source; readonly target: CopyTarget["repository"] },
  options: ApplyOptions = {},
): Promise<CopyResult> {
  const { mountFrom, share, uploads, onProgress, signal } = options;
  const tally = createTally();
  const report: Ends["report"] = (event) => {
    tally.add(event);
    onProgress?.(event);
  };
  const scheduler = options.scheduler ?? createScheduler(options);
  const ends: Ends = { source, target, scheduler, mountFrom, share, uploads, report };

  await transferBlobs(plan.blobs, ends, { signal });
  // What was left out on purpose is not to be sent after all when the target misses it.
  await publish(plan.stages, ends, { isLastTry: plan.omitted !== undefined, signal });

  const isUnchanged = plan.stages.length === 0 && tally.bytes() === 0;
  return {
    descriptor: plan.root,
    status: isUnchanged ? "unchanged" : "copied",
    blobs: tally.blobs(),
    bytes: tally.bytes(),
    manifests: tally.manifests(),
  };
}
