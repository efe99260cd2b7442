import { open, type FileHandle } from "node:fs/promises";
import { OciError, type ReadPart } from "@drayage/oci";
import type { LendingBytes } from "../../storage/lend.ts";
import { ifPresent, onDisk } from "./disk.ts";

const chunkSize = 512 * 1024;
/** One that is used, and one that is filled. */
const lentBuffers = 2;

/** Part of a file; while one chunk is used, the next is read. */
export function readFilePart(path: string, part: ReadPart): LendingBytes {
  return {
    [Symbol.asyncIterator]: () => readWith(path, part, (length) => Buffer.allocUnsafeSlow(length)),
    lend: () => readWith(path, part, createRing(part.length)),
  };
}

/** Memory for the next chunk. */
type Allocate = (length: number) => Uint8Array;

/** The same few buffers over and over: fresh memory costs more than the reading does. */
function createRing(length: number): Allocate {
  const buffers: Uint8Array[] = [];
  let turn = 0;
  return (wanted) => {
    const index = turn++ % lentBuffers;
    buffers[index] ??= Buffer.allocUnsafeSlow(Math.min(chunkSize, length));
    return buffers[index].subarray(0, wanted);
  };
}

async function* readWith(
  path: string,
  { start, length, signal }: ReadPart,
  allocate: Allocate,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (length === 0) return;
  signal?.throwIfAborted();
  const file = await ifPresent(open(path, "r"));
  if (file === undefined) throw new OciError("BLOB_UNKNOWN", "the content is gone");
  const end = start + length;
  let position = start;
  const readNext = (): Promise<Uint8Array> =>
    readChunk(file, position, allocate(Math.min(chunkSize, end - position)));
  let next = readNext();
  try {
    for (;;) {
      const chunk = await next;
      signal?.throwIfAborted();
      position += chunk.byteLength;
      if (position === end) return yield chunk;
      next = readNext();
      next.catch(() => undefined); // the reader may leave before it gets to this
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined);
    await file.close();
  }
}

async function readChunk(file: FileHandle, position: number, buffer: Uint8Array): Promise<Uint8Array> {
  const { bytesRead } = await onDisk(file.read(buffer, 0, buffer.byteLength, position));
  if (bytesRead === 0) throw new OciError("STORAGE_INVALID", "content on the disk is cut short");
  return bytesRead === buffer.byteLength ? buffer : buffer.subarray(0, bytesRead);
}
