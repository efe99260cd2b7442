import { childrenOf, type Digest } from "@drayage/oci";
import type { Node, PlannedManifest } from "./walk.ts";

/**
 * `nodes` in stages, each of which needs only those before it.
 *
 * What `last` names comes alone and at the end, so that its tags appear when everything else is there, unless a
 * manifest that refers to it also contains it.
 */
export function stagesOf(
  nodes: readonly Node[],
  { last }: { readonly last?: Digest | undefined },
): readonly (readonly PlannedManifest[])[] {
  const stages = new Map<number, PlannedManifest[]>();
  for (const [{ manifest: _manifest, isPresent: _isPresent, ...planned }, height] of heightsOf(nodes, last)) {
    const stage = stages.get(height);
    if (stage === undefined) stages.set(height, [planned]);
    else stage.push(planned);
  }
  return [...stages].sort(([a], [b]) => a - b).map(([, stage]) => stage);
}

/** How far each node is from the deepest manifest below it. */
function heightsOf(nodes: readonly Node[], last: Digest | undefined): ReadonlyMap<Node, number> {
  const byDigest = new Map(nodes.map((node) => [node.descriptor.digest, node]));
  const parents = new Map<Node, Node[]>();
  const waitsFor = new Map<Node, number>();
  for (const node of nodes) {
    const children = childrenOf(node.manifest).manifests.flatMap(({ digest }) => byDigest.get(digest) ?? []);
    waitsFor.set(node, children.length);
    for (const child of children) parents.set(child, [...(parents.get(child) ?? []), node]);
  }
  const heights = new Map<Node, number>();
  const ready = nodes.filter((node) => waitsFor.get(node) === 0);
  for (const node of ready) heights.set(node, 0);
  for (const node of ready) {
    for (const parent of parents.get(node) ?? []) {
      heights.set(parent, Math.max(heights.get(parent) ?? 0, (heights.get(node) ?? 0) + 1));
      const remaining = (waitsFor.get(parent) ?? 0) - 1;
      waitsFor.set(parent, remaining);
      if (remaining === 0) ready.push(parent);
    }
  }
  const root = last === undefined ? undefined : byDigest.get(last);
  if (root === undefined || parents.has(root)) return heights;
  heights.delete(root);
  const highest = [...heights.values()].reduce((most, height) => Math.max(most, height), -1);
  return heights.set(root, highest + 1);
}
