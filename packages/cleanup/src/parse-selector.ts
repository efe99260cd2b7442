import { isOciError, parseObject } from "@drayage/oci";
import { parseGlob, parsePattern, parseVersionRange } from "@drayage/select";
import { parseDuration } from "./duration.ts";
import { choiceAt, countAt, keysOf, listAt, maybe, refuse, textAt, type Place } from "./place.ts";
import type { GroupKey, KeepSelector, ManifestKind, Selector } from "./policy.ts";

const selectorKeys: readonly string[] = [
  "tags",
  "notTags",
  "regex",
  "semver",
  "prerelease",
  "kinds",
  "annotations",
  "olderThan",
  "newerThan",
  "notPulledFor",
];
const manifestKinds = ["image", "index", "artifact", "unknown"] as const satisfies readonly ManifestKind[];

/** What a rule deletes. @throws OciError OPTION_INVALID also if it has no condition at all */
export function parseDeleteSelector(place: Place): Selector {
  const at = keysOf(place, selectorKeys);
  const selector = parseFields(at);
  if (Object.values(selector).some((field) => field !== undefined)) return selector;
  throw refuse(place, 'would delete everything: say which tags, "*" if it is really all of them');
}

/** What a rule keeps. @throws OciError OPTION_INVALID */
export function parseKeepSelector(place: Place): KeepSelector {
  const at = keysOf(place, [...selectorKeys, "newest", "order", "groupBy"]);
  const [newest, order, groupBy] = [at("newest"), at("order"), at("groupBy")];
  const idle = newest === undefined ? (order ?? groupBy) : undefined;
  if (idle !== undefined) throw refuse(idle, "says nothing without newest");
  return {
    ...parseFields(at),
    newest: maybe(newest, (count) => countAt(count, 1)),
    order: maybe(order, (choice) => choiceAt(choice, ["time", "semver"])),
    groupBy: maybe(groupBy, (keys) => listAt(keys, parseGroupKey)),
  };
}

/** The milliseconds of the duration at `place`. */
export function durationAt(place: Place): number {
  const duration = parseDuration(textAt(place));
  if (duration !== undefined) return duration;
  throw refuse(place, "must be a duration: a whole number and w, d, h, m or s, such as 14d");
}

/** The text at `place`, if `parse` can read it. */
export function readableAt(place: Place, parse: (text: string) => unknown): string {
  const text = textAt(place);
  try {
    parse(text);
  } catch (cause) {
    throw refuse(place, isOciError(cause) ? cause.message : "cannot be read", cause);
  }
  return text;
}

/** The key that tags can be grouped by at `place`. */
function parseGroupKey(place: Place): GroupKey {
  const text = textAt(place);
  if (text === "semver.major" || text === "semver.minor") return text;
  if (/^regex\.[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text as GroupKey;
  throw refuse(place, "must be semver.major, semver.minor or regex. and the name of a group");
}

function parseFields(at: (key: string) => Place | undefined): Selector {
  const readable = (parse: (text: string) => unknown) => (place: Place) =>
    listAt(place, (entry) => readableAt(entry, parse));
  return {
    tags: maybe(at("tags"), readable(parseGlob)),
    notTags: maybe(at("notTags"), readable(parseGlob)),
    regex: maybe(at("regex"), readable(parsePattern)),
    semver: maybe(at("semver"), readable(parseVersionRange)),
    prerelease: maybe(at("prerelease"), (place) => choiceAt(place, ["exclude", "include", "only"])),
    kinds: maybe(at("kinds"), (place) => listAt(place, (entry) => choiceAt(entry, manifestKinds))),
    annotations: maybe(at("annotations"), annotationsAt),
    olderThan: maybe(at("olderThan"), durationAt),
    newerThan: maybe(at("newerThan"), durationAt),
    notPulledFor: maybe(at("notPulledFor"), durationAt),
  };
}

function annotationsAt(place: Place): Readonly<Record<string, string>> {
  const names = Object.keys(parseObject(place.value) ?? {});
  const at = keysOf(place, names);
  if (names.length === 0) throw refuse(place, "must name an annotation");
  return Object.fromEntries(names.map((name) => [name, maybe(at(name), globAt) ?? "*"]));
}

function globAt(place: Place): string {
  return readableAt(place, parseGlob);
}
