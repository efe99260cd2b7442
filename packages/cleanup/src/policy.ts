import type { Digest } from "@drayage/oci";
import type { Prerelease } from "@drayage/select";

/** Where the time of a tag is taken from: when the tag was set, when its manifest was pushed, when it was built. */
export type TimeSource = "tagPushed" | "pushed" | "created";

/** What a manifest is; `unknown` is one that could not be read, or not be understood. */
export type ManifestKind = "image" | "index" | "artifact" | "unknown";

/** Which tags a rule is about: all fields must hold; of a list, one entry must. Durations are milliseconds. */
export interface Selector {
  readonly tags?: readonly string[] | undefined;
  readonly notTags?: readonly string[] | undefined;
  readonly regex?: readonly string[] | undefined;
  readonly semver?: readonly string[] | undefined;
  readonly prerelease?: Prerelease | undefined;
  readonly kinds?: readonly ManifestKind[] | undefined;
  /** Globs by the name of an annotation; a manifest without it does not match. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly olderThan?: number | undefined;
  readonly newerThan?: number | undefined;
  readonly notPulledFor?: number | undefined;
}

/** What tags are grouped by before the newest are counted: `semver.major`, `semver.minor`, `regex.<name>`. */
export type GroupKey = `semver.${"major" | "minor"}` | `regex.${string}`;

/** Which tags to keep: those selected, or of them only the newest images. */
export interface KeepSelector extends Selector {
  /** How many images of each group are kept. */
  readonly newest?: number | undefined;
  readonly order?: "time" | "semver" | undefined;
  readonly groupBy?: readonly GroupKey[] | undefined;
}

export interface KeepRule {
  readonly name: string;
  readonly keep: KeepSelector;
}

export interface DeleteRule {
  readonly name: string;
  readonly delete: Selector;
}

/** A reason to keep tags or to delete them; where both apply, keeping wins, whatever the order. */
export type Rule = KeepRule | DeleteRule;

/** Which manifests that nothing refers to are to go. */
export interface LeftoverRule {
  /** Age in milliseconds. */
  readonly olderThan?: number | undefined;
  /** How many of the newest stay. */
  readonly newest?: number | undefined;
  /** Only `pushed`, unless said otherwise: what a mirror is bringing just now was built long ago. */
  readonly time: readonly TimeSource[];
}

/** What stops a plan from being applied. */
export interface Limits {
  /** How many images with a tag must stay; the newest of the condemned are spared for it. */
  readonly minKeep: number;
  readonly maxDeletedTags?: number | undefined;
  readonly maxDeletedManifests?: number | undefined;
  /** Deleted tags over all tags, 0 to 1; signatures and the like do not count. */
  readonly maxDeleteRatio?: number | undefined;
}

/** What is to be kept in a repository and what is to go; made by {@link parsePolicy}. */
export interface CleanupPolicy {
  readonly version: 1;
  /** Sources of a tag's time, the first usable one counts. */
  readonly time: readonly TimeSource[];
  readonly protect: { readonly tags: readonly string[]; readonly digests: readonly Digest[] };
  readonly rules: readonly Rule[];
  readonly untagged?: LeftoverRule | undefined;
  readonly orphanedReferrers?: LeftoverRule | undefined;
  readonly limits: Limits;
  /** Whether a manifest that stays and cannot be read stops the plan: what it refers to is not known. */
  readonly onUnreadable: "block" | "ignore";
}

type OneOrMany = string | readonly string[];

/** A {@link Selector} as it is written. Durations are numbers with `w`, `d`, `h`, `m` or `s`: `14d`. */
export interface SelectorSource {
  readonly tags?: OneOrMany | undefined;
  readonly notTags?: OneOrMany | undefined;
  readonly regex?: OneOrMany | undefined;
  readonly semver?: OneOrMany | undefined;
  readonly prerelease?: Prerelease | undefined;
  readonly kinds?: ManifestKind | readonly ManifestKind[] | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly olderThan?: string | undefined;
  readonly newerThan?: string | undefined;
  readonly notPulledFor?: string | undefined;
}

export interface KeepSelectorSource extends SelectorSource {
  readonly newest?: number | undefined;
  readonly order?: "time" | "semver" | undefined;
  readonly groupBy?: GroupKey | readonly GroupKey[] | undefined;
}

export interface LeftoverRuleSource {
  readonly olderThan?: string | undefined;
  readonly newest?: number | undefined;
  readonly time?: TimeSource | readonly TimeSource[] | undefined;
}

/** A policy as it is written, the same in YAML, JSON and TypeScript. */
export interface PolicySource {
  readonly version?: 1 | undefined;
  readonly time?: TimeSource | readonly TimeSource[] | undefined;
  readonly protect?:
    | { readonly tags?: OneOrMany | undefined; readonly digests?: OneOrMany | undefined }
    | undefined;
  readonly rules?:
    | readonly (
        | { readonly name: string; readonly keep: KeepSelectorSource }
        | { readonly name: string; readonly delete: SelectorSource }
      )[]
    | undefined;
  readonly untagged?: LeftoverRuleSource | undefined;
  readonly orphanedReferrers?: Omit<LeftoverRuleSource, "newest"> | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly onUnreadable?: "block" | "ignore" | undefined;
}
