import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  algorithmOf,
  bytesOf,
  hexOf,
  OciError,
  readAll,
  type Bytes,
  type CallOptions,
  type Digest,
} from "@drayage/oci";
import type { Content } from "./content.ts";
import {
  ifPresent,
  isDirectory,
  onDisk,
  openFile,
  readPart,
  sizeOfFile,
  withFile,
  type ReadPart,
} from "./disk.ts";
import { writeBytes } from "./draft.ts";
import {
  emptyIndex,
  formatLayoutIndex,
  indexLimit,
  layoutVersion,
  parseLayoutIndex,
  requireLayoutVersion,
  type LayoutIndex,
} from "./layout-index.ts";
import { withLock } from "./lock.ts";
import { draftAge } from "./replace-file.ts";
import { createTurns } from "./turns.ts";

/** How a layout is kept in its directory. */
export interface DirectoryOptions {
  /**
   * `strict`, the default: what was acknowledged survives a loss of power. `relaxed`: it survives the death of
   * the process, and costs no waiting for the disk.
   */
  readonly durability?: "strict" | "relaxed" | undefined;
  /** The time in milliseconds since 1970, by the clock that dates files. */
  readonly now?: (() => number) | undefined;
}

const versionLimit = 64 * 1024;

/**
 * The files of an image layout in a directory. Every path is made from a digest, never from what a layout says,
 * and no symbolic link is followed below the directory that was given (CVE-2021-21272).
 */
export class LayoutDirectory implements Content {
  readonly path: string;
  readonly #parents: readonly string[];
  readonly #isStrict: boolean;
  readonly #now: () => number;
  readonly #inTurn = createTurns();

  /** @param parents directories above `path` that may not be links either */
  constructor(path: string, parents: readonly string[], options: DirectoryOptions) {
    this.path = path;
    this.#parents = parents;
    this.#isStrict = options.durability !== "relaxed";
    this.#now = options.now ?? Date.now;
  }

  async readIndex({ signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    if (!(await this.#isPlain(this.#parents))) return undefined;
    const index = await readWhole(join(this.path, "index.json"), { limit: indexLimit, signal });
    if (index === undefined) return undefined;
    const version = await readWhole(join(this.path, "oci-layout"), { limit: versionLimit, signal });
    if (version === undefined) throw new OciError("STORAGE_INVALID", `${this.path} has no oci-layout file`);
    requireLayoutVersion(version);
    return index;
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    const path = this.#blobPath(digest);
    return (await this.#isPlain(this.#above(path))) ? sizeOfFile(path) : undefined;
  }

  async *read(digest: Digest, part: ReadPart): AsyncGenerator<Uint8Array, void, undefined> {
    part.signal?.throwIfAborted();
    const path = this.#blobPath(digest);
    const file = (await this.#isPlain(this.#above(path))) ? await openFile(path) : undefined;
    if (file === undefined) throw new OciError("BLOB_UNKNOWN", `${this.path} has no content ${digest}`);
    try {
      yield* readPart(file, part);
    } finally {
      await file.close();
    }
  }

  /**
   * Replaces `index.json` by what `change` makes of it, in one step; all who write here wait for each other.
   *
   * @throws OciError UNAVAILABLE if others are writing for 30 seconds
   */
  async updateIndex(
    change: (index: LayoutIndex) => LayoutIndex | Promise<LayoutIndex>,
    { signal }: CallOptions = {},
  ): Promise<void> {
    return this.#inTurn(() => this.#updateLocked(change, { signal }));
  }

  /** A new file for content that is on its way, empty. */
  async createDraft(id: string): Promise<string> {
    await this.#prepare();
    const path = this.draftPath(id);
    const file = await onDisk(open(path, "wx"));
    await file.close();
    return path;
  }

  draftPath(id: string): string {
    return join(this.#workPath(), id);
  }

  /** Puts content into place that is known to be what `digest` says. */
  async putContent(digest: Digest, bytes: Bytes, { signal }: CallOptions = {}): Promise<void> {
    const draft = await this.createDraft(`${randomUUID()}.part`);
    try {
      const file = await onDisk(open(draft, "r+"));
      await withFile(file, (opened) => writeBytes(opened, bytes, { at: 0, what: digest, signal }));
      await this.publish(draft, digest);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined); // the first error tells more
      throw error;
    }
  }

  /** Moves a file into place that is known to be what `digest` says. */
  async publish(draft: string, digest: Digest): Promise<void> {
    const path = this.#blobPath(digest);
    await this.#makePlain(dirname(path));
    await this.#place(draft, path);
  }

  /** Removes content. Resolves to whether it was there. */
  async remove(digest: Digest): Promise<boolean> {
    const path = this.#blobPath(digest);
    if ((await this.sizeOf(digest)) === undefined) return false;
    return (await ifPresent(rm(path).then(() => true))) ?? false;
  }

  async #updateLocked(
    change: (index: LayoutIndex) => LayoutIndex | Promise<LayoutIndex>,
    { signal }: CallOptions,
  ): Promise<void> {
    await this.#prepare();
    await withLock(
      join(this.#workPath(), "lock"),
      async (lock) => {
        const bytes = await this.readIndex({ signal });
        const before = bytes === undefined ? emptyIndex : parseLayoutIndex(bytes);
        const after = await change(before);
        await lock.confirm();
        if (after !== before || bytes === undefined) {
          await this.#replace("index.json", formatLayoutIndex(after));
        }
        await this.#removeOldDrafts();
      },
      { signal, now: this.#now },
    );
  }

  /** Makes the directory a layout, if it is none yet. */
  async #prepare(): Promise<void> {
    await this.#makePlain(...this.#parents, this.path, this.#workPath());
    if ((await sizeOfFile(join(this.path, "oci-layout"))) !== undefined) return;
    await this.#replace("oci-layout", layoutVersion);
    if ((await sizeOfFile(join(this.path, "index.json"))) !== undefined) return;
    await this.#createIndex();
  }

  /** An empty index, unless somebody else is faster. */
  async #createIndex(): Promise<void> {
    await withLock(join(this.#workPath(), "lock"), async () => {
      if ((await sizeOfFile(join(this.path, "index.json"))) !== undefined) return;
      await this.#replace("index.json", formatLayoutIndex(emptyIndex));
    });
  }

  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const draft = this.draftPath(`${randomUUID()}.part`);
    const file = await onDisk(open(draft, "wx"));
    try {
      await withFile(file, (opened) => writeBytes(opened, bytesOf(bytes), { at: 0, what: name }));
      await this.#place(draft, join(this.path, name));
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async #place(draft: string, path: string): Promise<void> {
    if (this.#isStrict)
      await onDisk(
        withFile(await onDisk(open(draft, "r+")), (file) => file.datasync()),
        path,
      );
    await onDisk(rename(draft, path));
    // Windows has no such thing, and keeps its directories by itself.
    if (!this.#isStrict || process.platform === "win32") return;
    await onDisk(withFile(await onDisk(open(dirname(path), "r")), (directory) => directory.sync()));
  }

  async #removeOldDrafts(): Promise<void> {
    for (const name of await onDisk(readdir(this.#workPath()))) {
      const path = join(this.#workPath(), name);
      const age = this.#now() - ((await ifPresent(stat(path)))?.mtimeMs ?? Number.POSITIVE_INFINITY);
      if (age > draftAge) await rm(path, { force: true });
    }
  }

  /** Whether all of these directories are there. @throws OciError STORAGE_INVALID if one of them is something else */
  async #isPlain(directories: readonly string[]): Promise<boolean> {
    for (const directory of directories) if (!(await isDirectory(directory))) return false;
    return true;
  }

  async #makePlain(...directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      // The directory that was given may be a link; what is below it may not.
      if (directory !== this.path || this.#parents.length > 0) {
        if (await isDirectory(directory)) continue;
      }
      await onDisk(mkdir(directory, { recursive: true }));
    }
  }

  /** The directories above a blob, below the one that was given. */
  #above(path: string): readonly string[] {
    return [...this.#parents, join(this.path, "blobs"), dirname(path)];
  }

  #blobPath(digest: Digest): string {
    return join(this.path, "blobs", algorithmOf(digest), hexOf(digest));
  }

  /** What is not part of the layout: uploads and the lock. */
  #workPath(): string {
    return join(this.path, ".drayage");
  }
}

async function readWhole(
  path: string,
  { limit, signal }: CallOptions & { readonly limit: number },
): Promise<Uint8Array | undefined> {
  const file = await openFile(path);
  if (file === undefined) return undefined;
  return withFile(file, async (opened) => {
    const { size } = await opened.stat();
    return readAll(readPart(opened, { start: 0, length: size, signal }), { limit });
  });
}
