import type { ManifestNode, TagNode } from "./graph.ts";

/** What is to be removed. */
export interface Removal {
  readonly tags: ReadonlySet<TagNode>;
  readonly manifests: ReadonlySet<ManifestNode>;
}

/** A tag or manifest to remove and its wave: all of a wave may go at once, after all waves before it. */
export interface Step {
  readonly node: TagNode | ManifestNode;
  readonly wave: number;
}

type Node = TagNode | ManifestNode;
/** Calls back with everything that may only go after a node. */
type Followers = (node: Node, each: (follower: Node) => void) => void;

/**
 * The order in which nothing that is left is ever broken: tags before what they point to, indexes before what
 * is in them, images before their signatures. `undefined` if they follow each other in a circle.
 */
export function orderOf(removal: Removal): readonly Step[] | undefined {
  return waves(removal, followersOf(removal, true)) ?? waves(removal, followersOf(removal, false));
}

/** What may only go after a node; `linked` tags may have to be left out, since anyone can make a circle of them. */
function followersOf({ tags, manifests }: Removal, linked: boolean): Followers {
  return (node, each) => {
    if ("target" in node) {
      if (node.target !== undefined && manifests.has(node.target)) each(node.target);
      return;
    }
    for (const child of node.children) if (manifests.has(child)) each(child);
    for (const referrer of node.referrers) if (manifests.has(referrer)) each(referrer);
    if (linked) for (const tag of node.linked) if (tags.has(tag)) each(tag);
  };
}

function waves({ tags, manifests }: Removal, forFollowers: Followers): readonly Step[] | undefined {
  const all: readonly Node[] = [...tags, ...manifests];
  const waiting = new Map<Node, number>();
  for (const node of all) forFollowers(node, (next) => waiting.set(next, (waiting.get(next) ?? 0) + 1));
  const steps: Step[] = all.filter((node) => !waiting.has(node)).map((node) => ({ node, wave: 0 }));
  // The list grows while it is walked, wave by wave.
  for (const { node, wave } of steps) {
    forFollowers(node, (next) => {
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) steps.push({ node: next, wave: wave + 1 });
    });
  }
  return steps.length === all.length ? steps : undefined;
}
