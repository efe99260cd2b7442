import type { FileHandle } from "node:fs/promises";
import { abortable, type Bytes } from "@drayage/oci";
import { onDisk } from "./disk.ts";

const batchSize = 1024 * 1024;

export interface WriteOptions {
  /** Where the first byte goes. */
  readonly at: number;
  /** What is written, for the error if it cannot be. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes `bytes` into the file from `at` on. Resolves to where they end.
 *
 * What has arrived is kept even if the rest does not.
 *
 * @throws OciError STORAGE_FULL, UNAVAILABLE
 */
export async function writeBytes(
  file: Pick<FileHandle, "writev">,
  bytes: Bytes,
  { at, what, signal }: WriteOptions,
): Promise<number> {
  let position = at;
  let batch: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    position = await onDisk(writeAll(file, batch, position), what);
    [batch, size] = [[], 0];
  };
  try {
    for await (const chunk of untilAborted(bytes, signal)) {
      batch.push(chunk);
      size += chunk.byteLength;
      if (size >= batchSize) await flush();
    }
  } catch (error) {
    await flush();
    throw error;
  }
  await flush();
  return position;
}

/** Writes every chunk, from `at` on. Resolves to where they end. */
async function writeAll(
  file: Pick<FileHandle, "writev">,
  chunks: readonly Uint8Array[],
  at: number,
): Promise<number> {
  let position = at;
  for (let rest = chunks; rest.length > 0; ) {
    const { bytesWritten } = await file.writev(rest, position);
    position += bytesWritten;
    rest = without(rest, bytesWritten);
  }
  return position;
}

/** What is left of `chunks` behind their first `count` bytes, when the system took less than it was given. */
function without(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  return chunks.flatMap((chunk) => {
    const taken = Math.min(left, chunk.byteLength);
    left -= taken;
    return taken === chunk.byteLength ? [] : [chunk.subarray(taken)];
  });
}

/** `bytes`, until the signal is aborted, even while their source is silent. */
async function* untilAborted(
  bytes: Bytes,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = bytes[Symbol.asyncIterator]();
  let isDone = false;
  try {
    while (!isDone) {
      const entry = await abortable(chunks.next(), signal);
      isDone = entry.done === true;
      if (entry.done !== true) yield entry.value;
    }
  } finally {
    // A source that is silent would not come to its end either.
    if (!isDone) chunks.return?.()?.then(undefined, () => undefined);
  }
}
