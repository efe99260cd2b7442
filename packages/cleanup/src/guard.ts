import type { Digest } from "@drayage/oci";
import type { Guarded } from "./decide.ts";
import type { Graph, ManifestNode } from "./graph.ts";
import type { Causes } from "./live.ts";

/** What must stay because it is protected by its digest, or in use, and every index around it. */
export function guardsOf(
  graph: Graph,
  digests: { readonly protect: readonly Digest[]; readonly inUse: readonly Digest[] },
): { readonly guarded: Guarded; readonly guards: Causes } {
  const guarded = new Map<ManifestNode, "protect.digests" | "inUse">();
  const guards: Causes = new Map();
  for (const kind of ["protect.digests", "inUse"] as const) {
    const named = kind === "inUse" ? digests.inUse : digests.protect;
    for (const digest of named.toSorted()) {
      const node = graph.byDigest.get(digest);
      if (node === undefined || guarded.get(node) === kind) continue;
      if (!guarded.has(node)) guards.set(node, { kind });
      climb(node, kind, { guarded, guards });
    }
  }
  return { guarded, guards };
}

/** Guards the indexes around `start`, at any distance. */
function climb(
  start: ManifestNode,
  kind: "protect.digests" | "inUse",
  { guarded, guards }: { readonly guarded: Map<ManifestNode, typeof kind>; readonly guards: Causes },
): void {
  if (!guarded.has(start)) guarded.set(start, kind);
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const parent of node.parents) {
      if (guarded.has(parent)) continue;
      guarded.set(parent, kind);
      guards.set(parent, { kind: "parent", of: node.record.digest });
      open.push(parent);
    }
  }
}
