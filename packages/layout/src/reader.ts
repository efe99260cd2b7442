import {
  artifactTypeOf,
  childrenOf,
  isDigest,
  isOciError,
  mediaType,
  OciError,
  parseAt,
  parseManifest,
  readAll,
  referrerOf,
  resolveRange,
  verified,
  type At,
  type BlobContent,
  type CallOptions,
  type Descriptor,
  type Digest,
  type GetBlobOptions,
  type GetManifestOptions,
  type Index,
  type ListOptions,
  type Manifest,
  type ManifestDocument,
  type Source,
  type Tag,
  type TagInventory,
  type TagLister,
  type TagRecord,
} from "@drayage/oci";
import type { Content } from "./content.ts";
import {
  emptyIndex,
  findDigest,
  findTag,
  parseLayoutIndex,
  tagsOf,
  type LayoutIndex,
} from "./layout-index.ts";

/** The most bytes that a manifest may have; larger content is none. */
const manifestLimit = 4 * 1024 * 1024;

/** What an image layout tells beside what every repository does. */
export interface RootLister {
  /** Every manifest that `index.json` lists, each once, whether or not it has a tag. */
  listRoots(options?: CallOptions): AsyncIterable<Descriptor>;
}

/** An image layout as it is read, whether from a directory or from an archive. */
export class LayoutReader implements Source, TagLister, RootLister {
  readonly name: string;
  readonly inventory: TagInventory = { listTagRecords: (options) => this.#listTagRecords(options) };
  readonly #content: Content;

  constructor(name: string, content: Content) {
    this.name = name;
    this.#content = content;
  }

  async getManifest(at: At, { ifNoneMatch, signal }: GetManifestOptions = {}): Promise<ManifestDocument> {
    const document = await this.#find(at, { signal });
    if (document === undefined) throw new OciError("MANIFEST_UNKNOWN", `${this.name} has no manifest ${at}`);
    if (document.descriptor.digest === ifNoneMatch)
      throw new OciError("NOT_MODIFIED", `${at} is still ${ifNoneMatch}`);
    return document;
  }

  async headManifest(at: At, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    return (await this.#find(at, { signal }))?.descriptor;
  }

  async getBlob(digest: Digest, { range, signal }: GetBlobOptions = {}): Promise<BlobContent> {
    const descriptor = await this.headBlob(digest, { signal });
    if (descriptor === undefined) throw new OciError("BLOB_UNKNOWN", `${this.name} has no blob ${digest}`);
    const { size } = descriptor;
    if (range === undefined) {
      const body = this.#content.read(digest, { start: 0, length: size, signal });
      return { descriptor, body: verified(body, descriptor) };
    }
    const { start, end } = resolveRange(range, size);
    const body = this.#content.read(digest, { start, length: end + 1 - start, signal });
    return { descriptor, range: { start, end }, body };
  }

  async headBlob(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    const size = await this.#content.sizeOf(digest, { signal });
    signal?.throwIfAborted();
    return size === undefined ? undefined : { mediaType: mediaType.octetStream, digest, size };
  }

  async *listTags({ after, signal }: ListOptions = {}): AsyncGenerator<Tag, void, undefined> {
    const index = await this.#readIndex({ signal });
    if (index === undefined) throw new OciError("NAME_UNKNOWN", `there is no image layout at ${this.name}`);
    for (const [tag] of tagsOf(index)) {
      signal?.throwIfAborted();
      if (after === undefined || tag > after) yield tag;
    }
  }

  async *listRoots({ signal }: CallOptions = {}): AsyncGenerator<Descriptor, void, undefined> {
    const { entries } = (await this.#readIndex({ signal })) ?? emptyIndex;
    yield* new Map(entries.map(({ descriptor }) => [descriptor.digest, descriptor])).values();
  }

  async *listReferrers(
    subject: Digest,
    { artifactType, signal }: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const found = new Map<Digest, Descriptor>();
    for await (const { manifest, descriptor } of this.#walk({ signal })) {
      const isWanted = artifactType === undefined || artifactTypeOf(manifest) === artifactType;
      if (manifest.subject?.digest !== subject || !isWanted) continue;
      found.set(descriptor.digest, referrerOf(manifest, descriptor));
    }
    yield* [...found.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  /** Every manifest that `index.json` leads to, each once; what is not here is passed over. */
  async *#walk({ signal }: CallOptions): AsyncGenerator<ListedManifest, void, undefined> {
    const { entries } = (await this.#readIndex({ signal })) ?? emptyIndex;
    const queue = new Map(entries.map(({ descriptor }) => [descriptor.digest, descriptor]));
    for (const [digest, { mediaType: type }] of queue) {
      const document = await this.#document(digest, { type, signal });
      if (document === undefined) continue;
      const { descriptor } = document;
      const manifest = parseManifest(document.bytes, descriptor.mediaType);
      yield { manifest, descriptor };
      for (const child of childrenOf(manifest).manifests) {
        if (!queue.has(child.digest)) queue.set(child.digest, child);
      }
    }
  }

  async #readIndex({ signal }: CallOptions): Promise<LayoutIndex | undefined> {
    signal?.throwIfAborted();
    const bytes = await this.#content.readIndex({ signal });
    signal?.throwIfAborted();
    return bytes === undefined ? undefined : parseLayoutIndex(bytes);
  }

  async #find(at: At, { signal }: CallOptions): Promise<ManifestDocument | undefined> {
    const name = parseAt(at);
    const index = (await this.#readIndex({ signal })) ?? emptyIndex;
    const listed = isDigest(name) ? findDigest(index, name) : findTag(index, name);
    const digest = isDigest(name) ? name : listed?.digest;
    return digest && this.#document(digest, { type: listed?.mediaType, signal });
  }

  /** The content of that digest if it is a manifest; what no entry lists says itself what it is. */
  async #document(
    digest: Digest,
    { type, signal }: CallOptions & { readonly type?: string | undefined },
  ): Promise<ManifestDocument | undefined> {
    const size = await this.#content.sizeOf(digest, { signal });
    if (size === undefined) return undefined;
    if (size > manifestLimit && type === undefined) return undefined;
    const body = verified(this.#content.read(digest, { start: 0, length: size, signal }), { digest, size });
    const bytes = await readAll(body, { limit: manifestLimit });
    const mediaType = mediaTypeOf(bytes, type);
    return mediaType === undefined ? undefined : { descriptor: { mediaType, digest, size }, bytes };
  }

  async *#listTagRecords({ signal }: CallOptions = {}): AsyncGenerator<TagRecord, void, undefined> {
    for (const [tag, { digest, mediaType, size }] of tagsOf(
      (await this.#readIndex({ signal })) ?? emptyIndex,
    )) {
      signal?.throwIfAborted();
      yield { tag, digest, mediaType, size };
    }
  }
}

interface ListedManifest {
  readonly manifest: Manifest | Index;
  readonly descriptor: Descriptor;
}

/** The media type of a manifest, or `undefined` if these bytes are none and nobody said that they are. */
function mediaTypeOf(bytes: Uint8Array, type: string | undefined): string | undefined {
  try {
    return parseManifest(bytes, type).mediaType;
  } catch (error) {
    if (type === undefined && isOciError(error, "MANIFEST_INVALID")) return undefined;
    throw error;
  }
}
