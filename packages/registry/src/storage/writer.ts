import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  isOciError,
  OciError,
  type Digest,
  type DocumentStore,
  type RemoveResult,
  type StorageDriver,
} from "@drayage/oci";
import { uploadKey } from "./keys.ts";
import { findSession, readSession, storeSession, type Session, type StoredSession } from "./session.ts";

/** After how long whoever has too many uploads may try again, in milliseconds. */
const pause = 5000;
/** How long a writer that says nothing keeps its claim, in milliseconds. */
const lease = 120_000;
/** How long an upload is written to without a sign of it, in milliseconds. */
const quiet = 600_000;

/** Sees to it that every upload has one writer at a time, over all processes that share the storage. */
export class Writers {
  readonly #driver: StorageDriver;
  readonly #now: () => number;
  readonly #instance = randomUUID();
  /** The uploads that are written to here, and whose they are: where no other process has the storage, nothing else need be known. */
  readonly #held = new Map<string, string | undefined>();

  constructor(driver: StorageDriver, now: () => number) {
    this.#driver = driver;
    this.#now = now;
  }

  /**
   * Runs `work` as the only writer of the upload.
   *
   * @throws OciError RANGE_INVALID if there is another writer, BLOB_UPLOAD_UNKNOWN, TOOMANYREQUESTS
   */
  async hold<Result>(upload: WantedUpload, work: (held: HeldUpload) => Promise<Result>): Promise<Result> {
    const { id, owner, most = Infinity } = upload;
    if (this.#held.has(id)) throw busy(id);
    if (this.#heldBy(owner) >= most) throw tooMany(most);
    this.#held.set(id, owner);
    try {
      return await this.#holdHere(upload, work);
    } finally {
      this.#held.delete(id);
    }
  }

  #heldBy(owner: string | undefined): number {
    return [...this.#held.values()].filter((each) => each === owner).length;
  }

  async #holdHere<Result>(
    upload: WantedUpload,
    work: (held: HeldUpload) => Promise<Result>,
  ): Promise<Result> {
    const held = await this.#claim(upload);
    let result: Result;
    try {
      result = await work(held);
    } catch (error) {
      await held.release().catch(() => undefined); // the error tells more; the claim runs out
      throw error;
    }
    await held.release();
    return result;
  }

  async #claim({ id, repository, committing }: WantedUpload): Promise<HeldUpload> {
    const found = await findSession(this.#driver.documents, id);
    if (found === undefined || found.session.repository !== repository) throw uploadUnknown(id);
    if (this.#isClaimed(found.session)) throw busy(id);
    const held = new HeldUpload(id, found, {
      driver: this.#driver,
      claim: () => ({ by: this.#instance, until: this.#now() + lease }),
      now: this.#now,
    });
    if (committing !== undefined) held.session = { ...held.session, committing };
    if (committing !== undefined || !this.#driver.exclusive) await held.renew();
    else await held.renewIfDue();
    return held;
  }

  #isClaimed({ claim }: Session): boolean {
    return !this.#driver.exclusive && claim !== undefined && claim.until > this.#now();
  }
}

/** Which upload to hold, and what for. */
export interface WantedUpload {
  readonly id: string;
  readonly repository: string;
  /** What is to be made of it. */
  readonly committing?: Digest | undefined;
  /** Whose it is, where users are known. */
  readonly owner: string | undefined;
  /** How many its owner may write to at a time. */
  readonly most?: number | undefined;
}

interface Holder {
  readonly driver: StorageDriver;
  readonly claim: () => { readonly by: string; readonly until: number };
  readonly now: () => number;
}

/** An upload in the hands of its only writer. */
export class HeldUpload {
  /** What will be stored when the writer lets go. */
  session: Session;
  /** What the writer before was about to make of it. */
  readonly wasCommitting: Digest | undefined;
  readonly #id: string;
  readonly #holder: Holder;
  #stored: Session;
  #etag: string;
  #noted: number;
  #isGone = false;

  constructor(id: string, { session, etag, modified }: StoredSession, holder: Holder) {
    this.#id = id;
    this.session = session;
    this.#stored = session;
    this.wasCommitting = session.committing;
    this.#etag = etag;
    this.#noted = modified;
    this.#holder = holder;
  }

  /** Renews the claim once half of it has passed. @throws OciError RANGE_INVALID if somebody else has taken over */
  renewIfDue(): Promise<void> | undefined {
    if (this.#holder.driver.exclusive) {
      return this.#holder.now() - this.#noted < quiet ? undefined : this.#note();
    }
    const until = this.session.claim?.until ?? 0;
    return until - this.#holder.now() < lease / 2 ? this.renew() : undefined;
  }

  async renew(): Promise<void> {
    const claim = this.#holder.driver.exclusive ? undefined : this.#holder.claim();
    this.session = { ...this.session, claim };
    await this.#store();
  }

  /** Leaves a sign of life where no claim does: the upload is not as it was for who wants to end it. */
  async #note(): Promise<void> {
    this.session = { ...this.session, claim: this.#holder.claim() };
    await this.#store();
    this.#noted = this.#holder.now();
  }

  /** Lets others write. */
  async release(): Promise<void> {
    if (this.#isGone) return;
    this.session = { ...this.session, claim: undefined };
    if (isDeepStrictEqual(this.session, { ...this.#stored, claim: undefined }))
      await this.#requireUnchanged();
    else await this.#store();
  }

  /** Ends the upload; nothing is left of it. */
  async end(): Promise<void> {
    this.#isGone = true;
    await endUpload(this.#holder.driver, this.#id);
  }

  async #store(): Promise<void> {
    const { session } = this;
    const etag = await storeSession(this.#holder.driver.documents, this.#id, { session, etag: this.#etag });
    if (etag === undefined) throw await this.#lost();
    this.#etag = etag;
    this.#stored = session;
  }

  /** Where there is nothing to store: somebody may have cancelled the upload meanwhile. */
  async #requireUnchanged(): Promise<void> {
    if (this.#stored.claim !== undefined) return this.#store();
    const found = await findSession(this.#holder.driver.documents, this.#id);
    if (found?.etag !== this.#etag) throw await this.#lost();
  }

  /** Why the session is not as we left it. */
  async #lost(): Promise<OciError> {
    const found = await findSession(this.#holder.driver.documents, this.#id);
    return found === undefined ? uploadUnknown(this.#id) : busy(this.#id);
  }
}

/**
 * Removes an upload. Nobody may go on with it from the first moment: without its bytes it would look as if they
 * had become a blob. The session is removed last, so that a second attempt finds what the first has left.
 *
 * @param options.ifMatch only if nobody has gone on with it since its session was at this etag
 */
export async function endUpload(
  { blobs, documents }: StorageDriver,
  id: string,
  { ifMatch }: { readonly ifMatch?: string | undefined } = {},
): Promise<RemoveResult> {
  for (;;) {
    const found = await readSession(documents, id);
    if (found === undefined) return "absent";
    const isEnded = found.session.isEnded === true;
    if (!isEnded && ifMatch !== undefined && found.etag !== ifMatch) return "changed";
    if (!isEnded && !(await closeSession(documents, id, found))) continue;
    await blobs.abort(found.session.token);
    await documents.delete(uploadKey(id));
    return "deleted";
  }
}

/** Lets nobody go on with the upload. Resolves to `false` if somebody has changed it meanwhile. */
async function closeSession(
  documents: DocumentStore,
  id: string,
  { session, etag }: StoredSession,
): Promise<boolean> {
  try {
    const ended = { session: { ...session, isEnded: true }, etag } as const;
    return (await storeSession(documents, id, ended)) !== undefined;
  } catch (error) {
    if (!isOciError(error, "STORAGE_FULL")) throw error;
    // Giving up makes room, so that it must not need any.
    return (await documents.delete(uploadKey(id), { ifMatch: etag })) !== "changed";
  }
}

function tooMany(most: number): OciError {
  const message = `more than ${most} uploads at a time`;
  return new OciError("TOOMANYREQUESTS", message, { retryAfter: pause });
}

function busy(id: string): OciError {
  return new OciError("RANGE_INVALID", `upload ${id} is being written by another request`);
}

export function uploadUnknown(id: string): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", `there is no upload ${id}`);
}
