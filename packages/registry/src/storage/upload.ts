import {
  algorithmOf,
  isOciError,
  OciError,
  type AppendToUploadOptions,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type UploadSession,
} from "@drayage/oci";
import type { BlobLinks } from "./blobs.ts";
import { createRunningHash, tapped, type KeptHashes, type RunningHash } from "./hashing.ts";
import type { Place } from "./place.ts";
import { openPortableHash } from "./portable-hash.ts";
import { roomForBlob, type RequireRoom } from "./room.ts";
import { findSession, type Session } from "./session.ts";
import { endUpload, uploadUnknown, type HeldUpload, type WantedUpload, type Writers } from "./writer.ts";

/** What the uploads of all repositories share. */
export interface UploadDesk {
  readonly writers: Writers;
  readonly hashes: KeptHashes;
}

/** What an upload works with. */
export interface Surroundings extends UploadDesk {
  /** It has become a blob already, and only its client does not know. */
  readonly isRepeated: boolean;
  /** What it will be committed as, if the rest comes now and is committed in the same breath. */
  readonly closingAs: Digest | undefined;
  readonly place: Place;
  readonly links: BlobLinks;
}

/** One upload; what it knows beside its id is looked up anew for every call, since others may go on with it. */
export class StoredUpload implements UploadSession {
  readonly id: string;
  #offset: number;
  readonly #around: Surroundings;

  constructor(id: string, offset: number, around: Surroundings) {
    this.id = id;
    this.#offset = offset;
    this.#around = around;
  }

  get offset(): number {
    return this.#offset;
  }

  async append(bytes: Bytes, { at, size = 0, signal }: AppendToUploadOptions = {}): Promise<number> {
    signal?.throwIfAborted();
    if (this.#around.isRepeated) return this.#passOver(bytes, { signal });
    const work = async (held: HeldUpload): Promise<number> => {
      requireOpen(held.session, this.id);
      const offset = await this.#openOffset(held.session);
      if (at !== undefined && at !== offset) throw wrongOffset(offset, at);
      const requireRoom = await roomForBlob(this.#around.place, this.#around.closingAs);
      requireRoom(offset + size);
      return this.#appendAt(offset, bytes, { held, requireRoom, signal });
    };
    return this.#hold(work, { most: this.#around.place.rules?.uploadsAtOnce });
  }

  async status({ signal }: CallOptions = {}): Promise<number> {
    const { place } = this.#around;
    const found = await findSession(place.driver.documents, this.id, { signal });
    if (found === undefined) throw uploadUnknown(this.id);
    requireOpen(found.session, this.id);
    return this.#openOffset(found.session);
  }

  async commit(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor> {
    signal?.throwIfAborted();
    const work = async (held: HeldUpload): Promise<Descriptor> => {
      const { committed } = held.session;
      if (committed !== undefined && committed.digest !== digest) throw uploadUnknown(this.id);
      const size = committed?.size ?? (await this.#publish(digest, held));
      const descriptor = await this.#around.links.link(digest, size);
      // Where nobody else writes, what was to be made of an upload whose bytes are gone tells what it has become.
      if (!this.#around.place.driver.exclusive) {
        held.session = { ...held.session, committed: { digest, size } };
      }
      return descriptor;
    };
    return this.#hold(work, { committing: digest });
  }

  async cancel({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#around.hashes.drop(this.id);
    await endUpload(this.#around.place.driver, this.id);
  }

  async #passOver(bytes: Bytes, { signal }: CallOptions): Promise<number> {
    for await (const _chunk of bytes) signal?.throwIfAborted();
    return this.#offset;
  }

  async #appendAt(
    at: number,
    bytes: Bytes,
    {
      held,
      requireRoom,
      signal,
    }: CallOptions & { readonly held: HeldUpload; readonly requireRoom: RequireRoom },
  ): Promise<number> {
    const { hashes, place } = this.#around;
    const { token } = held.session;
    const hash = at === 0 ? await this.#newHash(held.session) : await this.#hashOf(held.session, at);
    let received = at;
    const visited = tapped(
      bytes,
      (chunk) => {
        requireRoom((received += chunk.byteLength));
        hash?.update(chunk);
        return held.renewIfDue();
      },
      { signal },
    );
    const appended = await place.driver.blobs.append(token, visited, { at, signal });
    const isWhole = hash?.size === appended.offset;
    held.session = {
      ...held.session,
      token: appended.token,
      hash: isWhole ? hash.save?.() : undefined,
    };
    this.#offset = appended.offset;
    if (isWhole) hashes.keep(this.id, hash, appended.token);
    if (appended.failure !== undefined) throw appended.failure.error;
    return appended.offset;
  }

  /** Turns the stored bytes into content, unless they are not what `digest` says. Resolves to their size. */
  async #publish(digest: Digest, held: HeldUpload): Promise<number> {
    const { token } = held.session;
    const hash = await this.#hashOf(held.session, await this.#storedOffset(held.session));
    try {
      const isHashed = hash?.algorithm === algorithmOf(digest) && isHashOf(hash, digest);
      const { blobs } = this.#around.place.driver;
      const { size } = await blobs.commit(token, digest, { verify: !isHashed });
      return size;
    } catch (error) {
      if (isOciError(error, "BLOB_UPLOAD_UNKNOWN")) return this.#publishedBefore(digest, held);
      if (!isOciError(error, "DIGEST_MISMATCH")) throw error;
      await held.end();
      throw new OciError("DIGEST_INVALID", error.message, { cause: error });
    }
  }

  /**
   * The size of the blob that an earlier commit has made of this upload, and then could not tell.
   *
   * Only that commit's own digest: whoever could name another one would get a blob whose bytes he never had
   * (CVE-2024-39897 is of this kind).
   */
  async #publishedBefore(digest: Digest, held: HeldUpload): Promise<number> {
    const { blobs } = this.#around.place.driver;
    const content = held.wasCommitting === digest ? await blobs.stat(digest) : undefined;
    if (content === undefined) {
      await held.end();
      throw uploadUnknown(this.id);
    }
    await held.renew(); // unless it has been cancelled, and its bytes are gone for that reason
    return content.size;
  }

  /** The runtime's own hash is faster, and enough where it need not outlive this process. */
  async #newHash({ algorithm }: Session): Promise<RunningHash | undefined> {
    const { closingAs, place } = this.#around;
    const mayMove = place.driver.remote && closingAs === undefined;
    return mayMove ? openPortableHash(algorithm) : createRunningHash(algorithm);
  }

  /** The hash of the stored bytes, if anybody knows it. */
  async #hashOf({ algorithm, hash, token }: Session, size: number): Promise<RunningHash | undefined> {
    const kept = this.#around.hashes.take(this.id, { token, size });
    if (kept !== undefined || hash?.size !== size) return kept;
    return openPortableHash(algorithm, hash);
  }

  /** @throws OciError BLOB_UPLOAD_UNKNOWN if it has become a blob */
  async #openOffset(session: Session): Promise<number> {
    const offset = await this.#around.place.driver.blobs.offset(session.token);
    if (offset === undefined && session.committing !== undefined) throw uploadUnknown(this.id);
    return offset ?? 0;
  }

  async #storedOffset({ token }: Session): Promise<number> {
    return (await this.#around.place.driver.blobs.offset(token)) ?? 0;
  }

  #hold<Result>(
    work: (held: HeldUpload) => Promise<Result>,
    how: Pick<WantedUpload, "committing" | "most"> = {},
  ): Promise<Result> {
    const { place, writers } = this.#around;
    const { name, owner } = place;
    return writers.hold({ id: this.id, repository: name, owner, ...how }, work);
  }
}

/** @throws OciError DIGEST_MISMATCH */
function isHashOf(hash: RunningHash, digest: Digest): boolean {
  const actual = hash.digest();
  if (actual !== digest)
    throw new OciError("DIGEST_MISMATCH", `the upload hashes to ${actual}, not to ${digest}`);
  return true;
}

function requireOpen({ committed }: Session, id: string): void {
  if (committed !== undefined) throw uploadUnknown(id);
}

function wrongOffset(offset: number, at: number): OciError {
  return new OciError("RANGE_INVALID", `the upload is at byte ${offset}, not ${at}`, { detail: { offset } });
}
