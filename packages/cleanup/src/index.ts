export { parsePolicy } from "./parse-policy.ts";
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
