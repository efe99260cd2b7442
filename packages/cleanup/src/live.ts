import type { Digest, Tag } from "@drayage/oci";
import type { ManifestNode } from "./graph.ts";

/** What makes a manifest stay, or go: its own reason, or the manifest it follows. */
export type Because =
  | { readonly kind: "tag"; readonly tag: Tag }
  | { readonly kind: "protect.digests" | "inUse" }
  /** It is an index, and this stays because it is protected or in use. */
  | { readonly kind: "parent"; readonly of: Digest }
  | { readonly kind: "child"; readonly of: Digest }
  | { readonly kind: "referrer"; readonly of: Digest }
  | { readonly kind: "linked"; readonly of: Digest; readonly tag: Tag }
  /** Nothing refers to it; it has no tag. */
  | { readonly kind: "untagged" }
  /** What it is a referrer of is not here. */
  | { readonly kind: "orphan" }
  /** Nothing but the tag of its own digest points to it. */
  | { readonly kind: "alias" }
  /** Manifests that only follow each other. */
  | { readonly kind: "circle" };

/** Why each manifest is what it is. */
export type Causes = Map<ManifestNode, Because>;

/** `causes` and all that follows from them: children, referrers and what tags link; what `bars` holds is left out. */
export function spread(causes: Causes, bars?: ReadonlyMap<ManifestNode, Because>): Causes {
  const reached: Causes = new Map(causes);
  const isOpen = (node: ManifestNode): boolean => !reached.has(node) && bars?.has(node) !== true;
  // A map hands out what is added to it while it is walked: nearest first.
  for (const node of reached.keys()) {
    const of = node.record.digest;
    for (const child of node.children) if (isOpen(child)) reached.set(child, { kind: "child", of });
    for (const referrer of node.referrers) {
      if (isOpen(referrer)) reached.set(referrer, { kind: "referrer", of });
    }
    for (const { target, tag } of node.linked) {
      if (target !== undefined && isOpen(target)) reached.set(target, { kind: "linked", of, tag: tag.name });
    }
  }
  return reached;
}
