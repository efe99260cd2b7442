export {
  applyCleanup,
  type ApplyCleanupOptions,
  type CleanupResult,
  type CleanupTarget,
} from "./apply/apply.ts";
export { parseEntry, type CleanupEntry, type Outcome } from "./apply/entry.ts";
export { findUntagging } from "./apply/untagging.ts";
export { openJournalFile, type JournalFile } from "./apply/journal-file.ts";
export type { DecidedBy, Decision } from "./decide.ts";
export { explain, type Explanation } from "./explain.ts";
export { createMemoryCache, type ManifestCache } from "./inventory/cache.ts";
export { openManifestCache } from "./inventory/cache-file.ts";
export type { ChildFacts, ManifestFacts } from "./inventory/facts.ts";
export {
  subjectOfTag,
  type Capabilities,
  type Inventory,
  type InventoryProblem,
  type InventoryTag,
  type ManifestRecord,
} from "./inventory/inventory.ts";
export type { InventorySource } from "./inventory/source.ts";
export { inventory, type InventoryOptions, type StockOptions } from "./inventory/take.ts";
export type { Because } from "./live.ts";
export { parsePolicy } from "./parse-policy.ts";
export {
  planCleanup,
  type Block,
  type CleanupPlan,
  type Operation,
  type PlannedManifest,
  type PlannedTag,
  type PlanWarning,
} from "./plan.ts";
export type {
  CleanupPolicy,
  DeleteRule,
  GroupKey,
  KeepRule,
  KeepSelector,
  KeepSelectorSource,
  LeftoverRule,
  LeftoverRuleSource,
  Limits,
  ManifestKind,
  PolicySource,
  Rule,
  Selector,
  SelectorSource,
  TimeSource,
} from "./policy.ts";
export { remainingOf, type Held, type Remaining } from "./remaining.ts";
export { formatPlan, formatPlans, parsePlan, parsePlans } from "./plan-file.ts";
export { formatPlanTable } from "./plan-table.ts";
