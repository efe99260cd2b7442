import { randomUUID } from "node:crypto";
import { algorithmOf, type CallOptions, type Digest, type DigestAlgorithm } from "@drayage/oci";
import type { BlobLinks } from "./blobs.ts";
import type { Place } from "./place.ts";
import { roomForBlob } from "./room.ts";
import { findSession, storeSession, type Session } from "./session.ts";
import { StoredUpload, type UploadDesk } from "./upload.ts";
import { uploadUnknown } from "./writer.ts";

/** How long an upload that has become a blob can be committed once more, in milliseconds. */
export const repeatable = 3_600_000;

export type OpenUploadOptions = CallOptions & {
  readonly id?: string | undefined;
  readonly algorithm?: DigestAlgorithm | undefined;
  readonly digest?: Digest | undefined;
};

/** The uploads of one repository. */
export class Uploads {
  readonly #place: Place;
  readonly #links: BlobLinks;
  readonly #desk: UploadDesk;

  constructor(place: Place, links: BlobLinks, desk: UploadDesk) {
    this.#place = place;
    this.#links = links;
    this.#desk = desk;
  }

  async open({ id, algorithm, digest, signal }: OpenUploadOptions): Promise<StoredUpload> {
    return id === undefined
      ? this.#begin({ algorithm: algorithm ?? (digest && algorithmOf(digest)) ?? "sha256", digest, signal })
      : this.#resume(id, { digest, signal });
  }

  async #begin({
    algorithm,
    digest,
    signal,
  }: CallOptions & {
    readonly algorithm: DigestAlgorithm;
    readonly digest: Digest | undefined;
  }): Promise<StoredUpload> {
    const { driver, name, owner } = this.#place;
    await roomForBlob(this.#place, digest);
    const id = randomUUID();
    const token = await driver.blobs.begin({ id, signal });
    const session = { repository: name, owner, token, algorithm };
    try {
      await storeSession(driver.documents, id, { session, etag: undefined });
    } catch (error) {
      await driver.blobs.abort(token); // nobody else knows of it
      throw error;
    }
    return this.#uploadAt(id, 0, { digest });
  }

  async #resume(
    id: string,
    { digest, signal }: CallOptions & { readonly digest: Digest | undefined },
  ): Promise<StoredUpload> {
    const { driver, name, owner, now } = this.#place;
    const found = isUuid(id) ? await findSession(driver.documents, id, { signal }) : undefined;
    const isOurs = found?.session.repository === name && found.session.owner === owner;
    if (found === undefined || !isOurs) throw uploadUnknown(id);
    const offset = await driver.blobs.offset(found.session.token, { signal });
    const committed = found.session.committed ?? (await this.#published(found.session, offset));
    if (committed === undefined) return this.#uploadAt(id, offset ?? 0, { digest });
    const isRepeated = committed.digest === digest && now() - found.modified < repeatable;
    if (!isRepeated) throw uploadUnknown(id);
    return this.#uploadAt(id, committed.size, { digest, isRepeated });
  }

  /** What an upload has become whose bytes are gone. */
  async #published({ committing }: Session, offset: number | undefined): Promise<Session["committed"]> {
    if (committing === undefined || offset !== undefined) return undefined;
    const blob = await this.#links.find(committing);
    return blob && { digest: committing, size: blob.size };
  }

  #uploadAt(
    id: string,
    offset: number,
    { digest, isRepeated = false }: { readonly digest: Digest | undefined; readonly isRepeated?: boolean },
  ): StoredUpload {
    return new StoredUpload(id, offset, {
      place: this.#place,
      links: this.#links,
      isRepeated,
      closingAs: digest,
      ...this.#desk,
    });
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function isUuid(text: string): boolean {
  return uuid.test(text);
}
