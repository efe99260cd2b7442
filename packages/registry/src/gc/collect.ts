import type { CallOptions, StorageDriver } from "@drayage/oci";
import type { Collection } from "./collection.ts";
import type { GarbagePlan, GarbageReport, RemovedGarbage } from "./garbage.ts";
import { giveNotice, storageTime } from "./notice.ts";
import { reprieve, sweepBlobs, sweepLinks, sweepManifests } from "./sweep.ts";

export interface CollectGarbageOptions extends CallOptions {
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Is told of everything that is removed, once it is. */
  readonly onRemoved?: ((removed: RemovedGarbage) => void) | undefined;
}

/**
 * Removes what is planned, unless somebody needs it by now.
 *
 * Pushes go on meanwhile: what they have been told is here stays, or their manifest is refused for what it lacks.
 * Bytes go in two steps, by a collection that condemns them and by another one after the time of grace. It can be
 * stopped or killed at any moment; the next plan finds what is left.
 *
 * @throws OciError UNAVAILABLE, STORAGE_INVALID
 */
export async function collectGarbage(
  driver: StorageDriver,
  plan: GarbagePlan,
  { now = Date.now, onRemoved = () => undefined, signal }: CollectGarbageOptions = {},
): Promise<GarbageReport> {
  const report = { manifests: 0, links: 0, blobs: 0, freed: 0, condemned: 0, spared: 0 };
  const notice = await giveNotice(driver.documents, { now, signal });
  try {
    const time = await storageTime(driver.documents, { signal });
    await sweep({ driver, plan, notice, time, now, report, onRemoved, signal });
  } catch (error) {
    await notice.withdraw().catch(() => undefined); // the error tells more; the notice gets stale
    throw error;
  }
  await notice.withdraw();
  return report;
}

async function sweep(collection: Collection): Promise<void> {
  const { driver, plan, now } = collection;
  for (const name of repositoriesOf(plan)) {
    const place = { driver, name, now };
    await sweepManifests(place, collection);
    await sweepLinks(place, collection);
  }
  await sweepBlobs(collection);
  await reprieve(collection);
}

function repositoriesOf({ manifests, links }: GarbagePlan): ReadonlySet<string> {
  return new Set([...manifests, ...links].map(({ repository }) => repository));
}
