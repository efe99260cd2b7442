import type { ManifestNode, TagNode } from "./graph.ts";
import type { TimeSource } from "./policy.ts";

/** Before it there were no container images: 1970, 1980 and the year 1 stand for "not known". */
const earliest = Date.parse("2013-03-20T00:00:00Z");

/** When things happened, in milliseconds since 1970; `undefined` is not known, and is never old. */
export interface Times {
  ofTag(tag: TagNode, sources: readonly TimeSource[]): number | undefined;
  ofManifest(node: ManifestNode, sources: readonly TimeSource[]): number | undefined;
}

/** The times of one repository; what is worked out once is remembered. */
export function createTimes(): Times {
  const created = new Map<ManifestNode, number | undefined>();
  const ofManifest = (node: ManifestNode, sources: readonly TimeSource[]): number | undefined => {
    for (const source of sources) {
      const time = source === "pushed" ? usable(node.record.pushed) : undefined;
      const found = time ?? (source === "created" ? createdOf(node, created) : undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    ofManifest,
    ofTag({ tag, target }, sources) {
      for (const source of sources) {
        const time = source === "tagPushed" ? usable(tag.pushed) : target && ofManifest(target, [source]);
        if (time !== undefined) return time;
      }
      return undefined;
    },
  };
}

/** How long ago `time` was; what is still to come is of no age. */
export function ageOf(time: number, now: number): number {
  return Math.max(0, now - time);
}

/** When `node` was made; an index that does not say so is as new as the newest in it, at any depth. */
function createdOf(root: ManifestNode, known: Map<ManifestNode, number | undefined>): number | undefined {
  const open = [root];
  const begun = new Set<ManifestNode>();
  for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
    const own = usable(node.record.created);
    const unknown =
      own === undefined ? node.children.filter((child) => !known.has(child) && !begun.has(child)) : [];
    begun.add(node);
    if (unknown.length > 0) {
      open.push(...unknown);
      continue;
    }
    known.set(node, own ?? newest(node.children.map((child) => known.get(child))));
    open.pop();
  }
  return known.get(root);
}

/** The latest of `times`, those not known left out. */
export function newest(times: readonly (number | undefined)[]): number | undefined {
  let latest: number | undefined;
  for (const time of times)
    if (time !== undefined && !(latest !== undefined && latest >= time)) latest = time;
  return latest;
}

function usable(time: number | undefined): number | undefined {
  return isUsable(time) ? time : undefined;
}

/** Whether something happened then, and it is no placeholder of a build tool. */
export function isUsable(time: number | undefined): time is number {
  return time !== undefined && time >= earliest;
}
