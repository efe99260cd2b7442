import { mapConcurrent, type CallOptions, type Digest } from "@drayage/oci";
import { tagsPrefix } from "../storage/keys.ts";
import { listKeys } from "../storage/list.ts";
import type { Place } from "../storage/place.ts";
import { Tags } from "../storage/tags.ts";
import { Uses } from "../storage/uses.ts";
import type { GarbageDocument } from "./garbage.ts";
import { arrival } from "./links.ts";
import { contentOf, readManifests, type StoredNode } from "./manifests.ts";

const concurrentLooks = 16;

export interface UntaggedOptions extends CallOptions {
  /** The storage's time. */
  readonly time: number;
  /** What is younger stays. */
  readonly before: number;
  /** All else stays, and what it needs. */
  readonly among?: readonly GarbageDocument[] | undefined;
}

/**
 * The manifests that no tag leads to, and that are as old as they are since `before`.
 *
 * A tag leads to its manifest, a manifest to those that it needs, and to those that refer to it. One that comes
 * in the result comes before those that it needs.
 */
export async function findUntagged(
  place: Place,
  { time, before, among, signal }: UntaggedOptions,
): Promise<readonly StoredNode[]> {
  const nodes = new Map<Digest, StoredNode>();
  const referrers = new Map<Digest, Digest[]>();
  for await (const node of readManifests(place, { signal })) {
    nodes.set(node.digest, node);
    const { subject } = node.manifest;
    if (subject === undefined) continue;
    const known = referrers.get(subject.digest);
    if (known === undefined) referrers.set(subject.digest, [node.digest]);
    else known.push(node.digest);
  }
  const mayGo = among && new Map(among.map(({ digest, etag }) => [digest, etag]));
  const kept = [...nodes.values()]
    .filter(({ digest, etag, modified }) => modified > before || (mayGo && mayGo.get(digest) !== etag))
    .map(({ digest }) => digest);
  // Tags last: one that is moved meanwhile is at the new place, or has been at a manifest that is young.
  const roots = [...kept, ...(await taggedIn(place, { signal }))];
  const next = (digest: Digest): readonly Digest[] => {
    const node = nodes.get(digest);
    return [...(node === undefined ? [] : contentOf(node.manifest)), ...(referrers.get(digest) ?? [])];
  };
  const live = reachable(roots, next);
  const dead = new Set([...nodes.keys()].filter((digest) => !live.has(digest)));
  const awaited = reachable(await awaitedAmong(place, dead, { since: time - arrival, signal }), next);
  return parentsFirst([...nodes.values()].filter(({ digest }) => dead.has(digest) && !awaited.has(digest)));
}

/** Those that are needed by a manifest which is just being put. */
async function awaitedAmong(
  place: Place,
  dead: ReadonlySet<Digest>,
  { since, signal }: CallOptions & { readonly since: number },
): Promise<readonly Digest[]> {
  const uses = new Uses(place);
  const isNeeded = await mapConcurrent(
    dead,
    concurrentLooks,
    (digest) => uses.isNeeded(digest, { since, without: dead, signal }),
    { signal },
  );
  return [...dead].filter((_, index) => isNeeded[index] === true);
}

async function taggedIn(place: Place, { signal }: CallOptions): Promise<readonly Digest[]> {
  const tags = new Tags(place);
  const found: Digest[] = [];
  for await (const tag of listKeys(place.driver.documents, tagsPrefix(place.name), { signal })) {
    const state = await tags.find(tag, { signal });
    if (state !== undefined) found.push(state.digest);
  }
  return found;
}

/** What can be come to from `roots`, and they themselves. */
function reachable(
  roots: Iterable<Digest>,
  next: (digest: Digest) => readonly Digest[],
): ReadonlySet<Digest> {
  const seen = new Set(roots);
  const open = [...seen];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    for (const each of next(digest)) {
      if (seen.has(each)) continue;
      seen.add(each);
      open.push(each);
    }
  }
  return seen;
}

/** The same, ordered so that whoever stops half way has removed nothing that something left over needs. */
function parentsFirst(nodes: readonly StoredNode[]): readonly StoredNode[] {
  const byDigest = new Map(nodes.map((node) => [node.digest, node]));
  const parents = new Map(nodes.map(({ digest }) => [digest, 0]));
  const childrenOf = ({ manifest }: StoredNode): readonly StoredNode[] =>
    contentOf(manifest).flatMap((digest) => byDigest.get(digest) ?? []);
  for (const node of nodes) {
    for (const { digest } of childrenOf(node)) parents.set(digest, (parents.get(digest) ?? 0) + 1);
  }
  const ordered = nodes.filter(({ digest }) => parents.get(digest) === 0);
  for (const node of ordered) {
    for (const child of childrenOf(node)) {
      const left = (parents.get(child.digest) ?? 0) - 1;
      parents.set(child.digest, left);
      if (left === 0) ordered.push(child);
    }
  }
  return ordered;
}
