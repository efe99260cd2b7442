export { parseGlob, type Glob } from "./glob.ts";
export { parsePattern, type Groups, type Pattern } from "./pattern.ts";
export { parseTagSelector, type SelectTag, type TagMatch, type TagSelector } from "./tag-selector.ts";
export {
  compareVersions,
  parseVersionRange,
  versionOf,
  type Prerelease,
  type Version,
  type VersionRange,
} from "./version.ts";
