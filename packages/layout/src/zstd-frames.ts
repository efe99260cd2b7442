import { OciError, type Bytes } from "@drayage/oci";
import { ByteReader } from "./byte-reader.ts";

const magic = 0xfd2fb528;
/** Of frames that hold nothing to decompress; the last four bits are anything. */
const skippableMagic = 0x184d2a50;
/** How much of them is read at a time, in bytes. */
const pieceSize = 64 * 1024;

/**
 * The frames of zstd-compressed content, none of which begins in the middle of a chunk, and without those to be skipped.
 *
 * Node before 26 stops behind a frame that ends within a chunk, and Node 22 takes a frame that is cut short for whole.
 *
 * @throws OciError MANIFEST_INVALID for what is no frame or is cut short, from the iteration
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export async function* zstdFrames(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(bytes);
  try {
    for (let start = await reader.read(4); start.byteLength > 0; start = await reader.read(4)) {
      const number = numberIn(start, 4);
      if (number === magic) yield* frame(start, reader);
      else if ((number & ~15) === skippableMagic) await skip(reader);
      else throw invalid("it is no frame");
    }
  } finally {
    await reader.close();
  }
}

async function* frame(start: Uint8Array, reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  const [descriptor = 0] = await exactly(reader, 1);
  yield Buffer.concat([start, Uint8Array.of(descriptor), await exactly(reader, headerSize(descriptor))]);
  for (let isLast = false; !isLast; ) {
    const header = await exactly(reader, 3);
    const block = numberIn(header, 3);
    isLast = (block & 1) === 1;
    // A run of one byte is stored as that byte, whatever its length.
    const size = ((block >> 1) & 3) === 1 ? 1 : block >> 3;
    const checksumSize = isLast && (descriptor & 4) !== 0 ? 4 : 0;
    yield Buffer.concat([header, await exactly(reader, size + checksumSize)]);
  }
}

/** How many bytes there are between the descriptor of a frame and its first block. */
function headerSize(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  const windowSize = isSingle ? 0 : 1;
  const dictionarySize = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return windowSize + dictionarySize + contentSize;
}

async function skip(reader: ByteReader): Promise<void> {
  let left = numberIn(await exactly(reader, 4), 4);
  while (left > 0) left -= (await exactly(reader, Math.min(left, pieceSize))).byteLength;
}

/** @throws OciError MANIFEST_INVALID if there are fewer */
async function exactly(reader: ByteReader, length: number): Promise<Uint8Array> {
  const bytes = await reader.read(length);
  if (bytes.byteLength === length) return bytes;
  throw invalid("it is cut short");
}

function numberIn(bytes: Uint8Array, length: number): number {
  if (bytes.byteLength < length) throw invalid("it is cut short");
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).readUIntLE(0, length);
}

function invalid(problem: string): OciError {
  return new OciError("MANIFEST_INVALID", `content is not compressed with zstd: ${problem}`);
}
