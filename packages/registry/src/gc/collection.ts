import { mapConcurrent, type Digest, type StorageDriver } from "@drayage/oci";
import type { GarbagePlan, GarbageReport, RemovedGarbage } from "./garbage.ts";
import type { Notice } from "./notice.ts";

const groupSize = 64;

/** A collection under way. */
export interface Collection {
  readonly driver: StorageDriver;
  readonly plan: GarbagePlan;
  readonly notice: Notice;
  /** The storage's time. */
  readonly time: number;
  readonly now: () => number;
  readonly report: Counts;
  readonly onRemoved: (removed: RemovedGarbage) => void;
  readonly signal: AbortSignal | undefined;
}

type Counts = { -readonly [Name in keyof GarbageReport]: GarbageReport[Name] };

/** Runs `sweep` for every item, while all others know that garbage is collected. */
export async function sweepEach<Item>(
  items: readonly Item[],
  sweep: (item: Item) => Promise<void>,
  { notice, signal, concurrency }: Pick<Collection, "notice" | "signal"> & { readonly concurrency: number },
): Promise<void> {
  for (let start = 0; start < items.length; start += groupSize) {
    await notice.renew();
    await mapConcurrent(items.slice(start, start + groupSize), concurrency, sweep, { signal });
  }
}

/** What has been planned, is still garbage and has not been touched since; all else is spared. */
export function stillGarbage<Item extends Stored>(
  planned: readonly Stored[],
  found: readonly Item[],
  report: Counts,
): readonly Item[] {
  const etags = new Map(planned.map(({ digest, etag }) => [digest, etag]));
  const rest = found.filter(({ digest, etag }) => etags.get(digest) === etag);
  report.spared += planned.length - rest.length;
  return rest;
}

interface Stored {
  readonly digest: Digest;
  readonly etag: string;
}
