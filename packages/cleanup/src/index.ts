export type { DecidedBy, Decision } from "./decide.ts";
export { explain, type Explanation } from "./explain.ts";
export { subjectOfTag, type Inventory, type InventoryTag, type ManifestRecord } from "./inventory.ts";
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
export { formatPlan, parsePlan } from "./plan-file.ts";
export { formatPlanTable } from "./plan-table.ts";
