import type { FileHandle } from "node:fs/promises";
import {
  bytesOf,
  isVerified,
  OciError,
  verified,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type OpenBlob,
  type PutBlobOptions,
  type PutBlobResult,
  type PutManifestOptions,
  type Target,
  type UploadSession,
} from "@drayage/oci";
import type { ArchiveSource } from "./archive.ts";
import { blobPath, type Content } from "./content.ts";
import { readPart, type ReadPart } from "./disk.ts";
import { emptyIndex, formatLayoutIndex, layoutVersion, type LayoutIndex } from "./layout-index.ts";
import { checkManifest, listManifest, requireTags } from "./put-manifest.ts";
import { LayoutReader } from "./reader.ts";
import { replaceFile } from "./replace-file.ts";
import { TarWriter } from "./tar/writer.ts";
import { createTurns } from "./turns.ts";

/**
 * What `fill` results in, once all that it has put is an image layout in a tar archive at `path`.
 *
 * The archive replaces what was there, as a whole and only if `fill` succeeds. It is the same, byte for byte, for
 * the same content put in the same order.
 *
 * @throws OciError STORAGE_FULL, UNAVAILABLE, and what `fill` throws
 * @example await writeArchive("app.tar", (target) => copy({ repository, at: "v1" }, { repository: target, tags: ["v1"] }))
 */
export async function writeArchive<Result>(
  path: string,
  fill: (target: Target & ArchiveSource) => Promise<Result>,
  { signal }: CallOptions = {},
): Promise<Result> {
  return replaceFile(
    path,
    async (file) => {
      const draft = new ArchiveDraft(file);
      const filled = await fill(new ArchiveTarget(path, draft));
      await draft.end();
      return filled;
    },
    { signal },
  );
}

/** An image layout in an archive that is being written. */
class ArchiveTarget extends LayoutReader implements Target {
  readonly #draft: ArchiveDraft;

  constructor(name: string, draft: ArchiveDraft) {
    super(name, draft);
    this.#draft = draft;
  }

  async putManifest(document: ManifestDocument, options: PutManifestOptions = {}): Promise<Descriptor> {
    const { signal } = options;
    const checked = await checkManifest(document, this.#draft, options);
    await this.#draft.put(checked.descriptor, async () => bytesOf(document.bytes), { signal });
    await this.#draft.updateIndex((index) => {
      requireTags(index, checked.tags, options);
      return listManifest(checked, index, { reader: this, signal });
    });
    return checked.descriptor;
  }

  async putBlob(
    descriptor: Descriptor,
    openBlob: OpenBlob,
    { signal }: PutBlobOptions = {},
  ): Promise<PutBlobResult> {
    signal?.throwIfAborted();
    return this.#draft.put(descriptor, openBlob, { signal });
  }

  async mountBlob(_digest: Digest, { signal }: CallOptions = {}): Promise<undefined> {
    signal?.throwIfAborted();
    return undefined;
  }

  async openUpload({ signal }: CallOptions = {}): Promise<UploadSession> {
    signal?.throwIfAborted();
    throw new OciError("UNSUPPORTED", "an archive takes content whose size is known only", {
      hint: "use putBlob",
    });
  }
}

class ArchiveDraft implements Content {
  readonly #file: FileHandle;
  readonly #tar: TarWriter;
  readonly #places = new Map<Digest, { readonly offset: number; readonly size: number }>();
  readonly #inTurn = createTurns();
  #index: LayoutIndex = emptyIndex;

  constructor(file: FileHandle) {
    this.#file = file;
    this.#tar = new TarWriter(file);
  }

  async readIndex(): Promise<Uint8Array> {
    return formatLayoutIndex(this.#index);
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return this.#places.get(digest)?.size;
  }

  async *read(
    digest: Digest,
    { start, length, signal }: ReadPart,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const place = this.#places.get(digest);
    if (place === undefined) throw new OciError("BLOB_UNKNOWN", `the archive has no content ${digest}`);
    yield* readPart(this.#file, { start: place.offset + start, length, signal });
  }

  /** Appends content; one after the other, so it is opened when its turn has come. */
  async put(descriptor: Descriptor, openBlob: OpenBlob, { signal }: CallOptions): Promise<PutBlobResult> {
    return this.#inTurn(async () => {
      const { digest, size } = descriptor;
      if (this.#places.has(digest)) return "present";
      const bytes = await openBlob(0, { signal });
      const checked: Bytes = isVerified(bytes, digest) ? bytes : verified(bytes, descriptor);
      const offset = await this.#tar.add({ name: blobPath(digest), size }, checked, { signal });
      this.#places.set(digest, { offset, size });
      return "uploaded";
    });
  }

  async updateIndex(change: (index: LayoutIndex) => Promise<LayoutIndex>): Promise<void> {
    await this.#inTurn(async () => {
      this.#index = await change(this.#index);
    });
  }

  async end(): Promise<void> {
    await this.#inTurn(async () => {
      const index = formatLayoutIndex(this.#index);
      await this.#tar.add({ name: "index.json", size: index.byteLength }, bytesOf(index));
      await this.#tar.add({ name: "oci-layout", size: layoutVersion.byteLength }, bytesOf(layoutVersion));
      await this.#tar.end();
    });
  }
}
