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
    entry: { readonly name: string; readonly size: number },
    bytes: Bytes,
    { signal }: CallOptions = {},
  ): Promise<number> {
    const { name, size } = entry;
    const offset = this.#position + blockSize;
    await this.#write(formatTarHeader(entry), this.#position);
    const end = await writeBytes(this.#file, bytes, { at: offset, signal });
    if (end !== offset + size) {
      throw new OciError("SIZE_MISMATCH", `${name} has ${end - offset} bytes instead of ${size}`);
    }
    await this.#write(new Uint8Array(paddedSize(size) - size), end);
    this.#position = offset + paddedSize(size);
    return offset;
  }

  /** Ends the archive, with all of it on the disk. */
  async end(): Promise<void> {
    await this.#write(new Uint8Array(2 * blockSize), this.#position);
    await onDisk(this.#file.truncate(this.#position + 2 * blockSize));
    await onDisk(this.#file.datasync());
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    await writeBytes(this.#file, bytesOf(bytes), { at });
  }
}
