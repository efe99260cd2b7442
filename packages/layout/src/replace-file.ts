import { randomUUID } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import type { CallOptions } from "@drayage/oci";
import { onDisk, withFile } from "./disk.ts";

/**
 * What `write` results in, once what it has written is at `path`, where it replaces what was there as a whole.
 *
 * Until then it is in a file beside it, which is removed if `write` fails.
 *
 * @throws OciError STORAGE_FULL, UNAVAILABLE, and what `write` throws
 */
export async function replaceFile<Result>(
  path: string,
  write: (file: FileHandle) => Promise<Result>,
  { signal }: CallOptions = {},
): Promise<Result> {
  signal?.throwIfAborted();
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
