import type { FileHandle } from "node:fs/promises";
import { bytesOf, OciError, type Bytes, type CallOptions } from "@drayage/oci";
import { onDisk } from "../disk.ts";
import { writeBytes } from "../draft.ts";
import { blockSize, formatTarHeader, paddedSize } from "./header.ts";

/** Writes a tar archive into an open file, entry by entry; an entry that fails leaves no trace. */
export class TarWriter {
  readonly #file: FileHandle;
  #position = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Appends a file. Resolves to where its content starts. @throws OciError SIZE_MISMATCH */
  async add(
    { name, size }: { readonly name: string; readonly size: number },
    bytes: Bytes,
    { signal }: CallOptions = {},
  ): Promise<number> {
    const written = await this.write(bytes, { signal });
    if (written !== size)
      throw new OciError("SIZE_MISMATCH", `${name} has ${written} bytes instead of ${size}`);
    return this.commit({ name, size });
  }

  /** Writes the content of the next file, which is none before it is committed. Resolves to its size in bytes. */
  async write(bytes: Bytes, { signal }: CallOptions = {}): Promise<number> {
    const offset = this.#position + blockSize;
    return (await writeBytes(this.#file, bytes, { at: offset, signal })) - offset;
  }

  /** Makes what was written last a file of the archive. Resolves to where its content starts. */
  async commit(entry: { readonly name: string; readonly size: number }): Promise<number> {
    const offset = this.#position + blockSize;
    const end = offset + entry.size;
    await this.#put(formatTarHeader(entry), this.#position);
    await this.#put(new Uint8Array(paddedSize(entry.size) - entry.size), end);
    this.#position = offset + paddedSize(entry.size);
    return offset;
  }

  /** Ends the archive, with all of it on the disk. */
  async end(): Promise<void> {
    await this.#put(new Uint8Array(2 * blockSize), this.#position);
    await onDisk(this.#file.truncate(this.#position + 2 * blockSize));
    await onDisk(this.#file.datasync());
  }

  async #put(bytes: Uint8Array, at: number): Promise<void> {
    await writeBytes(this.#file, bytesOf(bytes), { at });
  }
}
