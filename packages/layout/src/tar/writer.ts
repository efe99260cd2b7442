import type { FileHandle } from "node:fs/promises";
import { bytesOf, OciError, type Bytes, type CallOptions } from "@drayage/oci";
import { onDisk } from "../disk.ts";
import { writeBytes } from "../draft.ts";
import { formatTarEntry } from "./entry.ts";
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
    const header = formatTarEntry({ name, size });
    const written = await this.#write(bytes, { headerSize: header.byteLength, what: name, signal });
    if (written === size) return this.#commit(header, { name, size });
    throw new OciError("SIZE_MISMATCH", `${name} has ${written} bytes instead of ${size}`);
  }

  /**
   * Writes the content of the next file, which is none before it is committed. Resolves to its size in bytes.
   *
   * @param what it is, for the error if it cannot be written
   */
  async write(bytes: Bytes, options: CallOptions & { readonly what: string }): Promise<number> {
    return this.#write(bytes, { headerSize: blockSize, ...options });
  }

  /** Makes what was written last a file with a short name. Resolves to where its content starts. */
  async commit(entry: { readonly name: string; readonly size: number }): Promise<number> {
    return this.#commit(formatTarHeader(entry), entry);
  }

  /** Ends the archive, with all of it on the disk. */
  async end(): Promise<void> {
    const what = "the end of the archive";
    await this.#put(new Uint8Array(2 * blockSize), { at: this.#position, what });
    await onDisk(this.#file.truncate(this.#position + 2 * blockSize), what);
    await onDisk(this.#file.datasync(), what);
  }

  async #write(
    bytes: Bytes,
    { headerSize, what, signal }: CallOptions & { readonly headerSize: number; readonly what: string },
  ): Promise<number> {
    const offset = this.#position + headerSize;
    return (await writeBytes(this.#file, bytes, { at: offset, what, signal })) - offset;
  }

  async #commit(
    header: Uint8Array,
    { name: what, size }: { readonly name: string; readonly size: number },
  ): Promise<number> {
    const offset = this.#position + header.byteLength;
    await this.#put(header, { at: this.#position, what });
    await this.#put(new Uint8Array(paddedSize(size) - size), { at: offset + size, what });
    this.#position = offset + paddedSize(size);
    return offset;
  }

  async #put(bytes: Uint8Array, place: { readonly at: number; readonly what: string }): Promise<void> {
    await writeBytes(this.#file, bytesOf(bytes), place);
  }
}
