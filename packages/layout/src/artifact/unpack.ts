import { open, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Bytes, CallOptions } from "@drayage/oci";
import { ByteReader } from "../byte-reader.ts";
import { isSystemError, onDisk, withFile } from "../disk.ts";
import { writeBytes } from "../draft.ts";
import { invalidTar, limitExceeded, readEntry } from "../tar/entry.ts";
import { paddedSize, type TarHeader } from "../tar/header.ts";
import { entryLimit } from "../tar/scan.ts";
import { makeDirectory } from "./stage.ts";
import { partsOf } from "./title.ts";

interface UnpackOptions extends CallOptions {
  /** Where the entry that is called `title`, and all below it, is put; nobody else may write there. */
  readonly root: string;
  readonly title: string;
}

/**
 * Puts what is in a tar archive below `root`, where nothing of it is yet.
 *
 * Only files and directories are taken, all of them at or below `title`; of their permissions, whether a file can be
 * executed.
 *
 * @throws OciError STORAGE_INVALID for links, devices, what leads out, what is there twice, and what is cut short;
 *   LIMIT_EXCEEDED for more than 100 000 entries
 */
export async function unpack(bytes: Bytes, { root, title, signal }: UnpackOptions): Promise<void> {
  const reader = new ByteReader(bytes);
  try {
    await makeDirectory(root, title);
    for (let count = 1; ; count++) {
      signal?.throwIfAborted();
      const header = await readEntry((length) => reader.read(length));
      if (header === undefined) break;
      if (count > entryLimit) throw limitExceeded(`more than ${entryLimit} entries`);
      await unpackEntry(header, { reader, root, title, signal });
      await reader.read(paddedSize(header.size) - header.size);
    }
    await reader.finish();
  } finally {
    await reader.close();
  }
}

async function unpackEntry(
  header: TarHeader,
  { reader, root, title, signal }: UnpackOptions & { readonly reader: ByteReader },
): Promise<void> {
  const { type, size, mode } = header;
  if (type === "g") return drain(reader.take(size));
  const path = pathBelow(header.name, title);
  if (type === "5") return makeDirectory(root, path);
  if (type !== "0" && type !== "7") throw invalidTar(`"${path}" is a link or a device`);
  if (path === title) throw invalidTar(`"${path}" is a file and not a directory`);
  await makeDirectory(root, dirname(path));
  const file = await create(join(root, path), (mode & 0o100) === 0 ? 0o644 : 0o755);
  await withFile(file, (opened) => writeBytes(opened, reader.take(size), { at: 0, what: path, signal }));
}

/** The path of an entry, in one spelling. */
function pathBelow(name: string, title: string): string {
  const path = partsOf(name)?.join("/");
  if (path === title || path?.startsWith(`${title}/`) === true) return path;
  throw invalidTar(`"${name}" is not in "${title}"`);
}

async function create(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, "wx", mode);
  } catch (error) {
    if (isSystemError(error, "EEXIST")) throw invalidTar(`it has "${basename(path)}" twice`);
    return onDisk(Promise.reject(error));
  }
}

async function drain(bytes: Bytes): Promise<void> {
  for await (const chunk of bytes) void chunk;
}
