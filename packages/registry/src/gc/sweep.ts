import type { Digest, StorageDriver } from "@drayage/oci";
import { BlobLinks } from "../storage/blobs.ts";
import { withdrawIfEmpty } from "../storage/catalog.ts";
import { forgetManifest } from "../storage/forget.ts";
import {
  blobKey,
  condemnedKey,
  condemnedPrefix,
  holdersPrefix,
  manifestKey,
  parseDigestName,
} from "../storage/keys.ts";
import { listKeys } from "../storage/list.ts";
import type { Place } from "../storage/place.ts";
import { encodeRecord } from "../storage/record.ts";
import { Uses } from "../storage/uses.ts";
import { condemnedSince, dropHolder, isLinked } from "./blobs.ts";
import { stillGarbage, sweepEach, type Collection } from "./collection.ts";
import type { GarbageBlob, GarbageDocument } from "./garbage.ts";
import { arrival, findUnneeded } from "./links.ts";
import { contentOf, type StoredNode } from "./manifests.ts";
import { findUntagged } from "./untagged.ts";

const concurrency = 8;

/** Removes the manifests of a repository that are planned and that still no tag leads to, one after the other. */
export async function sweepManifests(place: Place, collection: Collection): Promise<void> {
  const { plan, time, report, onRemoved, signal } = collection;
  const planned = plan.manifests.filter(({ repository }) => repository === place.name);
  if (planned.length === 0 || plan.untagged === undefined) return;
  const before = plan.planned - Math.max(plan.grace, plan.untagged);
  const found = await findUntagged(place, { time, before, among: planned, signal });
  report.spared += planned.length - found.length;
  /** What is needed by a manifest that has been touched at the last moment. */
  const needed = new Set<Digest>();
  const sweep = async ({ digest, etag, manifest }: StoredNode): Promise<void> => {
    const key = manifestKey(place.name, digest);
    const result = needed.has(digest)
      ? "changed"
      : await place.driver.documents.delete(key, { ifMatch: etag });
    if (result === "absent") return;
    if (result === "changed") {
      for (const each of contentOf(manifest)) needed.add(each);
      report.spared++;
      return;
    }
    await forgetManifest(place, manifest, digest);
    report.manifests++;
    onRemoved({ kind: "manifest", digest, repository: place.name });
  };
  await sweepEach(found, sweep, { ...collection, concurrency: 1 });
  await withdrawIfEmpty(place);
}

/** Removes the blobs of a repository that are planned and that still no manifest needs. */
export async function sweepLinks(place: Place, collection: Collection): Promise<void> {
  const { plan, time, report, signal } = collection;
  const planned = plan.links.filter(({ repository }) => repository === place.name);
  if (planned.length === 0) return;
  const found = await findUnneeded(place, { time, grace: plan.grace, without: new Set(), signal });
  const rest = stillGarbage(planned, found, report);
  await sweepEach(rest, (link) => sweepLink(place, link, collection), { ...collection, concurrency });
  await withdrawIfEmpty(place);
}

async function sweepLink(
  place: Place,
  { digest, size, etag }: GarbageDocument,
  { time, report, onRemoved }: Collection,
): Promise<void> {
  const { driver, name } = place;
  const result = await driver.documents.delete(blobKey(name, digest), { ifMatch: etag });
  if (result === "changed") report.spared++;
  if (result !== "deleted") return;
  const uses = new Uses(place);
  // Some stores look at the condition first and remove the document afterwards, whatever it is by then.
  if (await uses.isNeeded(digest, { since: time - arrival })) {
    await new BlobLinks(place, uses).link(digest, size);
    report.spared++;
    return;
  }
  await dropHolder(driver, digest, name);
  report.links++;
  onRemoved({ kind: "link", digest, repository: name });
}

/** Removes bytes that no repository has, and had not when they were condemned. */
export async function sweepBlobs(collection: Collection): Promise<void> {
  const { plan } = collection;
  await sweepEach(plan.blobs, (blob) => sweepBlob(blob, collection), { ...collection, concurrency });
}

async function sweepBlob({ digest, etag, size }: GarbageBlob, collection: Collection): Promise<void> {
  const { driver, report, onRemoved } = collection;
  if (await isLinked(driver, digest)) return void report.spared++;
  if ((await driver.blobs.stat(digest))?.etag !== etag) return void report.spared++;
  if (!(await isDue(digest, etag, collection))) return void report.condemned++;
  const result = await driver.blobs.remove(digest, { ifMatch: etag });
  if (result === "changed") report.spared++;
  if (result !== "deleted") return;
  report.blobs++;
  report.freed += size;
  onRemoved({ kind: "blob", digest });
  await dropTraces(driver, digest);
}

/** Whether the bytes have been condemned for long enough, as they are now; if not at all, they are from now on. */
async function isDue(digest: Digest, etag: string, { driver, plan, time }: Collection): Promise<boolean> {
  const since = await condemnedSince(driver, digest, { etag });
  if (since !== undefined) return time - since >= plan.grace;
  await driver.documents.put(condemnedKey(digest), encodeRecord({ etag }));
  return plan.grace === 0;
}

async function dropTraces(driver: StorageDriver, digest: Digest): Promise<void> {
  await driver.documents.delete(condemnedKey(digest));
  for await (const name of listKeys(driver.documents, holdersPrefix(digest))) {
    await dropHolder(driver, digest, name);
  }
}

/** Forgets what has been condemned and is no garbage now, so that it starts anew if it ever is again. */
export async function reprieve({ driver, plan, signal }: Collection): Promise<void> {
  const garbage = new Set(plan.blobs.map(({ digest }) => digest));
  for await (const name of listKeys(driver.documents, condemnedPrefix, { signal })) {
    const digest = parseDigestName(name);
    if (!garbage.has(digest)) await driver.documents.delete(condemnedKey(digest));
  }
}
