import { OciError, type Bytes } from "@drayage/oci";
import type { Host } from "../host.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** How much is sent at a time unless the registry wants more or takes less, in bytes. */
const usual = 8 * mebibyte;
/** A chunk is held in memory until it has arrived: whatever a registry wants, it is not more than this. */
const largest = 256 * mebibyte;
/** A registry that does not even take so much takes nothing. */
const smallest = 64 * kibibyte;

/**
 * How many bytes the next chunk of an upload has.
 *
 * @throws OciError LIMIT_EXCEEDED if the registry wants more at a time than is held in memory
 */
export function chunkSizeFor({ name, quirks, learned }: Host, minChunk: number = 0): number {
  if (minChunk > largest) {
    throw new OciError("LIMIT_EXCEEDED", `${name} wants ${minChunk} bytes at a time, more than ${largest}`);
  }
  const { maxChunk: known = usual } = quirks;
  const { maxChunk: shown = usual } = learned;
  return Math.max(Math.min(usual, known, shown), minChunk);
}

/** Half as much as was too much, if that can be of use. */
export function smallerChunk(size: number, minChunk: number = 0): number | undefined {
  const half = Math.floor(size / 2);
  return half < Math.max(smallest, minChunk) ? undefined : half;
}

/** The same bytes in pieces of exactly `size`, except the last. */
export async function* inChunks(bytes: Bytes, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = [];
  let gathered = 0;
  for await (const piece of bytes) {
    for (let start = 0; start < piece.byteLength; ) {
      const part = piece.subarray(start, start + size - gathered);
      pieces.push(part);
      gathered += part.byteLength;
      start += part.byteLength;
      if (gathered < size) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      gathered = 0;
    }
  }
  if (gathered > 0) yield Buffer.concat(pieces);
}
