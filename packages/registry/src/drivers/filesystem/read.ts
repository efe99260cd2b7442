import { open, type FileHandle } from "node:fs/promises";
import { OciError, type ReadPart } from "@drayage/oci";
import { ifPresent, onDisk } from "./disk.ts";

const chunkSize = 1024 * 1024;

/** Part of a file; while one chunk is used, the next is read. */
export async function* readFilePart(
  path: string,
  { start, length, signal }: ReadPart,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (length === 0) return;
  signal?.throwIfAborted();
  const file = await ifPresent(open(path, "r"));
  if (file === undefined) throw new OciError("BLOB_UNKNOWN", "the content is gone");
  const end = start + length;
  let position = start;
  const readNext = (): Promise<Uint8Array> => readChunk(file, position, Math.min(chunkSize, end - position));
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

async function readChunk(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { bytesRead, buffer } = await onDisk(file.read(Buffer.allocUnsafe(length), 0, length, position));
  if (bytesRead === 0) throw new OciError("STORAGE_INVALID", "content on the disk is cut short");
  return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
}
