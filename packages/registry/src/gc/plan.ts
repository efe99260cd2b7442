import { OciError, type CallOptions, type StorageDriver } from "@drayage/oci";
import { listStoredRepositories } from "../storage/catalog.ts";
import { findUnlinked } from "./blobs.ts";
import type { GarbageDocument, GarbagePlan } from "./garbage.ts";
import { findUnneeded } from "./links.ts";
import { storageTime } from "./notice.ts";
import { findUntagged } from "./untagged.ts";

export interface PlanGarbageOptions extends CallOptions {
  /** How long nobody must have needed a blob, in milliseconds; a day by default, more than any push takes. */
  readonly grace?: number | undefined;
  /** How old a manifest must be that no tag leads to, in milliseconds; without it all manifests stay. */
  readonly untagged?: number | undefined;
}

const day = 86_400_000;

/**
 * What of a storage nobody needs, while it goes on to be pulled from and pushed to.
 *
 * Nothing is changed but one small document, which tells the storage's own time.
 *
 * @throws OciError OPTION_INVALID, STORAGE_INVALID if a manifest cannot be read, so that nobody knows what it needs
 * @example
 * const plan = await planGarbage(driver);
 * const report = await collectGarbage(driver, plan);
 */
export async function planGarbage(
  driver: StorageDriver,
  { grace = day, untagged, signal }: PlanGarbageOptions = {},
): Promise<GarbagePlan> {
  for (const time of [grace, untagged ?? 0]) {
    if (!(time >= 0)) throw new OciError("OPTION_INVALID", "times are at least 0 milliseconds");
  }
  const time = await storageTime(driver.documents, { signal });
  const manifests: GarbageDocument[] = [];
  const links: GarbageDocument[] = [];
  for await (const name of listStoredRepositories(driver.documents, { signal })) {
    const place = { driver, name, now: () => time };
    const before = time - Math.max(grace, untagged ?? 0);
    const nodes = untagged === undefined ? [] : await findUntagged(place, { time, before, signal });
    manifests.push(...nodes.map(({ digest, size, etag }) => ({ repository: name, digest, size, etag })));
    const without = new Set(nodes.map(({ digest }) => digest));
    links.push(...(await findUnneeded(place, { time, grace, without, signal })));
  }
  const blobs = await findUnlinked(driver, { time, grace, without: links, signal });
  return { planned: time, grace, untagged, manifests, links, blobs };
}
