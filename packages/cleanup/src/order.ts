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

/**
 * The order in which nothing that is left is ever broken: tags before what they point to, indexes before what
 * is in them, images before their signatures. `undefined` if manifests follow each other in a circle.
 */
export function orderOf(removal: Removal): readonly Step[] | undefined {
  const waiting = new Map<Node, number>();
  const all: readonly Node[] = [...removal.tags, ...removal.manifests];
  for (const node of all) {
    eachFollower(node, removal, (next) => waiting.set(next, (waiting.get(next) ?? 0) + 1));
  }
  const steps: Step[] = [];
  for (const node of all) if (!waiting.has(node)) steps.push({ node, wave: 0 });
  release(steps, 0, { waiting, removal });
  // Names can make a circle, as two tags that call each other's manifests their subjects: its first tag goes first.
  for (const tag of removal.tags) {
    if ((waiting.get(tag) ?? 0) === 0) continue;
    waiting.set(tag, 0);
    steps.push({ node: tag, wave: (steps.at(-1)?.wave ?? 0) + 1 });
    release(steps, steps.length - 1, { waiting, removal });
  }
  return steps.length === all.length ? steps : undefined;
}

/** Adds to `steps` what need not wait any longer once those from `start` on are done; the list grows wave by wave. */
function release(
  steps: Step[],
  start: number,
  { waiting, removal }: { readonly waiting: Map<Node, number>; readonly removal: Removal },
): void {
  for (let index = start; index < steps.length; index++) {
    const step = steps[index];
    if (step === undefined) return;
    eachFollower(step.node, removal, (next) => {
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) steps.push({ node: next, wave: step.wave + 1 });
    });
  }
}

/** Calls back with everything that may only go after `node`. */
function eachFollower(node: Node, { tags, manifests }: Removal, each: (follower: Node) => void): void {
  if ("target" in node) {
    if (node.target !== undefined && manifests.has(node.target)) each(node.target);
    return;
  }
  for (const child of node.children) if (manifests.has(child)) each(child);
  for (const referrer of node.referrers) if (manifests.has(referrer)) each(referrer);
  for (const tag of node.linked) if (tags.has(tag)) each(tag);
}
