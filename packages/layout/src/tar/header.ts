import { OciError } from "@drayage/oci";

/** Tar is made of blocks of this many bytes. */
export const blockSize = 512;

/** What a tar header says of the entry behind it. */
export interface TarHeader {
  readonly name: string;
  /** In bytes, without what fills the last block. */
  readonly size: number;
  /** The type flag: `0` is a file, `5` a directory; the rest is links, devices and extensions. */
  readonly type: string;
  /** What a link leads to. */
  readonly link: string;
  /** Its permissions. */
  readonly mode: number;
}

/** What {@link formatTarHeader} makes a header of. */
export interface NewTarHeader {
  readonly name: string;
  /** In bytes; directories have none. */
  readonly size: number;
  /** A file unless told. */
  readonly type?: string | undefined;
  /** `0o644` unless told. */
  readonly mode?: number | undefined;
}

/** How many bytes of a name have room in a header. */
export const nameLimit = 100;

const utf8 = new TextDecoder();

/**
 * The header that a block spells, or `undefined` for a block of zeros, which ends an archive.
 *
 * @throws OciError STORAGE_INVALID
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function parseTarHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (octalAt(block, 148, 8) !== checksumOf(block)) throw invalid("a header has a wrong checksum");
  const type = block[156] === 0 ? "0" : textAt(block, 156, 1);
  const isUstar = textAt(block, 257, 6) === "ustar";
  const prefix = isUstar ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size: sizeAt(block, 124, 12),
    type,
    link: textAt(block, 157, 100),
    mode: octalAt(block, 100, 8) & 0o777,
  };
}

/**
 * A header that is the same for the same entry: it is owned by nobody and dated 1970.
 *
 * @throws OciError LIMIT_EXCEEDED for a name of more than 100 bytes or a size beyond 2^53
 */
export function formatTarHeader({ name, size, type = "0", mode = 0o644 }: NewTarHeader): Uint8Array {
  const block = new Uint8Array(blockSize);
  const bytes = new TextEncoder().encode(name);
  if (bytes.byteLength > nameLimit)
    throw new OciError("LIMIT_EXCEEDED", `the name of an entry is too long: ${name}`);
  block.set(bytes, 0);
  writeText(block, 100, `${mode.toString(8).padStart(7, "0")}\0`);
  writeText(block, 108, "0000000\0");
  writeText(block, 116, "0000000\0");
  writeSize(block, size);
  writeText(block, 136, "00000000000\0");
  writeText(block, 156, type);
  writeText(block, 257, "ustar\x0000");
  writeText(block, 148, `${checksumOf(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** How many bytes content of `size` bytes takes in an archive: whole blocks. */
export function paddedSize(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

const octalLimit = 8 ** 11;

function writeSize(block: Uint8Array, size: number): void {
  if (size < octalLimit) return writeText(block, 124, `${size.toString(8).padStart(11, "0")}\0`);
  // GNU tar's way, which everything reads: the high bit, then the number in base 256.
  const view = new DataView(block.buffer);
  view.setUint32(124, 0x80000000);
  view.setBigUint64(128, BigInt(size));
}

function sizeAt(block: Uint8Array, start: number, length: number): number {
  const first = block[start] ?? 0;
  const size = (first & 0x80) === 0 ? octalAt(block, start, length) : binaryAt(block, start);
  if (!Number.isSafeInteger(size) || size < 0) throw invalid("an entry has no valid size");
  return size;
}

function binaryAt(block: Uint8Array, start: number): number {
  const view = new DataView(block.buffer, block.byteOffset);
  const isSmall = view.getUint32(start) === 0x80000000;
  return isSmall ? Number(view.getBigUint64(start + 4)) : Number.NaN;
}

function octalAt(block: Uint8Array, start: number, length: number): number {
  const text = textAt(block, start, length).trim();
  if (text === "") return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

/** The sum of all bytes, those of the checksum taken as spaces. */
function checksumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

function textAt(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return utf8.decode(end < 0 ? field : field.subarray(0, end));
}

function writeText(block: Uint8Array, start: number, text: string): void {
  block.set(new TextEncoder().encode(text), start);
}

function invalid(problem: string): OciError {
  return new OciError("STORAGE_INVALID", `not a tar archive that can be read: ${problem}`);
}
