export { applyCopy, copy, findMove, type CopyResult, type Move } from "./copy.ts";
export { estimateCopy, type CopyEstimate } from "./estimate.ts";
export {
  createMeter,
  type BlobProgress,
  type CopyMeter,
  type CopyProgress,
  type Pace,
} from "./meter.ts";
export type {
  ApplyOptions,
  CopyOptions,
  CopySource,
  CopyTarget,
  ForeignLayers,
  PlanOptions,
} from "./options.ts";
export { planCopy, type CopyPlan } from "./plan.ts";
export type { BlobCounts, CopyEvent } from "./progress.ts";
export { createScheduler, type Scheduler, type SchedulerOptions } from "./scheduler.ts";
export { createBlobShare, type BlobShare, type SharedPutOptions } from "./share.ts";
export type { CopyContent, PlannedManifest } from "./walk.ts";
