import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { OciError, type Bytes, type Appended } from "@drayage/oci";
import { ifPresent, onDisk, withFile, type Disk } from "./disk.ts";

const batchSize = 512 * 1024;

/**
 * Writes `bytes` into the file from `at` on, in batches: while one is written, the next is collected.
 *
 * What has arrived is kept even if the rest does not, and the file ends where the offset says.
 */
export async function appendToFile(
  path: string,
  bytes: Bytes,
  { at, disk }: { readonly at: number; readonly disk: Disk },
): Promise<Omit<Appended, "token">> {
  const appended = await ifPresent(withFile(path, "r+", (file) => appendTo(file, bytes, { at, disk })));
  if (appended === undefined) throw new OciError("BLOB_UPLOAD_UNKNOWN", "nothing is left of the upload");
  if (at === 0 && appended.offset > 0) await disk.settleNames(dirname(path));
  return appended;
}

/** What an append needs of an open file. */
export type AppendedFile = Pick<FileHandle, "writev" | "truncate" | "datasync">;

/** The same with the file at hand. */
export async function appendTo(
  file: AppendedFile,
  bytes: Bytes,
  { at, disk }: { readonly at: number; readonly disk: Disk },
): Promise<Omit<Appended, "token">> {
  const batches = new Batches(file, at);
  const failure = await fill(batches, bytes);
  try {
    // A batch that failed may have been written in part.
    if (failure !== undefined) await file.truncate(batches.offset);
    await disk.settle(file);
    return { offset: batches.offset, failure };
  } catch (error) {
    await file.truncate(at).catch(() => undefined);
    return { offset: at, failure: failure ?? { error } };
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
 * Collects chunks and writes them a batch at a time.
 *
 * They are copied: that costs less than a chunk that outlives the reading of the next ones, and the source may use
 * its buffers again.
 */
class Batches {
  readonly #file: AppendedFile;
  #written: number;
  /** One that is filled, and one that is written. */
  readonly #buffers: Uint8Array[] = [];
  #turn = 0;
  #collected = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: AppendedFile, at: number) {
    this.#file = file;
    this.#written = at;
  }

  /** Up to where everything is written. */
  get offset(): number {
    return this.#written;
  }

  /** A promise only if the disk has to be waited for. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    const isRoom = this.#collected + chunk.byteLength <= batchSize;
    return isRoom ? this.#copy(chunk) : this.#addInParts(chunk);
  }

  async flush(): Promise<void> {
    await this.#startBatch();
    await this.#writing;
  }

  async #addInParts(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.byteLength; ) {
      const end = start + batchSize - this.#collected;
      await this.#copy(chunk.subarray(start, end));
      start = end;
    }
  }

  /** Takes a chunk for which there is room. */
  #copy(chunk: Uint8Array): Promise<void> | undefined {
    this.#buffer().set(chunk, this.#collected);
    this.#collected += chunk.byteLength;
    return this.#collected === batchSize ? this.#startBatch() : undefined;
  }

  #buffer(): Uint8Array {
    const index = this.#turn % 2;
    return (this.#buffers[index] ??= Buffer.allocUnsafeSlow(batchSize));
  }

  /** Resolves when the batch before is written; this one is under way then. */
  async #startBatch(): Promise<void> {
    await this.#writing;
    if (this.#collected === 0) return;
    const batch = this.#buffer().subarray(0, this.#collected);
    this.#turn++;
    this.#collected = 0;
    this.#writing = onDisk(this.#write(batch));
    this.#writing.catch(() => undefined); // whoever waits for it hears of it
  }

  async #write(batch: Uint8Array): Promise<void> {
    this.#written = await writeAll(this.#file, [batch], this.#written);
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
