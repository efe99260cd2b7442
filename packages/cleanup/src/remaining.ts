import type { Digest, Tag } from "@drayage/oci";
import { graphOf, isOpaque, type Graph, type ManifestNode, type TagNode } from "./graph.ts";
import { guardsOf } from "./guard.ts";
import type { Inventory } from "./inventory/inventory.ts";
import { spread, type Causes } from "./live.ts";
import type { Block, CleanupPlan, Operation } from "./plan.ts";

/** Why something in a plan is left alone after all: it is not there, points elsewhere, or is needed. */
export type Held = "gone" | "moved" | "protected";

/** What of a plan may be done now. */
export interface Remaining {
  readonly operations: readonly Operation[];
  readonly held: readonly { readonly operation: Operation; readonly why: Held }[];
  /** Why nothing may be done at all: not everything is known that must stay. */
  readonly blockedBy?: Block | undefined;
}

/** The deletions of a plan, to be looked up. */
interface Planned {
  readonly tags: ReadonlyMap<Tag, Digest>;
  readonly manifests: ReadonlySet<Digest>;
  /** Every tag and digest that the plan knows. */
  readonly known: ReadonlySet<string>;
  /** Manifests of which the plan knew that nobody can say what they need. */
  readonly opaque: ReadonlySet<Digest>;
}

/**
 * What of `plan` may be done to a repository that looks like `inventory` by now.
 *
 * Nothing is ever added. What points elsewhere, and what anything outside the plan needs, is left alone.
 */
export function remainingOf(plan: CleanupPlan, inventory: Inventory): Remaining {
  if (!inventory.complete) return { operations: [], held: [], blockedBy: "incomplete-listing" };
  const graph = graphOf(inventory);
  const planned = plannedOf(plan);
  const live = spread(rootsOf(graph, inventory, planned));
  if (hasNewUnknown(graph, live, planned)) {
    return { operations: [], held: [], blockedBy: "unreadable-manifest" };
  }
  const tags = new Map(graph.tags.map((tag) => [tag.tag.name, tag]));
  const { lastTagTakesManifest = false } = inventory.capabilities;
  const isOnlyTag = (tag: TagNode): boolean => lastTagTakesManifest && goWithManifest(tag, { live, planned });
  const judged = plan.operations.map((operation) => ({
    operation,
    why:
      operation.tag === undefined
        ? holdManifest(operation, graph, live)
        : holdTag(operation, tags, { live, isOnlyTag }),
  }));
  return {
    operations: judged.filter(({ why }) => why === undefined).map(({ operation }) => operation),
    held: judged.flatMap(({ operation, why }) => (why === undefined ? [] : [{ operation, why }])),
  };
}

function plannedOf(plan: CleanupPlan): Planned {
  const tags = plan.tags.filter(({ action }) => action === "delete");
  const manifests = plan.manifests.filter(({ action }) => action === "delete");
  const opaque = plan.manifests.filter(({ opaque: yes }) => yes === true);
  return {
    tags: new Map(tags.map(({ name, digest }) => [name, digest])),
    manifests: new Set(manifests.map(({ digest }) => digest)),
    known: new Set([...plan.tags.map(({ name }) => name), ...plan.manifests.map(({ digest }) => digest)]),
    opaque: new Set(opaque.map(({ digest }) => digest)),
  };
}

/** What stays whatever the plan says: manifests it does not delete, and what tags point to now that it does not. */
function rootsOf(graph: Graph, inventory: Inventory, planned: Planned): Causes {
  const { guards } = guardsOf(graph, { protect: [], inUse: inventory.inUse });
  const roots: Causes = new Map(guards);
  for (const node of graph.manifests) {
    if (!planned.manifests.has(node.record.digest)) roots.set(node, { kind: "untagged" });
    else if (isNewlySigned(node, planned)) roots.set(node, { kind: "untagged" });
  }
  for (const { tag, target } of graph.tags) {
    if (target === undefined || planned.tags.get(tag.name) === tag.digest) continue;
    roots.set(target, { kind: "tag", tag: tag.name });
  }
  return roots;
}

/** Whether somebody has attached something since the plan was made. */
function isNewlySigned({ referrers, linked }: ManifestNode, { known }: Planned): boolean {
  return (
    referrers.some(({ record }) => !known.has(record.digest)) ||
    linked.some(({ tag }) => !known.has(tag.name))
  );
}

function hasNewUnknown(graph: Graph, live: Causes, { opaque }: Planned): boolean {
  const isNew = (node: ManifestNode): boolean => isOpaque(node) && !opaque.has(node.record.digest);
  return [...live.keys()].some(isNew) || graph.tags.some(({ target }) => target === undefined);
}

function holdManifest({ digest }: Operation, graph: Graph, live: Causes): Held | undefined {
  const node = graph.byDigest.get(digest);
  if (node === undefined) return "gone";
  return live.has(node) ? "protected" : undefined;
}

function holdTag(
  operation: Operation,
  tags: ReadonlyMap<Tag, TagNode>,
  { live, isOnlyTag }: { readonly live: Causes; readonly isOnlyTag: (tag: TagNode) => boolean },
): Held | undefined {
  const node = operation.tag === undefined ? undefined : tags.get(operation.tag);
  if (node === undefined) return "gone";
  if (node.tag.digest !== operation.digest) return "moved";
  if (node.tag.immutable === true || isOnlyTag(node)) return "protected";
  return node.subject !== undefined && live.has(node.subject) ? "protected" : undefined;
}

/** Whether a manifest that is to stay would lose all of its tags. */
function goWithManifest(
  { target }: TagNode,
  { live, planned }: { readonly live: Causes; readonly planned: Planned },
): boolean {
  if (target === undefined || !live.has(target)) return false;
  return target.tags.every(({ tag }) => planned.tags.get(tag.name) === tag.digest);
}
