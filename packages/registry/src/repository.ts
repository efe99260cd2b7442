import { randomUUID } from "node:crypto";
import {
  digestMatches,
  isDigest,
  isVerified,
  mapConcurrent,
  OciError,
  parseAt,
  parseDigest,
  parseManifest,
  parseRepositoryName,
  parseTag,
  requiredContent,
  verified,
  type At,
  type BlobContent,
  type BlobLocator,
  type Bytes,
  type CallOptions,
  type DeleteResult,
  type Descriptor,
  type Digest,
  type GetBlobOptions,
  type GetManifestOptions,
  type ListOptions,
  type ManifestDocument,
  type OpenBlob,
  type PutBlobOptions,
  type PutBlobResult,
  type PutManifestOptions,
  type Repository,
  type Tag,
  type TagInventory,
  type TagRecord,
  type UploadSession,
} from "@drayage/oci";
import { BlobLinks } from "./storage/blobs.ts";
import { enroll, isEnrolled, withdrawIfEmpty } from "./storage/catalog.ts";
import { watchCollections, type Watch } from "./storage/collecting.ts";
import { requireEmbedded } from "./storage/embedded.ts";
import { tapped } from "./storage/hashing.ts";
import { forgetManifest } from "./storage/forget.ts";
import { Manifests, type RequiredContent } from "./storage/manifests.ts";
import type { Place } from "./storage/place.ts";
import { Referrers } from "./storage/referrers.ts";
import { admit, roomForBlob } from "./storage/room.ts";
import { requireDeletable, requireWritable, type RegistryRules } from "./storage/rules.ts";
import { Tags } from "./storage/tags.ts";
import type { UploadDesk } from "./storage/upload.ts";
import { Uses } from "./storage/uses.ts";
import { Uploads, type OpenUploadOptions } from "./storage/uploads.ts";

const concurrentTouches = 16;

/** A repository as the distribution-spec means it, over a storage driver. */
export class StoredRepository implements Repository {
  readonly name: string;
  readonly inventory: TagInventory = { listTagRecords: (options) => this.#listTagRecords(options) };
  readonly locator?: BlobLocator;
  readonly #place: Place;
  readonly #uses: Uses;
  readonly #blobs: BlobLinks;
  readonly #manifests: Manifests;
  readonly #tags: Tags;
  readonly #referrers: Referrers;
  readonly #uploads: Uploads;

  constructor(place: Place, desk: UploadDesk) {
    this.name = place.name;
    this.#place = place;
    this.#uses = new Uses(place);
    this.#blobs = new BlobLinks(place, this.#uses);
    if (place.driver.blobs.locate !== undefined) {
      this.locator = { locateBlob: (digest, options) => this.#blobs.locate(parseDigest(digest), options) };
    }
    this.#manifests = new Manifests(place);
    this.#tags = new Tags(place);
    this.#referrers = new Referrers(place, this.#manifests);
    this.#uploads = new Uploads(place, this.#blobs, desk);
  }

  async getManifest(at: At, { ifNoneMatch, signal }: GetManifestOptions = {}): Promise<ManifestDocument> {
    const document = await this.#find(at, { signal });
    if (document === undefined) throw new OciError("MANIFEST_UNKNOWN", `${this.name} has no manifest ${at}`);
    if (document.descriptor.digest === ifNoneMatch) {
      throw new OciError("NOT_MODIFIED", `${at} is still ${ifNoneMatch}`);
    }
    return document;
  }

  async headManifest(at: At, options: CallOptions = {}): Promise<Descriptor | undefined> {
    return (await this.#find(at, options))?.descriptor;
  }

  /** The manifest first and its tags last, so that no tag ever points to what cannot be read. */
  async putManifest(document: ManifestDocument, options: PutManifestOptions = {}): Promise<Descriptor> {
    const { signal } = options;
    signal?.throwIfAborted();
    requireWritable(this.#rules);
    const tags = [...new Set((options.tags ?? []).map(parseTag))];
    const { digest } = document.descriptor;
    if (!digestMatches(digest, document.bytes)) {
      throw new OciError("DIGEST_MISMATCH", `the manifest is not ${digest}`);
    }
    const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
    requireEmbedded(manifest);
    await this.#tags.require(tags, digest, options);
    const isUndisturbed = await watchCollections(this.#place.driver);
    const content = requiredContent(manifest);
    await this.#reserve(content, digest, { signal });

    const descriptor = { mediaType: manifest.mediaType, digest, size: document.bytes.byteLength };
    const stored = { descriptor, bytes: document.bytes };
    const etag = await admit(this.#place, descriptor, () => this.#manifests.store(stored));
    if (!(await isUndisturbed())) await this.#keep(content, { digest, etag });
    if (manifest.subject !== undefined) await this.#referrers.add(manifest.subject.digest, digest);
    await enroll(this.#place);
    for (const tag of tags) await this.#tags.point(tag, digest, options);
    if (tags.length > 0) await this.#requireKept(digest, isUndisturbed);
    return descriptor;
  }

  async getBlob(digest: Digest, options: GetBlobOptions = {}): Promise<BlobContent> {
    return this.#blobs.read(parseDigest(digest), options);
  }

  async headBlob(digest: Digest, options: CallOptions = {}): Promise<Descriptor | undefined> {
    return this.#blobs.find(parseDigest(digest), options);
  }

  async putBlob(
    descriptor: Descriptor,
    open: OpenBlob,
    { mountFrom, force = false, signal }: PutBlobOptions = {},
  ): Promise<PutBlobResult> {
    requireWritable(this.#rules);
    const digest = parseDigest(descriptor.digest);
    const found = force ? undefined : await this.#findOrMount(digest, { mountFrom, signal });
    if (found !== undefined) return found;
    const requireRoom = await roomForBlob(this.#place, digest);
    requireRoom(descriptor.size);
    const bytes = await open(0, { signal });
    await this.#store(descriptor, isVerified(bytes, digest) ? bytes : verified(bytes, descriptor), {
      signal,
    });
    return "uploaded";
  }

  async mountBlob(
    digest: Digest,
    { from, signal }: CallOptions & { readonly from?: string | undefined } = {},
  ): Promise<Descriptor | undefined> {
    requireWritable(this.#rules);
    const source = from === undefined ? undefined : parseRepositoryName(from);
    return this.#blobs.mount(parseDigest(digest), { from: source, signal });
  }

  async openUpload(options: OpenUploadOptions = {}): Promise<UploadSession> {
    options.signal?.throwIfAborted();
    requireWritable(this.#rules);
    return this.#uploads.open(options);
  }

  async #findOrMount(
    digest: Digest,
    { mountFrom, signal }: PutBlobOptions,
  ): Promise<"present" | "mounted" | undefined> {
    if ((await this.#blobs.retain(digest, { signal })) !== undefined) return "present";
    if (mountFrom === undefined) return undefined;
    const mounted = await this.mountBlob(digest, { from: mountFrom, signal });
    return mounted === undefined ? undefined : "mounted";
  }

  async *listTags(options: ListOptions = {}): AsyncGenerator<Tag, void, undefined> {
    if (!(await isEnrolled(this.#place, { signal: options.signal }))) {
      throw new OciError("NAME_UNKNOWN", `there is no repository ${this.name}`);
    }
    yield* this.#tags.list(options);
  }

  listReferrers(
    subject: Digest,
    options: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncIterable<Descriptor> {
    return this.#referrers.list(parseDigest(subject), options);
  }

  async deleteManifest(digest: Digest, { signal }: CallOptions = {}): Promise<DeleteResult> {
    requireDeletable(this.#rules);
    const document = await this.#manifests.find(parseDigest(digest), { signal });
    signal?.throwIfAborted();
    await this.#uses.requireUnused(digest);
    await this.#tags.requireMovable(digest);
    await this.#tags.removeFrom(digest);
    const result = await this.#manifests.remove(digest);
    await this.#tags.removeFrom(digest); // those set meanwhile
    if (document === undefined) return "absent";
    await this.#uses.requireUnused(digest, { otherwise: () => this.#manifests.store(document) });
    const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
    await forgetManifest(this.#place, manifest, digest);
    await withdrawIfEmpty(this.#place);
    return result === "deleted" ? "deleted" : "absent";
  }

  async deleteTag(
    tag: Tag,
    options: CallOptions & { readonly ifMatch?: Digest | undefined } = {},
  ): Promise<DeleteResult> {
    requireDeletable(this.#rules);
    return this.#tags.remove(parseTag(tag), options);
  }

  async deleteBlob(digest: Digest, options: CallOptions = {}): Promise<DeleteResult> {
    requireDeletable(this.#rules);
    return this.#blobs.unlink(parseDigest(digest), options);
  }

  get #rules(): RegistryRules {
    return this.#place.rules ?? {};
  }

  /** Who removes the manifest while its tags are set has looked for them too early. @throws OciError UNAVAILABLE */
  async #requireKept(digest: Digest, isUndisturbed: Watch): Promise<void> {
    const isCollected = !(await isUndisturbed());
    if (isCollected) await this.#manifests.touch(digest);
    if (await this.#manifests.has(digest)) return;
    await this.#tags.removeFrom(digest);
    // That of a client has come after this put; a collector's must not come at all.
    if (isCollected) throw new OciError("UNAVAILABLE", `${digest} was removed while it was put`);
  }

  /** Looks twice: what is missing leaves no trace, and what is here then nobody deletes before the manifest is. */
  async #reserve(content: RequiredContent, digest: Digest, options: CallOptions): Promise<void> {
    await this.#manifests.requireContent(content, options);
    await this.#uses.add([...content.blobs, ...content.manifests], digest);
    await this.#manifests.requireContent(content, options);
  }

  /**
   * Touches what a manifest needs that has been stored while garbage was collected, and takes the manifest back if
   * something has gone.
   *
   * @throws OciError MANIFEST_BLOB_UNKNOWN
   */
  async #keep(
    content: RequiredContent,
    { digest, etag }: { readonly digest: Digest; readonly etag: string | undefined },
  ): Promise<void> {
    const { blobs, manifests } = content;
    await mapConcurrent(blobs, concurrentTouches, (blob) => this.#blobs.touch(blob.digest));
    await mapConcurrent(manifests, concurrentTouches, (each) => this.#manifests.touch(each.digest));
    try {
      await this.#manifests.requireContent(content, {});
    } catch (error) {
      await this.#manifests.remove(digest, { ifMatch: etag });
      throw error;
    }
  }

  async #find(at: At, options: CallOptions): Promise<ManifestDocument | undefined> {
    const name = parseAt(at);
    const digest = isDigest(name) ? name : (await this.#tags.find(name, options))?.digest;
    return digest && this.#manifests.find(digest, options);
  }

  /** Stores bytes that prove themselves, without a session: nobody else goes on with them. */
  async #store({ digest }: Descriptor, bytes: Bytes, { signal }: CallOptions): Promise<void> {
    const { blobs } = this.#place.driver;
    const token = await blobs.begin({ id: randomUUID(), signal });
    const appended = await blobs.append(
      token,
      tapped(bytes, () => undefined, { signal }),
      { at: 0, signal },
    );
    try {
      if (appended.failure !== undefined) throw appended.failure.error;
      await blobs.commit(appended.token, digest, { verify: false });
    } catch (error) {
      await blobs.abort(appended.token); // nobody else knows of it
      throw error;
    }
    await this.#blobs.link(digest, appended.offset);
  }

  async *#listTagRecords(options: ListOptions = {}): AsyncGenerator<TagRecord, void, undefined> {
    const { signal } = options;
    for await (const tag of this.listTags(options)) {
      const state = await this.#tags.find(tag, { signal });
      const descriptor = state && (await this.headManifest(state.digest, { signal }));
      if (state === undefined || descriptor === undefined) continue;
      const { digest, mediaType, size } = descriptor;
      yield { tag, digest, mediaType, size, pushed: state.pushed };
    }
  }
}
