import type { FileHandle } from "node:fs/promises";
import { OciError, readAll, type CallOptions } from "@drayage/oci";
import { readPart } from "../disk.ts";
import { blockSize, paddedSize, parseTarHeader, type TarHeader } from "./header.ts";
import { parsePax, type PaxRecords } from "./pax.ts";

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
const entryLimit = 100_000;
/** How many bytes an extended header may have. */
const extensionLimit = 64 * 1024;
/** How many extended headers may stand before one entry. */
const extensionsLimit = 8;

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
  let count = 0;
  for (let position = 0; position + blockSize <= archiveSize; ) {
    const found = await readEntry(file, { position, archiveSize, signal: options.signal });
    if (found === undefined) return entries;
    if (++count > entryLimit) throw limit(`more than ${entryLimit} entries`);
    const { header, offset } = found;
    position = offset + paddedSize(header.size);
    if (position > archiveSize && offset + header.size > archiveSize)
      throw invalid(`"${header.name}" is cut short`);
    addEntry(entries, found, options);
  }
  return entries;
}

interface Found {
  readonly header: TarHeader;
  readonly offset: number;
}

function addEntry(entries: Map<string, TarEntry>, { header, offset }: Found, { links }: ScanOptions): void {
  if (header.type === "5" || header.type === "g") return;
  const path = pathOf(header.name);
  if (entries.has(path)) throw invalid(`it has "${path}" twice`);
  if (header.type === "0" || header.type === "7") {
    entries.set(path, { offset, size: header.size });
    return;
  }
  const isLink = header.type === "1" || header.type === "2";
  if (!isLink || links === "refuse") throw invalid(`"${path}" is a link or a device`);
  entries.set(path, { offset, size: 0, link: linkOf(path, header) });
}

/** The entry whose headers start at `position`, or `undefined` at the end of the archive. */
async function readEntry(
  file: FileHandle,
  {
    position: start,
    archiveSize,
    signal,
  }: CallOptions & { readonly position: number; readonly archiveSize: number },
): Promise<Found | undefined> {
  let known: PaxRecords = {};
  let position = start;
  for (let extensions = 0; extensions <= extensionsLimit; extensions++) {
    if (position + blockSize > archiveSize) throw invalid("it is cut short");
    const header = parseTarHeader(await readBytes(file, { start: position, length: blockSize, signal }));
    if (header === undefined) return undefined;
    const offset = position + blockSize;
    if (!isExtension(header.type)) return { header: extended(header, known), offset };
    if (header.size > extensionLimit) throw limit(`an extended header of ${header.size} bytes`);
    if (offset + header.size > archiveSize) throw invalid("it is cut short");
    const bytes = await readBytes(file, { start: offset, length: header.size, signal });
    known = { ...known, ...extensionOf(header.type, bytes) };
    position = offset + paddedSize(header.size);
  }
  throw limit(`more than ${extensionsLimit} extended headers before one entry`);
}

/** `x` is pax; `L` and `K` are GNU tar's long names and link targets. */
function isExtension(type: string): boolean {
  return type === "x" || type === "L" || type === "K";
}

function extensionOf(type: string, bytes: Uint8Array): PaxRecords {
  if (type === "x") return definedOf(parsePax(bytes));
  const end = bytes.indexOf(0);
  const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  return type === "L" ? { path: text } : { linkpath: text };
}

/** Without what is `undefined`, so that a later header takes nothing back that an earlier one said. */
function definedOf({ path, linkpath, size }: PaxRecords): PaxRecords {
  return {
    ...(path === undefined ? {} : { path }),
    ...(linkpath === undefined ? {} : { linkpath }),
    ...(size === undefined ? {} : { size }),
  };
}

function extended(header: TarHeader, { path, linkpath, size }: PaxRecords): TarHeader {
  return {
    type: header.type,
    name: path ?? header.name,
    link: linkpath ?? header.link,
    size: size ?? header.size,
  };
}

/** The path of an entry within the archive, in one spelling. @throws OciError STORAGE_INVALID if it leads out */
function pathOf(name: string): string {
  const path = normalized(name);
  if (name.startsWith("/") || path === undefined || path === "") throw invalid(`"${name}" is no path in it`);
  return path;
}

/** A symbolic link is relative to where it stands, a hard link to the archive. */
function linkOf(path: string, { type, link }: TarHeader): string {
  const above = type === "2" ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  const target = link.startsWith("/") ? undefined : normalized(`${above}${link}`);
  if (target === undefined) throw invalid(`"${path}" is a link that leads out of it`);
  return target;
}

/** Without `.` and `..`, or `undefined` if it leads above where it starts. */
function normalized(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}

async function readBytes(
  file: FileHandle,
  part: CallOptions & { readonly start: number; readonly length: number },
): Promise<Uint8Array> {
  return readAll(readPart(file, part), { limit: part.length });
}

function invalid(problem: string): OciError {
  return new OciError("STORAGE_INVALID", `not a tar archive that can be read: ${problem}`);
}

function limit(what: string): OciError {
  return new OciError("LIMIT_EXCEEDED", `the archive has ${what}`);
}
