import { OciError } from "@drayage/oci";
import {
  blockSize,
  formatTarHeader,
  nameLimit,
  paddedSize,
  parseTarHeader,
  type NewTarHeader,
  type TarHeader,
} from "./header.ts";
import { formatPaxPath, parsePax, type PaxRecords } from "./pax.ts";

/** Reads on in an archive: `length` bytes, or fewer if it ends there. */
export type ReadOn = (length: number) => Promise<Uint8Array>;

/** How many bytes an extended header may have. */
const extensionLimit = 64 * 1024;
/** How many extended headers may stand before one entry. */
const extensionsLimit = 8;

/**
 * The next entry, whose content comes next, or `undefined` at the end of the archive.
 *
 * @throws OciError STORAGE_INVALID, LIMIT_EXCEEDED
 */
export async function readEntry(read: ReadOn): Promise<TarHeader | undefined> {
  let known: PaxRecords = {};
  for (let extensions = 0; extensions <= extensionsLimit; extensions++) {
    const block = await read(blockSize);
    if (block.byteLength < blockSize && extensions > 0) throw invalidTar("it is cut short");
    const header = block.byteLength < blockSize ? undefined : parseTarHeader(block);
    if (header === undefined) return undefined;
    if (!isExtension(header.type)) return extended(header, known);
    known = { ...known, ...(await readExtension(header, read)) };
  }
  throw limitExceeded(`more than ${extensionsLimit} extended headers before one entry`);
}

/** All that stands before the content of an entry: its header, and before that the extended one that a long name needs. */
export function formatTarEntry(header: NewTarHeader): Uint8Array {
  const name = Buffer.from(header.name);
  if (name.byteLength <= nameLimit) return formatTarHeader(header);
  const record = formatPaxPath(header.name);
  // Its first bytes may end within a character.
  const short = name.subarray(0, nameLimit).toString().replaceAll("\uFFFD", "");
  return Buffer.concat([
    formatTarHeader({ name: "path", size: record.byteLength, type: "x" }),
    record,
    Buffer.alloc(paddedSize(record.byteLength) - record.byteLength),
    formatTarHeader({ ...header, name: short }),
  ]);
}

/** `x` is pax; `L` and `K` are GNU tar's long names and link targets. */
function isExtension(type: string): boolean {
  return type === "x" || type === "L" || type === "K";
}

async function readExtension({ type, size }: TarHeader, read: ReadOn): Promise<PaxRecords> {
  if (size > extensionLimit) throw limitExceeded(`an extended header of ${size} bytes`);
  const bytes = (await read(paddedSize(size))).subarray(0, size);
  if (bytes.byteLength < size) throw invalidTar("it is cut short");
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
    ...header,
    name: path ?? header.name,
    link: linkpath ?? header.link,
    size: size ?? header.size,
  };
}

export function invalidTar(problem: string): OciError {
  return new OciError("STORAGE_INVALID", `not a tar archive that can be read: ${problem}`);
}

export function limitExceeded(what: string): OciError {
  return new OciError("LIMIT_EXCEEDED", `the archive has ${what}`);
}
