import { parseGlob, type Glob } from "./glob.ts";
import { parsePattern, type Groups, type Pattern } from "./pattern.ts";
import { parseVersionRange, versionOf, type Prerelease, type Version, type VersionRange } from "./version.ts";

/** Which tags: all fields must hold; of a list, one entry must. */
export interface TagSelector {
  /** Globs of whole tags. */
  readonly tags?: readonly string[] | undefined;
  /** Globs of tags that are not meant. */
  readonly notTags?: readonly string[] | undefined;
  /** Regular expressions of whole tags; what the group `version` finds is read as the tag's version. */
  readonly regex?: readonly string[] | undefined;
  /** Ranges of versions. */
  readonly semver?: readonly string[] | undefined;
  /** Pre-releases among the versions; by default left out. */
  readonly prerelease?: Prerelease | undefined;
}

/** What a selector saw in a tag that it selects. */
export interface TagMatch {
  /** The named groups of the first expression that matched. */
  readonly groups: Groups;
  readonly version?: Version | undefined;
}

/** What is seen in a tag, or `undefined` if it is not selected. */
export type SelectTag = (tag: string) => TagMatch | undefined;

const noGroups: Groups = new Map();

/**
 * The test that `selector` describes; one without fields selects every tag.
 *
 * @throws OciError OPTION_INVALID for what cannot be read
 * @example parseTagSelector({ tags: ["pr-*"] })("pr-7") !== undefined // true
 */
export function parseTagSelector(selector: TagSelector): SelectTag {
  const tags = selector.tags?.map(parseGlob);
  const notTags = selector.notTags?.map(parseGlob) ?? [];
  const patterns = selector.regex?.map(parsePattern);
  const ranges = rangesOf(selector);
  return (tag) => {
    if (tags !== undefined && !matchesAny(tags, tag)) return undefined;
    if (matchesAny(notTags, tag)) return undefined;
    const groups = firstMatch(patterns, tag);
    if (groups === undefined) return undefined;
    const version = versionOf(groups.get("version") ?? tag);
    if (ranges !== undefined && !isInAny(ranges, version)) return undefined;
    return { groups, version };
  };
}

function rangesOf({ semver, prerelease }: TagSelector): readonly VersionRange[] | undefined {
  const ranges = semver ?? (prerelease === undefined ? undefined : ["*"]);
  return ranges?.map((range) => parseVersionRange(range, prerelease));
}

function matchesAny(globs: readonly Glob[], tag: string): boolean {
  return globs.some((matches) => matches(tag));
}

function firstMatch(patterns: readonly Pattern[] | undefined, tag: string): Groups | undefined {
  if (patterns === undefined) return noGroups;
  for (const pattern of patterns) {
    const groups = pattern.match(tag);
    if (groups !== undefined) return groups;
  }
  return undefined;
}

function isInAny(ranges: readonly VersionRange[], version: Version | undefined): boolean {
  return version !== undefined && ranges.some((contains) => contains(version));
}
