import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { CallOptions } from "@drayage/oci";
import { ifPresent, onDisk, withFile } from "./disk.ts";

/** What a process that was killed has left is removed after a day, in milliseconds. */
export const draftAge: number = 24 * 60 * 60 * 1000;

/**
 * What `write` results in, once what it has written is at `path`, where it replaces what was there as a whole.
 *
 * Until then it is in a file beside it, which is removed if `write` fails, or a day later if the process was killed.
 *
 * @throws OciError STORAGE_FULL, UNAVAILABLE, and what `write` throws
 */
export async function replaceFile<Result>(
  path: string,
  write: (file: FileHandle) => Promise<Result>,
  { signal }: CallOptions = {},
): Promise<Result> {
  signal?.throwIfAborted();
  await removeOldDrafts(path);
  const draft = `${path}.${randomUUID()}.part`;
  try {
    const file = await onDisk(open(draft, "wx+"));
    const result = await withFile(file, write);
    signal?.throwIfAborted();
    await onDisk(rename(draft, path));
    return result;
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined); // the first error tells more
    throw error;
  }
}

const draftSuffix = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

async function removeOldDrafts(path: string): Promise<void> {
  const [directory, name] = [dirname(path), basename(path)];
  for (const entry of (await ifPresent(readdir(directory))) ?? []) {
    if (!entry.startsWith(name) || !draftSuffix.test(entry.slice(name.length))) continue;
    const draft = join(directory, entry);
    const written = (await ifPresent(stat(draft)))?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - written > draftAge) await rm(draft, { force: true });
  }
}
