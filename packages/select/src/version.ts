import { OciError } from "@drayage/oci";
import { Range, compare, parse } from "semver";

/** A version as semver.org has it. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly prerelease: readonly (string | number)[];
  /** All of it as text, without a `v`. */
  readonly version: string;
}

/** Which versions a range is asked about: all but pre-releases, all, or pre-releases only. */
export type Prerelease = "exclude" | "include" | "only";

/** Whether a version is in a range. */
export type VersionRange = (version: Version) => boolean;

/**
 * The version that `text` is: exactly `x.y.z` or `x.y.z-pre`, with or without one `v` before it; else `undefined`.
 *
 * @example versionOf("v1.2.3-rc.1")?.minor // 2
 */
export function versionOf(text: string): Version | undefined {
  const bare = text.startsWith("v") ? text.slice(1) : text;
  // Most tags are none, and are told apart sooner by their first character than by the parser.
  const version = bare >= "0" && bare < ":" ? parse(bare) : null;
  // The parser forgives white space and a second "v"; a tag with a "+" is no tag.
  return version?.version === bare ? version : undefined;
}

/** Below zero if `a` is the lower version, above if it is the higher, zero if neither is. */
export function compareVersions(a: Version, b: Version): number {
  return compare(a.version, b.version);
}

/**
 * The range that `text` spells in npm's grammar.
 *
 * @throws OciError OPTION_INVALID
 * @see https://github.com/npm/node-semver#ranges
 */
export function parseVersionRange(text: string, prerelease: Prerelease = "exclude"): VersionRange {
  const range = parseRange(text);
  return (version) => {
    const isPrerelease = version.prerelease.length > 0;
    if (prerelease === "exclude" && isPrerelease) return false;
    if (prerelease === "only" && !isPrerelease) return false;
    return range.test(version.version);
  };
}

function parseRange(text: string): Range {
  try {
    if (text.length <= 256) return new Range(text, { includePrerelease: true });
  } catch {
    // said below, for both
  }
  throw new OciError("OPTION_INVALID", "not a range of versions");
}
