import { parseTagSelector } from "@drayage/select";
import type { CleanupPlan, PlannedTag } from "../plan.ts";
import type { CleanupPolicy, KeepSelector, Rule, TimeSource } from "../policy.ts";
import { isUsable } from "../times.ts";
import { subjectOfTag, type InventoryTag } from "./inventory.ts";
import type { Item, Stock } from "./stock.ts";

type AcceptTag = (tag: InventoryTag, item: Item) => boolean;

/** The manifests whose content a policy asks about: what they are, or how they are annotated. */
export function contentNeeds(stock: Stock, policy: CleanupPolicy): ReadonlySet<Item> {
  const rules = policy.rules.filter((rule) => {
    const { kinds, annotations } = selectorOf(rule);
    return kinds !== undefined || annotations !== undefined;
  });
  return taggedItems(stock, matchesAny(rules));
}

/** The manifests whose age a policy asks about where only their content tells it. */
export function createdNeeds(stock: Stock, policy: CleanupPolicy): ReadonlySet<Item> {
  const isAsked = matchesAny(policy.rules.filter(asksTime));
  const needs = new Set(
    taggedItems(stock, (tag, item) => isUndated(policy.time, item, tag) && isAsked(tag, item)),
  );
  for (const rule of [policy.untagged, policy.orphanedReferrers]) {
    if (rule === undefined) continue;
    for (const item of leftovers(stock)) if (isUndated(rule.time, item)) needs.add(item);
  }
  return needs;
}

/** Whether so many images have a tag that no rule deletes, going by their names, that none need be spared. */
export function keepsEnough(stock: Stock, { rules, limits }: CleanupPolicy): boolean {
  const isAsked = matchesAny(rules.filter((rule) => "delete" in rule));
  const staying = taggedItems(
    stock,
    (tag, item) => subjectOfTag(tag.name) === undefined && !isAsked(tag, item),
  );
  return staying.size >= limits.minKeep;
}

/** The images that the newest of are spared from going, if the plan had to choose among them. */
export function spareNeeds(stock: Stock, policy: CleanupPolicy, plan: CleanupPlan): ReadonlySet<Item> {
  const isSpared = ({ decidedBy }: PlannedTag): boolean => decidedBy === "limits.minKeep";
  if (!plan.tags.some(isSpared)) return new Set();
  const condemned = plan.tags.filter((tag) => tag.action === "delete" || isSpared(tag));
  const names = new Set(condemned.map(({ name }) => name));
  return taggedItems(stock, (tag, item) => names.has(tag.name) && isUndated(policy.time, item, tag));
}

/** Manifests that no tag, index or list of referrers led to. */
export function leftovers(stock: Stock): readonly Item[] {
  return [...stock.items.values()].filter(({ isTied }) => !isTied);
}

function selectorOf(rule: Rule): KeepSelector {
  return "keep" in rule ? rule.keep : rule.delete;
}

function asksTime(rule: Rule): boolean {
  const { olderThan, newerThan, notPulledFor, newest, order } = selectorOf(rule);
  const asksAge = [olderThan, newerThan, notPulledFor].some((duration) => duration !== undefined);
  return asksAge || (newest !== undefined && order !== "semver");
}

/** Whether one of `rules` may be about a tag, going by its name. */
function matchesAny(rules: readonly Rule[]): AcceptTag {
  const selects = rules.map((rule) => parseTagSelector(selectorOf(rule)));
  return ({ name }) =>
    subjectOfTag(name) === undefined && selects.some((select) => select(name) !== undefined);
}

function taggedItems(stock: Stock, accepts: AcceptTag): ReadonlySet<Item> {
  const found = new Set<Item>();
  for (const tag of stock.tags.values()) {
    const item = stock.items.get(tag.digest);
    if (item !== undefined && !found.has(item) && accepts(tag, item)) found.add(item);
  }
  return found;
}

/** Whether no source of its time that comes before `created` knows it. */
function isUndated(sources: readonly TimeSource[], { pushed }: Item, tag?: InventoryTag): boolean {
  if (!sources.includes("created")) return false;
  const before = sources.slice(0, sources.indexOf("created"));
  const isKnown = (source: TimeSource): boolean => isUsable(source === "pushed" ? pushed : tag?.pushed);
  return !before.some(isKnown);
}
