import { parseDigest } from "@drayage/oci";
import { parseGlob } from "@drayage/select";
import { readDocument } from "./document.ts";
import { durationAt, parseDeleteSelector, parseKeepSelector, readableAt } from "./parse-selector.ts";
import { choiceAt, countAt, entriesOf, keysOf, listAt, maybe, refuse, textAt, type Place } from "./place.ts";
import type { CleanupPolicy, LeftoverRule, Limits, PolicySource, Rule, TimeSource } from "./policy.ts";

const timeSources = ["tagPushed", "pushed", "created"] as const satisfies readonly TimeSource[];
const ruleLimit = 1000;

/**
 * The policy that a document describes: the text of a YAML or JSON file, or the same as an object.
 *
 * @param source text of at most 256 KiB, or an object
 * @param options.file what the text is called in refusals, which then name line and column too
 * @throws OciError OPTION_INVALID for anything unknown, impossible or unsafe, with its place
 * @example
 * const policy = parsePolicy({ rules: [{ name: "old", delete: { tags: ["pr-*"], olderThan: "14d" } }] });
 */
export function parsePolicy(
  source: string | PolicySource,
  { file = "policy" }: { readonly file?: string | undefined } = {},
): CleanupPolicy {
  return parseRoot(readDocument(source, file));
}

function parseRoot(root: Place): CleanupPolicy {
  const at = keysOf(root, [
    "version",
    "time",
    "protect",
    "rules",
    "untagged",
    "orphanedReferrers",
    "limits",
    "onUnreadable",
  ]);
  const version = at("version");
  if (version !== undefined && version.value !== 1) throw refuse(version, "must be 1");
  return {
    version: 1,
    time: maybe(at("time"), timesAt) ?? timeSources,
    protect: maybe(at("protect"), parseProtect) ?? { tags: [], digests: [] },
    rules: maybe(at("rules"), parseRules) ?? [],
    untagged: maybe(at("untagged"), parseLeftovers),
    orphanedReferrers: maybe(at("orphanedReferrers"), parseOrphans),
    limits: maybe(at("limits"), parseLimits) ?? { minKeep: 1 },
    onUnreadable: maybe(at("onUnreadable"), (place) => choiceAt(place, ["block", "ignore"])) ?? "block",
  };
}

function timesAt(place: Place): readonly TimeSource[] {
  return listAt(place, (entry) => choiceAt(entry, timeSources));
}

function parseProtect(place: Place): CleanupPolicy["protect"] {
  const at = keysOf(place, ["tags", "digests"]);
  return {
    tags: maybe(at("tags"), entriesOf)?.map((entry) => readableAt(entry, parseGlob)) ?? [],
    digests:
      maybe(at("digests"), entriesOf)?.map((entry) => parseDigest(readableAt(entry, parseDigest))) ?? [],
  };
}

function parseRules(place: Place): readonly Rule[] {
  if (!Array.isArray(place.value)) throw refuse(place, "must be a list");
  if (place.value.length > ruleLimit) throw refuse(place, `must not have more than ${ruleLimit} rules`);
  const names = new Set<string>();
  return entriesOf(place).map((entry) => {
    const rule = parseRule(entry);
    if (names.has(rule.name)) throw refuse(entry, `a second rule of the name "${rule.name}"`);
    names.add(rule.name);
    return rule;
  });
}

function parseRule(place: Place): Rule {
  const at = keysOf(place, ["name", "keep", "delete"]);
  const [name, keep, remove] = [at("name"), at("keep"), at("delete")];
  if (name === undefined) throw refuse(place, "must have a name");
  if (keep !== undefined && remove !== undefined) throw refuse(place, "must not both keep and delete");
  if (keep !== undefined) return { name: textAt(name), keep: parseKeepSelector(keep) };
  if (remove !== undefined) return { name: textAt(name), delete: parseDeleteSelector(remove) };
  throw refuse(place, "must have keep or delete");
}

function parseLeftovers(place: Place): LeftoverRule {
  const at = keysOf(place, ["olderThan", "newest", "time"]);
  const [olderThan, newest] = [at("olderThan"), at("newest")];
  if (olderThan === undefined && newest === undefined) {
    throw refuse(place, "must have olderThan or newest: without them it would take what is being pushed");
  }
  return {
    olderThan: maybe(olderThan, durationAt),
    newest: maybe(newest, (count) => countAt(count, 0)),
    time: maybe(at("time"), leftoverTimesAt) ?? ["pushed"],
  };
}

function parseOrphans(place: Place): LeftoverRule {
  const at = keysOf(place, ["olderThan", "time"]);
  const olderThan = at("olderThan");
  if (olderThan === undefined) throw refuse(place, "must have olderThan");
  return { olderThan: durationAt(olderThan), time: maybe(at("time"), leftoverTimesAt) ?? ["pushed"] };
}

function leftoverTimesAt(place: Place): readonly TimeSource[] {
  return listAt(place, (entry) => choiceAt(entry, ["pushed", "created"]));
}

function parseLimits(place: Place): Limits {
  const at = keysOf(place, ["minKeep", "maxDeletedTags", "maxDeletedManifests", "maxDeleteRatio"]);
  const count = (limit: Place): number => countAt(limit, 0);
  return {
    minKeep: maybe(at("minKeep"), count) ?? 1,
    maxDeletedTags: maybe(at("maxDeletedTags"), count),
    maxDeletedManifests: maybe(at("maxDeletedManifests"), count),
    maxDeleteRatio: maybe(at("maxDeleteRatio"), ratioAt),
  };
}

function ratioAt(place: Place): number {
  const { value } = place;
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw refuse(place, "must be a number from 0 to 1");
}
