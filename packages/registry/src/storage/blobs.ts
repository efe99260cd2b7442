import { randomUUID } from "node:crypto";
import {
  mediaType,
  OciError,
  resolveRange,
  type BlobContent,
  type CallOptions,
  type DeleteResult,
  type Descriptor,
  type Digest,
  type GetBlobOptions,
  type StoredDocument,
} from "@drayage/oci";
import { enroll, withdrawIfEmpty } from "./catalog.ts";
import { watchCollections, type Watch } from "./collecting.ts";
import { blobKey, holderKey, holdersPrefix } from "./keys.ts";
import { listKeys } from "./list.ts";
import type { Place } from "./place.ts";
import { encodeRecord, numberOf, parseRecord } from "./record.ts";
import { admit } from "./room.ts";
import type { Uses } from "./uses.ts";

/** How long it is after one note that a blob is wanted until the next is worth a write, in milliseconds. */
const retained = 600_000;

/** The blobs of one repository: links to content that repositories share. */
export class BlobLinks {
  readonly #place: Place;
  readonly #uses: Uses;

  constructor(place: Place, uses: Uses) {
    this.#place = place;
    this.#uses = uses;
  }

  async find(digest: Digest, options: CallOptions = {}): Promise<Descriptor | undefined> {
    return this.#findIn(this.#place.name, digest, options);
  }

  async read(digest: Digest, { range, signal }: GetBlobOptions): Promise<BlobContent> {
    const descriptor = await this.find(digest, { signal });
    if (descriptor === undefined) {
      throw new OciError("BLOB_UNKNOWN", `${this.#place.name} has no blob ${digest}`);
    }
    const { blobs } = this.#place.driver;
    if (range === undefined) {
      return { descriptor, body: blobs.read(digest, { start: 0, length: descriptor.size, signal }) };
    }
    const { start, end } = resolveRange(range, descriptor.size);
    const body = blobs.read(digest, { start, length: end - start + 1, signal });
    return { descriptor, range: { start, end }, body };
  }

  /** Only for what this repository has, as everything. */
  async locate(digest: Digest, options: CallOptions = {}): Promise<string | undefined> {
    const descriptor = await this.find(digest, options);
    return descriptor && this.#place.driver.blobs.locate?.(digest, options);
  }

  /**
   * Makes content that is stored a blob of this repository.
   *
   * The link comes first and the look at the bytes second, a sweeper does it the other way round: whichever
   * is first, nobody is told that a blob is here whose bytes are not.
   *
   * @throws OciError DENIED if there is no room for it
   */
  async link(digest: Digest, size: number): Promise<Descriptor> {
    return admit(this.#place, { digest, size }, () => this.#link(digest, size));
  }

  async #link(digest: Digest, size: number): Promise<Descriptor> {
    const { driver, name } = this.#place;
    const isUndisturbed = await watchCollections(driver);
    await this.#lead(digest);
    const etag = await driver.documents.put(blobKey(name, digest), encodeLink(size));
    await enroll(this.#place);
    if (!(await this.#hold(digest, isUndisturbed))) {
      await driver.documents.delete(blobKey(name, digest), { ifMatch: etag });
      throw new OciError("UNAVAILABLE", `${digest} was removed while it was linked`);
    }
    return descriptorOf(digest, size);
  }

  /** Notes that the blob is wanted: whoever has found it to be garbage before may not remove it any more. */
  async touch(digest: Digest): Promise<void> {
    const link = await this.#linkOf(digest);
    if (link !== undefined) await this.#touch(digest, link);
  }

  /** The blob for who is about to rely on it, so that it is not garbage for a while. */
  async retain(digest: Digest, options: CallOptions): Promise<Descriptor | undefined> {
    const link = await this.#linkOf(digest, options);
    if (link === undefined) return undefined;
    if (this.#place.now() - link.modified > retained) await this.#touch(digest, link);
    return descriptorOf(digest, sizeOf(link));
  }

  /** Takes the blob over from `from`, or from any repository that has it. */
  async mount(
    digest: Digest,
    { from, signal }: CallOptions & { readonly from?: string | undefined },
  ): Promise<Descriptor | undefined> {
    const here = await this.retain(digest, { signal });
    if (here !== undefined) return here;
    const found =
      from === undefined
        ? await this.#findAnywhere(digest, { signal })
        : await this.#findIn(from, digest, { signal });
    return found && this.link(digest, found.size);
  }

  /** Removes the blob from this repository only; its bytes stay for those who have it too. */
  async unlink(digest: Digest, options: CallOptions): Promise<DeleteResult> {
    const { driver, name } = this.#place;
    const found = await this.find(digest, options);
    if (found === undefined) return "absent";
    await this.#uses.requireUnused(digest);
    const result = await driver.documents.delete(blobKey(name, digest), options);
    if (result !== "deleted") return "absent";
    // Somebody may have begun to need it meanwhile.
    await this.#uses.requireUnused(digest, { otherwise: () => this.#link(digest, found.size) });
    await withdrawIfEmpty(this.#place);
    return "deleted";
  }

  #linkOf(digest: Digest, options: CallOptions = {}): Promise<StoredDocument | undefined> {
    const { driver, name } = this.#place;
    return driver.documents.get(blobKey(name, digest), options);
  }

  async #touch(digest: Digest, link: StoredDocument): Promise<void> {
    const { driver, name } = this.#place;
    await driver.documents.put(blobKey(name, digest), encodeLink(sizeOf(link)), { ifMatch: link.etag });
  }

  /** Puts down what leads from the content to this repository. */
  async #lead(digest: Digest): Promise<void> {
    const { driver, name } = this.#place;
    await driver.documents.put(holderKey(digest, name), encodeRecord({ mark: randomUUID() }));
  }

  /** Whether the bytes of what has been linked are here, and stay. */
  async #hold(digest: Digest, isUndisturbed: Watch): Promise<boolean> {
    const { blobs } = this.#place.driver;
    if (await isUndisturbed()) return (await blobs.stat(digest)) !== undefined;
    // What leads here may have been taken for something left over, before the link was there.
    await this.#lead(digest);
    return blobs.touch(digest);
  }

  async #findAnywhere(digest: Digest, options: CallOptions): Promise<Descriptor | undefined> {
    for await (const name of listKeys(this.#place.driver.documents, holdersPrefix(digest), options)) {
      const found = await this.#findIn(name, digest, options);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #findIn(name: string, digest: Digest, options: CallOptions): Promise<Descriptor | undefined> {
    const link = await this.#place.driver.documents.get(blobKey(name, digest), options);
    return link && descriptorOf(digest, sizeOf(link));
  }
}

function sizeOf(link: StoredDocument): number {
  return numberOf(parseRecord(link.bytes), "size");
}

/** A link that differs from every other one, so that its etag tells whether it has been touched. */
function encodeLink(size: number): Uint8Array {
  return encodeRecord({ size, mark: randomUUID() });
}

function descriptorOf(digest: Digest, size: number): Descriptor {
  return { mediaType: mediaType.octetStream, digest, size };
}
