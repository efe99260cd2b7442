export { applyCopy, copy, type CopyResult } from "./copy.ts";
export type { ApplyOptions, CopyOptions, CopySource, CopyTarget, PlanOptions } from "./options.ts";
export { planCopy, type CopyPlan } from "./plan.ts";
export type { BlobCounts, CopyEvent } from "./progress.ts";
export type { CopyContent, PlannedManifest } from "./walk.ts";
