import type { FileHandle } from "node:fs/promises";
import {
  bytesOf,
  createDigester,
  hexOf,
  isVerified,
  mediaType,
  OciError,
  verified,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type OpenBlob,
  type PutBlobResult,
  type Tag,
} from "@drayage/oci";
import type { Content } from "./content.ts";
import { readPart, type ReadPart } from "./disk.ts";
import { compressionOf, expand } from "./expand.ts";
import { hashed } from "./hashed.ts";
import { emptyIndex, formatLayoutIndex, type LayoutIndex } from "./layout-index.ts";
import { TarWriter } from "./tar/writer.ts";
import { createTurns } from "./turns.ts";

/** Whether content of this type is the configuration of an image. */
export function isImageConfig(type: string): boolean {
  return type === mediaType.ociConfig || type === mediaType.dockerConfig;
}

/** A configuration or layer as it is in the archive. */
export interface SavedBlob {
  /** What it hashes to without compression. */
  readonly diffId: Digest;
  /** The file of the archive that has it. */
  readonly path: string;
  /** How many bytes it had when it came. */
  readonly size: number;
  /** Where it starts in the archive. */
  readonly offset: number;
  /** Whether it came compressed, and is not there any more as it came. */
  readonly isExpanded: boolean;
}

/** One entry of `manifest.json`. */
export interface SavedImage {
  readonly config: string;
  readonly names: readonly (readonly [name: string, tag: Tag])[];
  readonly layers: readonly string[];
}

/** The content of an archive for docker that is being written. */
export class DockerDraft implements Content {
  readonly #file: FileHandle;
  readonly #tar: TarWriter;
  readonly #blobs = new Map<Digest, SavedBlob>();
  /** Where the content of each file starts; the same layer in two compressions is one file. */
  readonly #files = new Map<string, number>();
  readonly #manifests = new Map<Digest, Uint8Array>();
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
    return this.#manifests.get(digest)?.byteLength ?? this.#blobs.get(digest)?.size;
  }

  async *read(
    digest: Digest,
    { start, length, signal }: ReadPart,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const manifest = this.#manifests.get(digest);
    if (manifest !== undefined) return yield* bytesOf(manifest.subarray(start, start + length));
    const blob = this.#blobs.get(digest);
    if (blob === undefined) throw new OciError("BLOB_UNKNOWN", `the archive has no content ${digest}`);
    if (blob.isExpanded)
      throw new OciError("UNSUPPORTED", `the archive has ${digest} without its compression only`);
    yield* readPart(this.#file, { start: blob.offset + start, length, signal });
  }

  blob(digest: Digest): SavedBlob | undefined {
    return this.#blobs.get(digest);
  }

  /** Appends content; one after the other, so it is opened when its turn has come. */
  async put(descriptor: Descriptor, open: OpenBlob, { signal }: CallOptions): Promise<PutBlobResult> {
    return this.#inTurn(async () => {
      const { digest } = descriptor;
      if (this.#blobs.has(digest)) return "present";
      const bytes = await open(0, { signal });
      const checked = isVerified(bytes, digest) ? bytes : verified(bytes, descriptor);
      this.#blobs.set(digest, await this.#append(descriptor, checked, { signal }));
      return "uploaded";
    });
  }

  /** Keeps a manifest in mind, and lists it as `change` says. */
  async list(document: ManifestDocument, change: (index: LayoutIndex) => LayoutIndex): Promise<void> {
    await this.#inTurn(async () => {
      this.#index = change(this.#index);
      this.#manifests.set(document.descriptor.digest, document.bytes);
    });
  }

  /** Ends the archive, which holds the images that are listed at last. */
  async end(imagesOf: (index: LayoutIndex) => readonly SavedImage[]): Promise<void> {
    await this.#inTurn(async () => {
      const images = imagesOf(this.#index);
      await this.#addJson("repositories", repositoriesOf(images));
      // The last, so that an archive that is cut short is none.
      await this.#addJson("manifest.json", images.map(entryOf));
      await this.#tar.end();
    });
  }

  async #append(descriptor: Descriptor, bytes: Bytes, { signal }: CallOptions): Promise<SavedBlob> {
    const compression = compressionOf(descriptor.mediaType);
    const expanded = compression === undefined ? bytes : expand(bytes, compression);
    const digester = createDigester();
    const size = await this.#tar.write(hashed(expanded, digester), { what: descriptor.digest, signal });
    const diffId = digester.digest();
    const path = pathOf(diffId, descriptor.mediaType);
    const offset = this.#files.get(path) ?? (await this.#tar.commit({ name: path, size }));
    this.#files.set(path, offset);
    return { diffId, path, size: descriptor.size, offset, isExpanded: compression !== undefined };
  }

  async #addJson(name: string, value: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    await this.#tar.add({ name, size: bytes.byteLength }, bytesOf(bytes));
  }
}

/** Docker wants no other name, only one that leads nowhere else. */
function pathOf(diffId: Digest, type: string): string {
  return `${hexOf(diffId)}.${isImageConfig(type) ? "json" : "tar"}`;
}

/** @see https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format */
function entryOf({ config, names, layers }: SavedImage): unknown {
  return { Config: config, RepoTags: names.map(([name, tag]) => `${name}:${tag}`), Layers: layers };
}

/** What docker before 1.10 went by, and what other tools still look for: names, tags, and the topmost layer. */
function repositoriesOf(images: readonly SavedImage[]): unknown {
  const repositories = new Map<string, Record<string, string>>();
  for (const { names, layers } of images) {
    const top = layers.at(-1)?.replace(/\.tar$/, "");
    if (top === undefined) continue;
    for (const [name, tag] of names) repositories.set(name, { ...repositories.get(name), [tag]: top });
  }
  return Object.fromEntries(repositories);
}
