import { mapConcurrent, type CallOptions, type Digest } from "@drayage/oci";
import { blobKey, blobsPrefix, parseDigestName } from "../storage/keys.ts";
import { inGroups, listKeys } from "../storage/list.ts";
import type { Place } from "../storage/place.ts";
import { numberOf, parseRecord } from "../storage/record.ts";
import { Uses } from "../storage/uses.ts";
import type { GarbageDocument } from "./garbage.ts";
import { contentOf, readManifests } from "./manifests.ts";

/** As many links are held against the manifests at once, which are read anew for the next ones. */
const shardSize = 100_000;
const concurrentLooks = 16;
/** How long a manifest that is being put may take to arrive behind what leads to it, in milliseconds. */
export const arrival = 3_600_000;

export interface LinkOptions extends CallOptions {
  /** The storage's time. */
  readonly time: number;
  readonly grace: number;
  /** Manifests that count as if they were not there. */
  readonly without: ReadonlySet<Digest>;
}

/** The blobs of a repository that no manifest of it needs, nor has needed for `grace`. */
export async function findUnneeded(place: Place, options: LinkOptions): Promise<readonly GarbageDocument[]> {
  const { signal } = options;
  const found: GarbageDocument[] = [];
  const keys = listKeys(place.driver.documents, blobsPrefix(place.name), { signal });
  for await (const shard of inGroups(keys, shardSize)) {
    const rest = await withoutNeeded(place, shard.map(parseDigestName), options);
    const looked = await mapConcurrent(rest, concurrentLooks, (digest) => look(place, digest, options), {
      signal,
    });
    found.push(...looked.filter((each) => each !== undefined));
  }
  return found;
}

async function withoutNeeded(
  place: Place,
  digests: readonly Digest[],
  { without, signal }: LinkOptions,
): Promise<readonly Digest[]> {
  const rest = new Set(digests);
  for await (const { digest, manifest } of readManifests(place, { signal })) {
    if (without.has(digest)) continue;
    for (const needed of contentOf(manifest)) rest.delete(needed);
  }
  return [...rest];
}

/** The link, unless it is young or waits for a manifest. */
async function look(
  place: Place,
  digest: Digest,
  { time, grace, without, signal }: LinkOptions,
): Promise<GarbageDocument | undefined> {
  const { driver, name } = place;
  const link = await driver.documents.get(blobKey(name, digest), { signal });
  if (link === undefined || time - link.modified < grace) return undefined;
  const isNeeded = await new Uses(place).isNeeded(digest, { since: time - arrival, without, signal });
  if (isNeeded) return undefined;
  const size = numberOf(parseRecord(link.bytes), "size");
  return { repository: name, digest, size, etag: link.etag };
}
