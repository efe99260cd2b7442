import type { Digest, Tag } from "@drayage/oci";
import { basisOf } from "./basis.ts";
import { decideTags, type DecidedBy, type Decision } from "./decide.ts";
import { fateOf, type Fate } from "./fate.ts";
import { graphOf, isNormal, isOpaque, type Graph, type TagNode } from "./graph.ts";
import { guardsOf } from "./guard.ts";
import type { Inventory } from "./inventory/inventory.ts";
import type { Because, Causes } from "./live.ts";
import type { Moment } from "./match.ts";
import { orderOf, type Step } from "./order.ts";
import type { CleanupPolicy, Limits, ManifestKind } from "./policy.ts";
import { createTimes } from "./times.ts";

/** Why a plan must not be applied. */
export type Block =
  | "incomplete-listing"
  | "unreadable-manifest"
  | "circle"
  | "max-deleted-tags"
  | "max-deleted-manifests"
  | "max-delete-ratio";

/** What becomes of a tag. */
export interface PlannedTag extends Decision {
  readonly name: Tag;
  readonly digest: Digest;
  /** The time that its age is counted from, in milliseconds since 1970. */
  readonly time?: number | undefined;
}

/** What becomes of a manifest. */
export interface PlannedManifest {
  readonly digest: Digest;
  readonly kind: ManifestKind;
  readonly action: "keep" | "delete";
  /** What it follows; absent where the plan is blocked before that is known. */
  readonly because?: Because | undefined;
  /** What it needs is not known. */
  readonly opaque?: true | undefined;
  /** What it is a referrer of. */
  readonly subject?: Digest | undefined;
  readonly platforms?: readonly string[] | undefined;
  readonly size?: number | undefined;
}

/** One thing to remove; all of a wave may go at once, after all waves before it. */
export interface Operation {
  readonly wave: number;
  /** The tag to remove; without one, the manifest itself goes. */
  readonly tag?: Tag | undefined;
  readonly digest: Digest;
}

/** Something in the repository that is not as it should be. */
export interface PlanWarning {
  readonly code: "missing-child" | "referrer-outlives-subject" | "leaves-nothing";
  readonly digest?: Digest | undefined;
}

/** What a cleanup would do, as data. */
export interface CleanupPlan {
  readonly version: 1;
  readonly repository: string;
  /** The moment that ages are counted at, in milliseconds since 1970. */
  readonly now: number;
  /** Over the inventory, the policy and the moment. */
  readonly basis: Digest;
  readonly status: "ok" | "blocked";
  readonly blockedBy: readonly Block[];
  readonly tags: readonly PlannedTag[];
  readonly manifests: readonly PlannedManifest[];
  readonly operations: readonly Operation[];
  readonly warnings: readonly PlanWarning[];
}

/** A plan in the making. */
interface Draft {
  readonly inventory: Inventory;
  readonly policy: CleanupPolicy;
  readonly graph: Graph;
  readonly moment: Moment;
}

/**
 * The plan that brings the repository to what the policy wants; nothing is asked for and nothing is changed.
 *
 * Everything that a kept tag needs stays: what is in its index, at any depth, and all signatures of it. A plan
 * that rests on half of the truth is blocked and empty.
 *
 * @param options.now milliseconds since 1970 at which ages are counted
 * @throws OciError OPTION_INVALID if the inventory has anything twice
 * @example
 * const plan = planCleanup(inventory, parsePolicy(text), { now: Date.now() });
 */
export function planCleanup(
  inventory: Inventory,
  policy: CleanupPolicy,
  { now }: { readonly now: number },
): CleanupPlan {
  const graph = graphOf(inventory);
  const moment: Moment = { now, times: createTimes(), sources: policy.time };
  const draft: Draft = { inventory, policy, graph, moment };
  if (!inventory.complete) return blocked(draft, "incomplete-listing");
  const { decisions, fate } = judge(draft);
  decideLinked(graph, fate, decisions);
  const { untag, lastTagTakesManifest = false } = inventory.capabilities;
  if (!untag) keepUntaggable(fate, decisions);
  else if (lastTagTakesManifest) keepLastTags(graph, fate, decisions);
  const deletedTags = new Set(graph.tags.filter((tag) => decisions.get(tag)?.action === "delete"));
  const removes = deletedTags.size > 0 || fate.dead.size > 0;
  if (removes && policy.onUnreadable === "block" && hasUnknown(graph, fate.live, deletedTags)) {
    return blocked(draft, "unreadable-manifest");
  }
  const manifests = new Set(graph.manifests.filter((node) => fate.dead.has(node)));
  const steps = orderOf({ tags: deletedTags, manifests });
  if (steps === undefined) return blocked(draft, "circle");
  return finish(draft, { decisions, fate, steps });
}

/** The manifests that would go, as far as that can be told before anything is blocked. */
export function condemnedBy(
  inventory: Inventory,
  policy: CleanupPolicy,
  { now }: { readonly now: number },
): ReadonlySet<Digest> {
  const graph = graphOf(inventory);
  const { fate } = judge({
    inventory,
    policy,
    graph,
    moment: { now, times: createTimes(), sources: policy.time },
  });
  return new Set([...fate.dead.keys()].map(({ record }) => record.digest));
}

interface Judgement {
  readonly decisions: Map<TagNode, Decision>;
  readonly fate: Fate;
}

/** What the policy decides over every tag and manifest; of linked tags, that follows from it. */
function judge({ inventory, policy, graph, moment }: Draft): Judgement {
  const guards = guardsOf(graph, { protect: policy.protect.digests, inUse: inventory.inUse });
  const decisions = decideTags(graph, policy, { guarded: guards.guarded, moment });
  const fate = fateOf(graph, policy, { decisions, guards: guards.guards, moment });
  return { decisions, fate };
}

/** Linked tags follow their subject; those of an absent one stay with what they point to. */
function decideLinked(graph: Graph, { live, dead }: Fate, decisions: Map<TagNode, Decision>): void {
  for (const tag of graph.tags) {
    if (tag.linkedTo === undefined || decisions.has(tag)) continue;
    if (tag.subject !== undefined) {
      const action = live.has(tag.subject) ? "keep" : "delete";
      decisions.set(tag, { action, decidedBy: `linked:${tag.linkedTo}` });
    } else if (tag.target !== undefined && dead.has(tag.target)) {
      decisions.set(tag, { action: "delete", decidedBy: "orphanedReferrers" });
    } else {
      decisions.set(tag, { action: "keep", decidedBy: "linked:absent-subject" });
    }
  }
}

/** Where tags go with their manifest only, those of a manifest that stays stay too. */
function keepUntaggable({ dead }: Fate, decisions: Map<TagNode, Decision>): void {
  for (const [tag, { action }] of decisions) {
    const goes = tag.target !== undefined && dead.has(tag.target);
    if (action === "delete" && !goes) decisions.set(tag, { action: "keep", decidedBy: "capability:untag" });
  }
}

/** Where a manifest goes with its last tag, those of a manifest that stays do not go unless another one is kept. */
function keepLastTags(graph: Graph, { dead }: Fate, decisions: Map<TagNode, Decision>): void {
  for (const node of graph.manifests) {
    const isKept = (tag: TagNode): boolean => isNormal(tag) && decisions.get(tag)?.action === "keep";
    if (dead.has(node) || node.tags.some(isKept)) continue;
    for (const tag of node.tags) {
      const goes = decisions.get(tag)?.action === "delete";
      if (goes) decisions.set(tag, { action: "keep", decidedBy: "capability:untag" });
    }
  }
}

/** Whether anything stays of which nobody can say what it needs. */
function hasUnknown(graph: Graph, live: Causes, deleted: ReadonlySet<TagNode>): boolean {
  return (
    [...live.keys()].some(isOpaque) || graph.tags.some((tag) => tag.target === undefined && !deleted.has(tag))
  );
}

interface Outcome {
  readonly decisions: ReadonlyMap<TagNode, Decision>;
  readonly fate: Fate;
  readonly steps: readonly Step[];
}

function finish(draft: Draft, { decisions, fate, steps }: Outcome): CleanupPlan {
  const { graph, policy, inventory } = draft;
  const normal = graph.tags.filter(isNormal);
  const deleted = normal.filter((tag) => decisions.get(tag)?.action === "delete").length;
  const counts = { deleted, normal: normal.length, manifests: fate.dead.size };
  const blockedBy = blocksOf(policy.limits, counts);
  const { untag, lastTagTakesManifest = false } = inventory.capabilities;
  // By its digest, a manifest goes together with its tags, and in its turn.
  const isAlone = ({ target }: TagNode): boolean =>
    untag && !(lastTagTakesManifest && target !== undefined && fate.dead.has(target));
  return {
    ...headOf(draft, blockedBy),
    tags: graph.tags.map((tag) => plannedTag(tag, draft.moment, decisions.get(tag))),
    manifests: plannedManifests(graph, fate),
    operations: steps.flatMap((step) => operationOf(step, isAlone)),
    warnings: [
      ...warningsOf(graph, fate.live),
      ...(deleted > 0 && deleted === normal.length ? [{ code: "leaves-nothing" } as const] : []),
    ],
  };
}

function blocked(draft: Draft, block: Block): CleanupPlan {
  const decision = { action: "keep", decidedBy: "blocked" } as const;
  return {
    ...headOf(draft, [block]),
    tags: draft.graph.tags.map((tag) => plannedTag(tag, draft.moment, decision)),
    manifests: plannedManifests(draft.graph, undefined),
    operations: [],
    warnings: [],
  };
}

type Head = Pick<CleanupPlan, "version" | "repository" | "now" | "basis" | "status" | "blockedBy">;

function headOf({ inventory, policy, graph, moment: { now } }: Draft, blockedBy: readonly Block[]): Head {
  return {
    version: 1,
    repository: inventory.repository,
    now,
    basis: basisOf(inventory, policy, { graph, now }),
    status: blockedBy.length === 0 ? "ok" : "blocked",
    blockedBy,
  };
}

function blocksOf(
  limits: Limits,
  counts: { readonly deleted: number; readonly normal: number; readonly manifests: number },
): readonly Block[] {
  const blocks: Block[] = [];
  if (counts.deleted > (limits.maxDeletedTags ?? Infinity)) blocks.push("max-deleted-tags");
  if (counts.manifests > (limits.maxDeletedManifests ?? Infinity)) blocks.push("max-deleted-manifests");
  if (counts.deleted > (limits.maxDeleteRatio ?? 1) * counts.normal) blocks.push("max-delete-ratio");
  return blocks;
}

function plannedTag(tag: TagNode, { times, sources }: Moment, decision: Decision | undefined): PlannedTag {
  const decidedBy: DecidedBy = decision?.decidedBy ?? "default";
  const { name, digest } = tag.tag;
  return { name, digest, action: decision?.action ?? "keep", decidedBy, time: times.ofTag(tag, sources) };
}

function plannedManifests(graph: Graph, fate: Fate | undefined): readonly PlannedManifest[] {
  return graph.manifests.map((node) => {
    const { digest, kind, subject, platforms, size } = node.record;
    const dead = fate?.dead.get(node);
    const action = dead === undefined ? "keep" : "delete";
    const opaque = isOpaque(node) ? true : undefined;
    return { digest, kind, action, because: dead ?? fate?.live.get(node), opaque, subject, platforms, size };
  });
}

function operationOf({ node, wave }: Step, isAlone: (tag: TagNode) => boolean): readonly Operation[] {
  if (!("target" in node)) return [{ wave, digest: node.record.digest }];
  return isAlone(node) ? [{ wave, tag: node.tag.name, digest: node.tag.digest }] : [];
}

function warningsOf(graph: Graph, live: Causes): readonly PlanWarning[] {
  return graph.manifests.flatMap((node) => {
    if (!live.has(node)) return [];
    const { digest, children = [] } = node.record;
    const warnings: PlanWarning[] = [];
    if (new Set(children).size > node.children.length) warnings.push({ code: "missing-child", digest });
    const isOutliving = node.subject !== undefined && !live.has(node.subject);
    if (isOutliving) warnings.push({ code: "referrer-outlives-subject", digest });
    return warnings;
  });
}
