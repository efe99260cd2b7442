import type { FileHandle } from "node:fs/promises";
import { OciError, type Bytes, type Appended } from "@drayage/oci";
import { borrow } from "../../storage/lend.ts";
import type { Buffers } from "./buffers.ts";
import { ifPresent, onDisk, withFile } from "./disk.ts";

export interface AppendToFileOptions {
  readonly at: number;
  readonly buffers: Buffers;
}

/**
 * Writes `bytes` into the file from `at` on, in batches: while one is written, the next is collected.
 *
 * What has arrived is kept even if the rest does not, and the file ends where the offset says.
 */
export async function appendToFile(
  path: string,
  bytes: Bytes,
  { at, buffers }: AppendToFileOptions,
): Promise<Omit<Appended, "token">> {
  const appended = await ifPresent(withFile(path, "r+", (file) => appendTo(file, bytes, { at, buffers })));
  if (appended === undefined) throw new OciError("BLOB_UPLOAD_UNKNOWN", "nothing is left of the upload");
  return appended;
}

/** What an append needs of an open file. */
export type AppendedFile = Pick<FileHandle, "writev" | "truncate">;

/** The same with the file at hand. */
export async function appendTo(
  file: AppendedFile,
  bytes: Bytes,
  { at, buffers }: AppendToFileOptions,
): Promise<Omit<Appended, "token">> {
  const batches = new Batches(file, { at, buffers });
  const failure = await fill(batches, borrow(bytes));
  if (failure === undefined) return { offset: batches.offset };
  try {
    // A batch that failed may have been written in part.
    await file.truncate(batches.offset);
    return { offset: batches.offset, failure };
  } catch {
    return { offset: at, failure };
  }
}

async function fill(batches: Batches, bytes: Bytes): Promise<{ readonly error: unknown } | undefined> {
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const chunk of bytes) {
      const turn = batches.add(chunk);
      if (turn !== undefined) await turn;
    }
  } catch (error) {
    failure = { error };
  }
  try {
    await batches.flush();
  } catch (error) {
    failure ??= { error };
  }
  return failure;
}

/**
 * Collects chunks and writes them a batch at a time; one by one while there are no buffers for it.
 *
 * They are copied: that costs less than a chunk that outlives the reading of the next ones, and the source may use
 * its memory again.
 */
class Batches {
  readonly #file: AppendedFile;
  readonly #buffers: Buffers;
  #written: number;
  #buffer: Uint8Array | undefined;
  /** How much of the buffer is filled. */
  #collected = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: AppendedFile, { at, buffers }: { readonly at: number; readonly buffers: Buffers }) {
    this.#file = file;
    this.#buffers = buffers;
    this.#written = at;
  }

  /** Up to where everything is written. */
  get offset(): number {
    return this.#written;
  }

  /** A promise only if the disk has to be waited for. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    this.#buffer ??= this.#buffers.take();
    if (this.#buffer === undefined) return this.#writeNow(chunk);
    const isRoom = this.#collected + chunk.byteLength < this.#buffer.byteLength;
    return isRoom ? this.#copy(chunk, this.#buffer) : this.#addInParts(chunk, this.#buffer);
  }

  async flush(): Promise<void> {
    this.#startBatch();
    await this.#writing;
  }

  /** Takes a chunk for which there is room. */
  #copy(chunk: Uint8Array, buffer: Uint8Array): undefined {
    buffer.set(chunk, this.#collected);
    this.#collected += chunk.byteLength;
  }

  /** Fills the buffer, and goes on with the rest when the batch before is written. */
  async #addInParts(chunk: Uint8Array, buffer: Uint8Array): Promise<void> {
    const end = buffer.byteLength - this.#collected;
    this.#copy(chunk.subarray(0, end), buffer);
    await this.#writing;
    this.#startBatch();
    if (end < chunk.byteLength) await this.add(chunk.subarray(end));
  }

  async #writeNow(chunk: Uint8Array): Promise<void> {
    await this.#writing;
    await onDisk(this.#write(chunk));
  }

  /** Writes what has been collected, as soon as the batch before is written. */
  #startBatch(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const batch = buffer.subarray(0, this.#collected);
    this.#buffer = undefined;
    this.#collected = 0;
    const before = this.#writing;
    const write = async (): Promise<void> => {
      try {
        await before;
        await onDisk(this.#write(batch));
      } finally {
        this.#buffers.giveBack(buffer);
      }
    };
    this.#writing = write();
    this.#writing.catch(() => undefined); // whoever waits for it hears of it
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#written = await writeAll(this.#file, [bytes], this.#written);
  }
}

/** Writes every chunk, from `at` on. Resolves to where they end. */
export async function writeAll(
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
