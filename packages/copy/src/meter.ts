import type { Descriptor, Digest } from "@drayage/oci";
import type { CopyPlan } from "./plan.ts";
import type { CopyEvent } from "./progress.ts";
import { createSpeed, type Speed } from "./speed.ts";

/** How far something is; sizes in bytes. */
export interface Pace {
  /** In bytes per second, over the last seconds; absent while too little is known. */
  readonly rate?: number | undefined;
  /** In milliseconds, if it goes on at that rate. */
  readonly remaining?: number | undefined;
}

/** How far one blob is. */
export interface BlobProgress extends Pace {
  readonly blob: Descriptor;
  /** How many of its bytes have been read from the source. */
  readonly bytes: number;
}

/** How far a copy is. */
export interface CopyProgress extends Pace {
  readonly blobs: { readonly done: number; readonly total: number };
  /** What the target had already counts as done. */
  readonly bytes: { readonly done: number; readonly total: number };
  /** The blobs that are being copied, in the order in which they were begun. */
  readonly underWay: readonly BlobProgress[];
}

/** What makes figures of the events of a copy. */
export interface CopyMeter {
  add(event: CopyEvent): void;
  /** How far the copy is now. */
  read(): CopyProgress;
}

/**
 * A meter for the copy of `plan`.
 *
 * @param options.now the time in milliseconds
 * @example
 * const meter = createMeter(plan);
 * await applyCopy(plan, ends, { onProgress: (event) => { meter.add(event); show(meter.read()); } });
 */
export function createMeter(
  { blobs }: Pick<CopyPlan, "blobs">,
  { now = () => performance.now() }: { readonly now?: (() => number) | undefined } = {},
): CopyMeter {
  const total = sizeOf(blobs);
  const speed = createSpeed(now);
  const active = new Map<Digest, Moving>();
  const done = new Map<Digest, Descriptor>();
  return {
    add(event) {
      if (event.kind === "manifest-published") return;
      const { blob, kind } = event;
      const moving = active.get(blob.digest) ?? { blob, bytes: 0, speed: createSpeed(now) };
      if (kind === "blob-done") {
        active.delete(blob.digest);
        done.set(blob.digest, blob);
        return;
      }
      done.delete(blob.digest); // it may be sent once more
      active.set(blob.digest, moving);
      if (kind !== "blob-bytes") return;
      moving.bytes = event.offset;
      for (const each of [speed, moving.speed]) each.add(event.length);
    },
    read() {
      const underWay = [...active.values()].map(progressOf);
      const bytes = sizeOf(done.values()) + underWay.reduce((sum, moving) => sum + moving.bytes, 0);
      return {
        blobs: { done: done.size, total: blobs.length },
        bytes: { done: bytes, total },
        ...paceOf(speed, total - bytes),
        underWay,
      };
    },
  };
}

interface Moving {
  readonly blob: Descriptor;
  bytes: number;
  readonly speed: Speed;
}

function progressOf({ blob, bytes, speed }: Moving): BlobProgress {
  return { blob, bytes, ...paceOf(speed, blob.size - bytes) };
}

function paceOf(speed: Speed, left: number): Pace {
  const rate = speed.rate();
  if (rate === undefined) return {};
  return rate > 0 ? { rate, remaining: (Math.max(left, 0) / rate) * 1000 } : { rate };
}

function sizeOf(blobs: Iterable<Descriptor>): number {
  let sum = 0;
  for (const { size } of blobs) sum += size;
  return sum;
}
