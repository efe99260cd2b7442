import {
  algorithmOf,
  isOciError,
  OciError,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type UploadSession,
} from "@drayage/oci";
import type { BlobLinks } from "./blobs.ts";
import { createRunningHash, tapped, type KeptHashes, type RunningHash } from "./hashing.ts";
import type { Place } from "./place.ts";
import { findSession, type Session } from "./session.ts";
import { endUpload, uploadUnknown, type HeldUpload, type Writers } from "./writer.ts";

/** What the uploads of all repositories share. */
export interface UploadDesk {
  readonly writers: Writers;
  readonly hashes: KeptHashes;
}

/** What an upload works with. */
export interface Surroundings extends UploadDesk {
  /** It has become a blob already, and only its client does not know. */
  readonly isRepeated: boolean;
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

  async append(
    bytes: Bytes,
    { at, signal }: CallOptions & { readonly at?: number | undefined } = {},
  ): Promise<number> {
    signal?.throwIfAborted();
    if (this.#around.isRepeated) return this.#passOver(bytes, { signal });
    return this.#hold(async (held) => {
      requireOpen(held.session, this.id);
      const offset = await this.#storedOffset(held.session);
      if (at !== undefined && at !== offset) throw wrongOffset(offset, at);
      return this.#appendAt(offset, bytes, { held, signal });
    });
  }

  async status({ signal }: CallOptions = {}): Promise<number> {
    const { place } = this.#around;
    const found = await findSession(place.driver.documents, this.id, { signal });
    if (found === undefined) throw uploadUnknown(this.id);
    requireOpen(found.session, this.id);
    return this.#storedOffset(found.session);
  }

  async commit(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor> {
    signal?.throwIfAborted();
    return this.#hold(async (held) => {
      const { committed } = held.session;
      if (committed !== undefined && committed.digest !== digest) throw uploadUnknown(this.id);
      const size = committed?.size ?? (await this.#publish(digest, held));
      const descriptor = await this.#around.links.link(digest, size);
      held.session = { ...held.session, committed: { digest, size } };
      return descriptor;
    });
  }

  async cancel({ signal }: CallOptions = {}): Promise<void> {
    const { driver } = this.#around.place;
    const found = await findSession(driver.documents, this.id, { signal });
    signal?.throwIfAborted();
    this.#around.hashes.drop(this.id);
    if (found !== undefined) await endUpload(driver, this.id, found.session);
  }

  async #passOver(bytes: Bytes, { signal }: CallOptions): Promise<number> {
    for await (const _chunk of bytes) signal?.throwIfAborted();
    return this.#offset;
  }

  async #appendAt(
    at: number,
    bytes: Bytes,
    { held, signal }: CallOptions & { readonly held: HeldUpload },
  ): Promise<number> {
    const { hashes, place } = this.#around;
    const { algorithm, token } = held.session;
    const hash = at === 0 ? createRunningHash(algorithm) : hashes.take(this.id, at);
    const visited = tapped(
      bytes,
      (chunk) => {
        hash?.update(chunk);
        return held.renewIfDue();
      },
      { signal },
    );
    const appended = await place.driver.blobs.append(token, visited, { at, signal });
    held.session = { ...held.session, token: appended.token };
    this.#offset = appended.offset;
    if (hash?.size === appended.offset) hashes.keep(this.id, hash);
    if (appended.failure !== undefined) throw appended.failure.error;
    return appended.offset;
  }

  /** Turns the stored bytes into content, unless they are not what `digest` says. Resolves to their size. */
  async #publish(digest: Digest, held: HeldUpload): Promise<number> {
    const { hashes, place } = this.#around;
    const { token } = held.session;
    const hash = hashes.take(this.id, await this.#storedOffset(held.session));
    try {
      const isHashed = hash?.algorithm === algorithmOf(digest) && isHashOf(hash, digest);
      const { size } = await place.driver.blobs.commit(token, digest, { verify: !isHashed });
      return size;
    } catch (error) {
      if (!isOciError(error, "DIGEST_MISMATCH")) throw error;
      await held.end();
      throw new OciError("DIGEST_INVALID", error.message, { cause: error });
    }
  }

  async #storedOffset({ token }: Session): Promise<number> {
    return (await this.#around.place.driver.blobs.offset(token)) ?? 0;
  }

  #hold<Result>(work: (held: HeldUpload) => Promise<Result>): Promise<Result> {
    return this.#around.writers.hold(this.id, this.#around.place.name, work);
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
