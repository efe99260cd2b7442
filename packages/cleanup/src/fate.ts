import type { Decision } from "./decide.ts";
import { isNormal, isOpaque, type Graph, type ManifestNode, type TagNode } from "./graph.ts";
import { spread, type Because, type Causes } from "./live.ts";
import type { Moment } from "./match.ts";
import type { CleanupPolicy, LeftoverRule } from "./policy.ts";
import { ageOf } from "./times.ts";

/** Which manifests stay and which go, each with its cause. */
export interface Fate {
  readonly live: Causes;
  readonly dead: Causes;
}

/**
 * Parts the manifests into those that stay and those that go.
 *
 * What stays is everything that follows from a root. What goes must in addition follow from something condemned:
 * manifests that merely refer to each other in a circle stay.
 */
export function fateOf(
  graph: Graph,
  policy: CleanupPolicy,
  options: {
    readonly decisions: ReadonlyMap<TagNode, Decision>;
    readonly guards: Causes;
    readonly moment: Moment;
  },
): Fate {
  const { decisions, guards, moment } = options;
  const roots: Causes = new Map(guards);
  const condemned: Causes = new Map();
  const untagged: ManifestNode[] = [];
  const orphaned: ManifestNode[] = [];
  for (const node of graph.manifests) {
    const kept = node.tags.find((tag) => decisions.get(tag)?.action === "keep");
    if (kept !== undefined && !roots.has(node)) roots.set(node, { kind: "tag", tag: kept.tag.name });
    const doomed = node.tags.find((tag) => decisions.get(tag)?.action === "delete");
    if (doomed !== undefined) condemned.set(node, { kind: "tag", tag: doomed.tag.name });
    if (!standsAlone(node) || roots.has(node)) continue;
    if (node.tags.some(({ isAlias }) => isAlias)) roots.set(node, { kind: "alias" });
    else (isOrphan(node) ? orphaned : untagged).push(node);
  }
  place(
    orphaned,
    selectLeftovers(orphaned, policy.orphanedReferrers, moment),
    { kind: "orphan" },
    { roots, condemned },
  );
  place(
    untagged,
    selectLeftovers(untagged, policy.untagged, moment),
    { kind: "untagged" },
    { roots, condemned },
  );
  keepLinked(graph, roots, (nodes) => selectLeftovers(nodes, policy.orphanedReferrers, moment));
  return part(graph, roots, condemned);
}

/** Nothing that is here refers to it, and no rule is about its tags. */
function standsAlone(node: ManifestNode): boolean {
  if (node.parents.length > 0 || node.subject !== undefined) return false;
  return node.tags.every((tag) => tag.isAlias || (!isNormal(tag) && tag.subject === undefined));
}

function isOrphan({ record, tags }: ManifestNode): boolean {
  return record.subject !== undefined || tags.length > 0;
}

/** Which of `nodes` the rule takes: what cannot be read, or is of unknown age, is never among them. */
function selectLeftovers(
  nodes: readonly ManifestNode[],
  rule: LeftoverRule | undefined,
  { now, times }: Moment,
): ReadonlySet<ManifestNode> {
  if (rule === undefined) return new Set();
  const timed = nodes.flatMap((node) => {
    const time = isOpaque(node) ? undefined : times.ofManifest(node, rule.time);
    return time === undefined ? [] : [{ node, time }];
  });
  timed.sort((a, b) => b.time - a.time || (a.node.record.digest < b.node.record.digest ? 1 : -1));
  const { olderThan } = rule;
  return new Set(
    timed
      .slice(rule.newest ?? 0)
      .filter(({ time }) => olderThan === undefined || ageOf(time, now) > olderThan)
      .map(({ node }) => node),
  );
}

function place(
  nodes: readonly ManifestNode[],
  selected: ReadonlySet<ManifestNode>,
  because: Because,
  { roots, condemned }: { readonly roots: Causes; readonly condemned: Causes },
): void {
  for (const node of nodes) (selected.has(node) ? condemned : roots).set(node, because);
}

/**
 * Signatures of what is elsewhere stay, unless they are old enough to go as orphans; those follow what else
 * refers to them, so that doing the plan leaves no new orphans behind.
 */
function keepLinked(
  graph: Graph,
  roots: Causes,
  select: (nodes: readonly ManifestNode[]) => ReadonlySet<ManifestNode>,
): void {
  const absent = graph.tags.filter(
    ({ linkedTo, subject }) => linkedTo !== undefined && subject === undefined,
  );
  const old = select(absent.flatMap(({ target }) => target ?? []));
  for (const { target, tag } of absent) {
    if (target === undefined || roots.has(target)) continue;
    const isAliased = target.tags.some(({ isAlias }) => isAlias);
    if (isAliased || !old.has(target)) roots.set(target, { kind: "tag", tag: tag.name });
  }
}

function part(graph: Graph, roots: Causes, condemned: Causes): Fate {
  const live = spread(roots);
  const doomed: Causes = new Map();
  for (const [node, because] of condemned) if (!live.has(node)) doomed.set(node, because);
  const dead = spread(doomed, live);
  if (live.size + dead.size === graph.manifests.length) return { live, dead };
  return keepCircles(graph, live, dead);
}

/** Manifests that only refer to each other stay, and all that follows from them. */
function keepCircles(graph: Graph, live: Causes, dead: Causes): Fate {
  const kept: Causes = new Map(live);
  for (const node of graph.manifests) {
    if (!live.has(node) && !dead.has(node)) kept.set(node, { kind: "circle" });
  }
  const all = spread(kept);
  return { live: all, dead: new Map([...dead].filter(([node]) => !all.has(node))) };
}
