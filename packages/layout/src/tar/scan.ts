import type { FileHandle } from "node:fs/promises";
import { readAll, type CallOptions } from "@drayage/oci";
import { readPart } from "../disk.ts";
import { invalidTar, limitExceeded, readEntry } from "./entry.ts";
import { paddedSize, type TarHeader } from "./header.ts";
import { linkOf, pathOf } from "./path.ts";

/** A file or a link in an archive, and where its content is. */
export interface TarEntry {
  /** Where its content starts, in bytes from the start of the archive. */
  readonly offset: number;
  readonly size: number;
  /** For a link, the path in the archive that it leads to. */
  readonly link?: string | undefined;
}

export interface ScanOptions extends CallOptions {
  /** Whether symbolic and hard links are refused, or kept as entries that lead to others. */
  readonly links: "refuse" | "keep";
}

/** How many entries an archive may have. */
export const entryLimit = 100_000;

/**
 * The files of a tar archive by their path; only headers are read, whatever the size of the archive.
 *
 * @throws OciError STORAGE_INVALID for what is no archive, is cut short, names a path outside, names one twice, or
 * holds devices, sparse files or refused links; LIMIT_EXCEEDED for more than 100 000 entries
 */
export async function scanTar(
  file: FileHandle,
  options: ScanOptions,
): Promise<ReadonlyMap<string, TarEntry>> {
  const { size: archiveSize } = await file.stat();
  const entries = new Map<string, TarEntry>();
  let position = 0;
  const read = async (wanted: number): Promise<Uint8Array> => {
    const length = Math.min(wanted, archiveSize - position);
    const bytes = await readBytes(file, { start: position, length, signal: options.signal });
    position += length;
    return bytes;
  };
  for (let count = 1; ; count++) {
    const header = await readEntry(read);
    if (header === undefined) return entries;
    if (count > entryLimit) throw limitExceeded(`more than ${entryLimit} entries`);
    if (position + header.size > archiveSize) throw invalidTar(`"${header.name}" is cut short`);
    addEntry(entries, { header, offset: position }, options);
    position = Math.min(position + paddedSize(header.size), archiveSize);
  }
}

interface Found {
  readonly header: TarHeader;
  readonly offset: number;
}

function addEntry(entries: Map<string, TarEntry>, { header, offset }: Found, { links }: ScanOptions): void {
  if (header.type === "5" || header.type === "g") return;
  const path = pathOf(header.name);
  if (entries.has(path)) throw invalidTar(`it has "${path}" twice`);
  if (header.type === "0" || header.type === "7") {
    entries.set(path, { offset, size: header.size });
    return;
  }
  const isLink = header.type === "1" || header.type === "2";
  if (!isLink || links === "refuse") throw invalidTar(`"${path}" is a link or a device`);
  entries.set(path, { offset, size: 0, link: linkOf(path, header) });
}

async function readBytes(
  file: FileHandle,
  part: CallOptions & { readonly start: number; readonly length: number },
): Promise<Uint8Array> {
  return readAll(readPart(file, part), { limit: part.length });
}
