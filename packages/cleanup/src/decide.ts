import type { Digest } from "@drayage/oci";
import { parseGlob } from "@drayage/select";
import { isNormal, type Graph, type ManifestNode, type TagNode } from "./graph.ts";
import { createMatch, type MatchTag, type Moment } from "./match.ts";
import { newestTags } from "./newest.ts";
import type { CleanupPolicy, Rule } from "./policy.ts";
import { newest } from "./times.ts";

/** The one reason a tag stays or goes. */
export type DecidedBy =
  | "immutable"
  | "protect.digests"
  | "inUse"
  | "protect.tags"
  | `rule:${string}`
  | "default"
  | "limits.minKeep"
  | "capability:untag"
  | `linked:${Digest}`
  | "linked:absent-subject"
  | "orphanedReferrers"
  | "blocked";

/** What becomes of a tag, and why. */
export interface Decision {
  readonly action: "keep" | "delete";
  readonly decidedBy: DecidedBy;
}

/** Why a manifest and all indexes around it must stay; those it is itself named by, or the one it is in. */
export type Guarded = ReadonlyMap<ManifestNode, "protect.digests" | "inUse">;

/** The decisions that rules, protections and limits make, for normal tags and for protected ones of all kinds. */
export function decideTags(
  graph: Graph,
  policy: CleanupPolicy,
  { guarded, moment }: { readonly guarded: Guarded; readonly moment: Moment },
): Map<TagNode, Decision> {
  const decisions = new Map<TagNode, Decision>();
  const isProtected = anyGlob(policy.protect.tags);
  const ruling = createRuling(graph.tags.filter(isNormal), policy.rules, moment);
  for (const tag of graph.tags) {
    const decision = protection(tag, guarded, isProtected) ?? (isNormal(tag) ? ruling(tag) : undefined);
    if (decision !== undefined) decisions.set(tag, decision);
  }
  spare(decisions, policy.limits.minKeep, moment);
  return decisions;
}

function protection(
  tag: TagNode,
  guarded: Guarded,
  isProtected: (name: string) => boolean,
): Decision | undefined {
  if (tag.tag.immutable === true) return { action: "keep", decidedBy: "immutable" };
  const guard = isNormal(tag) && tag.target !== undefined ? guarded.get(tag.target) : undefined;
  if (guard !== undefined) return { action: "keep", decidedBy: guard };
  return isProtected(tag.tag.name) ? { action: "keep", decidedBy: "protect.tags" } : undefined;
}

/** What the rules say of a tag: keeping wins, and the first rule that applies is the reason. */
function createRuling(
  tags: readonly TagNode[],
  rules: readonly Rule[],
  moment: Moment,
): (tag: TagNode) => Decision {
  const tests = rules.map((rule) => ({ rule, applies: createTest(tags, rule, moment) }));
  const keeps = tests.filter(({ rule }) => "keep" in rule);
  const deletes = tests.filter(({ rule }) => "delete" in rule);
  return (tag) => {
    const keep = keeps.find(({ applies }) => applies(tag));
    if (keep !== undefined) return { action: "keep", decidedBy: `rule:${keep.rule.name}` };
    const remove = deletes.find(({ applies }) => applies(tag));
    if (remove !== undefined) return { action: "delete", decidedBy: `rule:${remove.rule.name}` };
    return { action: "keep", decidedBy: "default" };
  };
}

function createTest(tags: readonly TagNode[], rule: Rule, moment: Moment): (tag: TagNode) => boolean {
  const match: MatchTag = createMatch("keep" in rule ? rule.keep : rule.delete, moment);
  if (!("keep" in rule) || rule.keep.newest === undefined) return (tag) => match(tag) !== undefined;
  const kept = newestTags(tags, { ...rule.keep, newest: rule.keep.newest }, { match, moment });
  return (tag) => kept.has(tag);
}

/** Spares condemned images as a whole until `minKeep` images keep a tag: unknown times first, then the newest. */
function spare(decisions: Map<TagNode, Decision>, minKeep: number, { times, sources }: Moment): void {
  const kept = new Set<string>();
  const condemned = new Map<string, TagNode[]>();
  for (const [tag, { action }] of decisions) {
    if (!isNormal(tag)) continue;
    if (action === "keep") kept.add(tag.tag.digest);
    else condemned.set(tag.tag.digest, [...(condemned.get(tag.tag.digest) ?? []), tag]);
  }
  if (kept.size >= minKeep) return;
  const images = [...condemned]
    .filter(([digest]) => !kept.has(digest))
    .map(([, tags]) => ({ tags, time: newest(tags.map((tag) => times.ofTag(tag, sources))) ?? Infinity }))
    // Tags are in the order of their names, the greatest last.
    .sort((a, b) => compare(b.time, a.time) || compare(lastName(b.tags), lastName(a.tags)));
  for (const { tags } of images.slice(0, minKeep - kept.size)) {
    for (const tag of tags) decisions.set(tag, { action: "keep", decidedBy: "limits.minKeep" });
  }
}

function compare<Value extends number | string>(a: Value, b: Value): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function lastName(tags: readonly TagNode[]): string {
  return tags.at(-1)?.tag.name ?? "";
}

function anyGlob(globs: readonly string[]): (text: string) => boolean {
  const tests = globs.map(parseGlob);
  return (text) => tests.some((matches) => matches(text));
}
