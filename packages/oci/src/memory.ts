import { abortable } from "./async.ts";
import { bytesOf, isVerified, readAll, verified } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";
import { digestMatches, isDigest, type Digest } from "./digest.ts";
import { OciError } from "./errors.ts";
import type { TagInventory, TagRecord } from "./inventory.ts";
import {
  artifactTypeOf,
  parseManifest,
  referrerOf,
  requiredContent,
  type ManifestDocument,
} from "./manifest.ts";
import { beginUpload, blobDescriptor, resumeUpload, type UploadStore } from "./memory-upload.ts";
import { parseAt, parseRepositoryName, parseTag, type At, type Tag } from "./name.ts";
import { resolveRange } from "./range.ts";
import type {
  BlobContent,
  CallOptions,
  DeleteResult,
  GetBlobOptions,
  GetManifestOptions,
  ListOptions,
  OpenBlob,
  PutBlobOptions,
  PutBlobResult,
  PutManifestOptions,
  Registry,
  Repository,
  RepositoryOptions,
  UploadSession,
} from "./repository.ts";

interface Content extends UploadStore {
  readonly manifests: Map<Digest, ManifestDocument>;
  readonly tags: Map<Tag, { readonly digest: Digest; readonly pushed: number }>;
}

/**
 * A registry that lives as long as the process: the reference for what the interfaces mean.
 *
 * @example
 * const registry = new MemoryRegistry();
 * await registry.repository("library/hello").putManifest(document, { tags: ["latest"] });
 */
export class MemoryRegistry implements Registry {
  readonly #repositories = new Map<string, Content>();
  readonly #now: () => number;

  constructor({ now = Date.now }: { readonly now?: (() => number) | undefined } = {}) {
    this.#now = now;
  }

  repository(name: string, { owner }: RepositoryOptions = {}): Repository {
    return new MemoryRepository(parseRepositoryName(name), this.#repositories, { now: this.#now, owner });
  }

  async *listRepositories({ after, signal }: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const names = [...this.#repositories].filter(([, content]) => !isEmpty(content)).map(([name]) => name);
    for (const name of sortedAfter(names, after)) {
      signal?.throwIfAborted();
      yield name;
    }
  }
}

class MemoryRepository implements Repository {
  readonly name: string;
  readonly inventory: TagInventory = { listTagRecords: (options) => this.#listTagRecords(options) };
  readonly #all: Map<string, Content>;
  readonly #now: () => number;
  readonly #owner: string | undefined;

  constructor(
    name: string,
    all: Map<string, Content>,
    { now, owner }: { readonly now: () => number; readonly owner: string | undefined },
  ) {
    this.name = name;
    this.#all = all;
    this.#now = now;
    this.#owner = owner;
  }

  async getManifest(at: At, { ifNoneMatch, signal }: GetManifestOptions = {}): Promise<ManifestDocument> {
    signal?.throwIfAborted();
    const document = this.#find(at);
    if (document === undefined) throw new OciError("MANIFEST_UNKNOWN", `${this.name} has no manifest ${at}`);
    if (document.descriptor.digest === ifNoneMatch)
      throw new OciError("NOT_MODIFIED", `${at} is still ${ifNoneMatch}`);
    return document;
  }

  async headManifest(at: At, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    return this.#find(at)?.descriptor;
  }

  async putManifest(document: ManifestDocument, options: PutManifestOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    const { descriptor, bytes } = document;
    const tags = (options.tags ?? []).map(parseTag);
    if (!digestMatches(descriptor.digest, bytes)) {
      throw new OciError("DIGEST_MISMATCH", `the manifest is not ${descriptor.digest}`);
    }
    const manifest = parseManifest(bytes, descriptor.mediaType);
    this.#requireContent(requiredContent(manifest));
    this.#requireTags(tags, options);
    const stored = { mediaType: manifest.mediaType, digest: descriptor.digest, size: bytes.byteLength };
    const content = this.#content();
    content.manifests.set(descriptor.digest, { descriptor: stored, bytes });
    for (const tag of tags) content.tags.set(tag, { digest: descriptor.digest, pushed: this.#now() });
    return stored;
  }

  async getBlob(digest: Digest, { range, signal }: GetBlobOptions = {}): Promise<BlobContent> {
    signal?.throwIfAborted();
    const bytes = this.#peek()?.blobs.get(digest);
    if (bytes === undefined) throw new OciError("BLOB_UNKNOWN", `${this.name} has no blob ${digest}`);
    const descriptor = blobDescriptor(digest, bytes);
    if (range === undefined) return { descriptor, body: verified(bytesOf(bytes), descriptor) };
    const { start, end } = resolveRange(range, bytes.byteLength);
    return { descriptor, range: { start, end }, body: bytesOf(bytes.subarray(start, end + 1)) };
  }

  async headBlob(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    const bytes = this.#peek()?.blobs.get(digest);
    return bytes === undefined ? undefined : blobDescriptor(digest, bytes);
  }

  async putBlob(
    descriptor: Descriptor,
    open: OpenBlob,
    options: PutBlobOptions = {},
  ): Promise<PutBlobResult> {
    const { mountFrom, force, signal } = options;
    if (force !== true) {
      if ((await this.headBlob(descriptor.digest, { signal })) !== undefined) return "present";
      const mounted = mountFrom && (await this.mountBlob(descriptor.digest, { from: mountFrom, signal }));
      if (mounted) return "mounted";
    }
    const bytes = await open(0, { signal });
    const checked = isVerified(bytes, descriptor.digest) ? bytes : verified(bytes, descriptor);
    const whole = await abortable(readAll(checked, { limit: descriptor.size }), signal);
    this.#content().blobs.set(descriptor.digest, whole);
    return "uploaded";
  }

  async mountBlob(
    digest: Digest,
    { from, signal }: CallOptions & { readonly from?: string | undefined } = {},
  ): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    const sources = from === undefined ? [...this.#all.values()] : [this.#all.get(from)];
    const bytes = sources.find((content) => content?.blobs.has(digest))?.blobs.get(digest);
    if (bytes === undefined) return undefined;
    this.#content().blobs.set(digest, bytes);
    return blobDescriptor(digest, bytes);
  }

  async openUpload({
    id,
    signal,
  }: CallOptions & { readonly id?: string | undefined } = {}): Promise<UploadSession> {
    signal?.throwIfAborted();
    const owner = this.#owner;
    return id === undefined
      ? beginUpload(this.#content(), owner)
      : resumeUpload(id, { store: this.#peek(), owner });
  }

  async *listTags({ after, signal }: ListOptions = {}): AsyncGenerator<Tag, void, undefined> {
    const content = this.#peek();
    if (content === undefined || isEmpty(content)) throw nameUnknown(this.name);
    for (const tag of sortedAfter(content.tags.keys(), after)) {
      signal?.throwIfAborted();
      yield tag;
    }
  }

  async *listReferrers(
    subject: Digest,
    { artifactType, signal }: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const documents = [...(this.#peek()?.manifests.values() ?? [])];
    for (const { bytes, descriptor } of documents.sort(byDigest)) {
      signal?.throwIfAborted();
      const manifest = parseManifest(bytes, descriptor.mediaType);
      const isWanted = artifactType === undefined || artifactTypeOf(manifest) === artifactType;
      if (manifest.subject?.digest === subject && isWanted) yield referrerOf(manifest, descriptor);
    }
  }

  async deleteManifest(digest: Digest, { signal }: CallOptions = {}): Promise<DeleteResult> {
    signal?.throwIfAborted();
    const content = this.#peek();
    if (content === undefined) return "absent";
    for (const [tag, { digest: tagged }] of content.tags) if (tagged === digest) content.tags.delete(tag);
    return content.manifests.delete(digest) ? "deleted" : "absent";
  }

  async deleteTag(
    tag: Tag,
    { ifMatch, signal }: CallOptions & { readonly ifMatch?: Digest | undefined } = {},
  ): Promise<DeleteResult> {
    signal?.throwIfAborted();
    const tags = this.#peek()?.tags;
    const found = tags?.get(parseTag(tag));
    if (found !== undefined && ifMatch !== undefined && found.digest !== ifMatch) throw moved(tag);
    return tags?.delete(tag) === true ? "deleted" : "absent";
  }

  async deleteBlob(digest: Digest, { signal }: CallOptions = {}): Promise<DeleteResult> {
    signal?.throwIfAborted();
    return this.#peek()?.blobs.delete(digest) === true ? "deleted" : "absent";
  }

  #peek(): Content | undefined {
    return this.#all.get(this.name);
  }

  #content(): Content {
    const found = this.#peek();
    if (found !== undefined) return found;
    const content: Content = { blobs: new Map(), manifests: new Map(), tags: new Map(), uploads: new Map() };
    this.#all.set(this.name, content);
    return content;
  }

  #find(at: At): ManifestDocument | undefined {
    const content = this.#peek();
    const name = parseAt(at);
    const digest = isDigest(name) ? name : content?.tags.get(name)?.digest;
    return digest === undefined ? undefined : content?.manifests.get(digest);
  }

  #requireContent({
    blobs,
    manifests,
  }: {
    readonly blobs: readonly Descriptor[];
    readonly manifests: readonly Descriptor[];
  }): void {
    const content = this.#peek();
    const missing = [
      ...blobs.filter(({ digest }) => content?.blobs.has(digest) !== true),
      ...manifests.filter(({ digest }) => content?.manifests.has(digest) !== true),
    ].map(({ digest }) => digest);
    if (missing.length === 0) return;
    throw new OciError("MANIFEST_BLOB_UNKNOWN", `${this.name} lacks ${missing.join(", ")}`, {
      detail: { digests: missing },
    });
  }

  #requireTags(tags: readonly Tag[], { ifMatch, ifNoneMatch }: PutManifestOptions): void {
    for (const tag of tags) {
      const digest = this.#peek()?.tags.get(tag)?.digest;
      if (ifMatch !== undefined && digest !== ifMatch) throw moved(tag);
      if (ifNoneMatch !== undefined && digest !== undefined) throw moved(tag);
    }
  }

  async *#listTagRecords(options: ListOptions = {}): AsyncGenerator<TagRecord, void, undefined> {
    for await (const tag of this.listTags(options)) {
      const content = this.#peek();
      const found = content?.tags.get(tag);
      const descriptor = found && content?.manifests.get(found.digest)?.descriptor;
      if (found === undefined || descriptor === undefined) continue;
      const { mediaType, size } = descriptor;
      yield { tag, digest: found.digest, mediaType, size, pushed: found.pushed };
    }
  }
}

function isEmpty({ blobs, manifests, tags }: Content): boolean {
  return blobs.size + manifests.size + tags.size === 0;
}

/** In byte order, as every list of the distribution-spec is; all names are ASCII. */
function sortedAfter(names: Iterable<string>, after: string | undefined): readonly string[] {
  return [...names]
    .filter((name) => after === undefined || name > after)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function byDigest(a: ManifestDocument, b: ManifestDocument): number {
  return a.descriptor.digest < b.descriptor.digest ? -1 : 1;
}

function nameUnknown(name: string): OciError {
  return new OciError("NAME_UNKNOWN", `there is no repository ${name}`);
}

function moved(tag: Tag): OciError {
  return new OciError("PRECONDITION_FAILED", `tag ${tag} is not where it was expected`);
}
