import type { FileHandle } from "node:fs/promises";
import {
  OciError,
  readAll,
  type CallOptions,
  type Digest,
  type Source,
  type TagInventory,
  type TagLister,
} from "@drayage/oci";
import { blobPath, type Content } from "./content.ts";
import { openGiven, readPart, type ReadPart } from "./disk.ts";
import { indexLimit, requireLayoutVersion } from "./layout-index.ts";
import { LayoutReader, type RootLister } from "./reader.ts";
import { scanTar, type TarEntry } from "./tar/scan.ts";

/** What an archive can be asked. */
export interface ArchiveSource extends Source, TagLister, RootLister {
  /** Its path. */
  readonly name: string;
  readonly inventory: TagInventory;
}

/** What is read from a file that stays open until it is closed. */
export interface OpenedArchive extends ArchiveSource, AsyncDisposable {
  close(): Promise<void>;
}

/**
 * The image layout in a tar archive, read where it is: nothing is unpacked.
 *
 * @throws OciError STORAGE_INVALID, LIMIT_EXCEEDED for an archive that is broken or hostile, UNAVAILABLE
 * @example
 * const archive = await openArchive("app.tar");
 * try { await copy({ repository: archive, at: "v1" }, { repository, tags: ["v1"] }) } finally { await archive.close() }
 */
export async function openArchive(path: string, { signal }: CallOptions = {}): Promise<OpenedArchive> {
  const file = await openGiven(path);
  try {
    const entries = await scanTar(file, { links: "refuse", signal });
    return new LayoutArchive(path, new ArchiveContent(file, entries), () => file.close());
  } catch (error) {
    await file.close();
    throw error;
  }
}

class LayoutArchive extends LayoutReader implements OpenedArchive {
  readonly close: () => Promise<void>;

  constructor(name: string, content: Content, close: () => Promise<void>) {
    super(name, content);
    this.close = close;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

class ArchiveContent implements Content {
  readonly #file: FileHandle;
  readonly #entries: ReadonlyMap<string, TarEntry>;

  constructor(file: FileHandle, entries: ReadonlyMap<string, TarEntry>) {
    this.#file = file;
    this.#entries = entries;
  }

  async readIndex({ signal }: CallOptions = {}): Promise<Uint8Array> {
    requireLayoutVersion(await this.#readWhole("oci-layout", { signal }));
    return this.#readWhole("index.json", { signal });
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return this.#entries.get(blobPath(digest))?.size;
  }

  async *read(
    digest: Digest,
    { start, length, signal }: ReadPart,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    signal?.throwIfAborted();
    const entry = this.#entries.get(blobPath(digest));
    if (entry === undefined) throw new OciError("BLOB_UNKNOWN", `the archive has no content ${digest}`);
    yield* readPart(this.#file, { start: entry.offset + start, length, signal });
  }

  async #readWhole(path: string, { signal }: CallOptions): Promise<Uint8Array> {
    const entry = this.#entries.get(path);
    if (entry === undefined) throw new OciError("STORAGE_INVALID", `the archive has no ${path}`);
    const bytes = readPart(this.#file, { start: entry.offset, length: entry.size, signal });
    return readAll(bytes, { limit: indexLimit });
  }
}
