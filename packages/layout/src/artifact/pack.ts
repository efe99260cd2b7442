import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { OciError, type Bytes, type CallOptions } from "@drayage/oci";
import { onDisk, openFile, readPart } from "../disk.ts";
import { formatTarEntry } from "../tar/entry.ts";
import { blockSize, paddedSize } from "../tar/header.ts";

/**
 * A tar archive of a directory, which is called `title` in it: the same for the same names and content.
 *
 * Of permissions only whether a file can be executed is kept, and nothing of owners and times.
 *
 * @throws OciError OPTION_INVALID for what is neither file nor directory: a link could lead anywhere else
 */
export async function* packDirectory(
  directory: string,
  { title, signal }: CallOptions & { readonly title: string },
): Bytes & AsyncGenerator<Uint8Array, void, undefined> {
  const queue: Packed[] = [{ path: directory, name: title, isDirectory: true }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    signal?.throwIfAborted();
    if (next.isDirectory) {
      yield formatTarEntry({ name: `${next.name}/`, size: 0, type: "5", mode: 0o755 });
      queue.push(...(await entriesOf(next)).toReversed());
    } else {
      yield* packFile(next, { signal });
    }
  }
  yield new Uint8Array(2 * blockSize);
}

/** What is to be packed, and what it is called in the archive. */
interface Packed {
  readonly path: string;
  readonly name: string;
  readonly isDirectory: boolean;
}

async function entriesOf({ path, name }: Packed): Promise<readonly Packed[]> {
  const entries = await onDisk(readdir(path, { withFileTypes: true }));
  return entries
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({
      path: join(path, entry.name),
      name: `${name}/${entry.name}`,
      isDirectory: requireKind(entry),
    }));
}

/** Whether it is a directory. */
function requireKind(entry: Dirent): boolean {
  if (entry.isDirectory() || entry.isFile()) return entry.isDirectory();
  throw new OciError(
    "OPTION_INVALID",
    `${join(entry.parentPath, entry.name)} is neither a file nor a directory`,
    {
      hint: "links and devices cannot be pulled anywhere else",
    },
  );
}

async function* packFile(
  { path, name }: Packed,
  { signal }: CallOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await openFile(path);
  if (file === undefined) throw new OciError("UNAVAILABLE", `${path} has been removed`, { retryable: false });
  try {
    const { size, mode } = await file.stat();
    yield formatTarEntry({ name, size, mode: (mode & 0o100) === 0 ? 0o644 : 0o755 });
    yield* readPart(file, { start: 0, length: size, signal });
    yield new Uint8Array(paddedSize(size) - size);
  } finally {
    await file.close();
  }
}
