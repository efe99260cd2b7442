import type { CopyPlan } from "./plan.ts";

/** The most that a plan can cost when it is applied. */
export interface CopyEstimate {
  readonly manifests: number;
  readonly blobs: number;
  /** The bytes of the blobs; fewer are sent if the target has some of them. */
  readonly bytes: number;
  /** Requests over HTTP, without tokens and repetitions; one for a blob that the target has, instead of three. */
  readonly requests: { readonly source: number; readonly target: number };
}

/**
 * What applying `plan` costs at most, between registries.
 *
 * @example estimateCopy(await planCopy(source, target)).bytes
 */
export function estimateCopy({ stages, blobs }: CopyPlan): CopyEstimate {
  const manifests = stages.flat().length;
  return {
    manifests,
    blobs: blobs.length,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    // A blob is a GET at the source; at the target a POST that asks for it, and a PUT.
    requests: { source: blobs.length, target: 2 * blobs.length + manifests },
  };
}
