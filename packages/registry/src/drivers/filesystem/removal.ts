import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ReapOptions, RemoveBlobOptions, RemoveResult } from "@drayage/oci";
import { contentState } from "./content.ts";
import { ifPresent, type Disk } from "./disk.ts";

/**
 * Moves a file out of the way if it is at `ifMatch`.
 *
 * It is looked at once more where nobody touches it: whoever wants to touch it meanwhile is told that it is gone.
 */
export async function takeAway(
  path: string,
  { ifMatch, to, disk }: RemoveBlobOptions & { readonly to: string; readonly disk: Disk },
): Promise<RemoveResult> {
  const found = await contentState(path);
  if (found === undefined) return "absent";
  if (ifMatch !== undefined && found.etag !== ifMatch) return "changed";
  if (!(await disk.move(path, to))) return "absent";
  if (ifMatch === undefined || (await contentState(to))?.etag === ifMatch) return "deleted";
  await disk.move(to, path);
  return "changed";
}

/** Removes files that have not been written to for long, but those that `isOpen` knows. Resolves to how many. */
export async function reapFiles(
  directory: string,
  { before, isOpen, signal, disk }: ReapOptions & { readonly disk: Disk },
): Promise<number> {
  let reaped = 0;
  for (const name of (await ifPresent(readdir(directory))) ?? []) {
    signal?.throwIfAborted();
    const path = join(directory, name);
    const found = await ifPresent(stat(path));
    if (found === undefined || found.mtimeMs >= before || (await isOpen(name))) continue;
    if (await disk.remove(path)) reaped++;
  }
  return reaped;
}
