import { randomUUID } from "node:crypto";
import { OciError, type CallOptions, type DocumentStore } from "@drayage/oci";
import { putCollecting, readCollecting } from "../storage/collecting.ts";
import { clockKey } from "../storage/keys.ts";
import { encodeRecord } from "../storage/record.ts";

const minute = 60_000;
/** How often a collector repeats its notice. */
const renewal = 5 * minute;
/** How long it may have stood still and yet go on. */
const longestPause = 30 * minute;
/** After how long without renewal nobody goes on any more. */
const staleness = 60 * minute;

/** Says to all who share the storage that garbage is being collected. */
export interface Notice {
  /** To be called before anything is removed. @throws OciError UNAVAILABLE if this collector has stood still for too long */
  renew(): Promise<void>;
  /** Once nothing will be removed any more. */
  withdraw(): Promise<void>;
}

/**
 * Gives notice; several collectors at once share it.
 *
 * It is withdrawn by the one who has given it, and only if no other has joined; else it stays, which costs those
 * who push a little more, until a collector finds it stale.
 */
export async function giveNotice(
  documents: DocumentStore,
  { now, signal }: CallOptions & { readonly now: () => number },
): Promise<Notice> {
  signal?.throwIfAborted();
  let held = await begin(documents);
  let renewed = now();

  return {
    async renew() {
      const pause = now() - renewed;
      if (pause < renewal) return;
      if (pause > longestPause) {
        throw new OciError("UNAVAILABLE", "the collection of garbage has stood still for too long");
      }
      held = await repeat(documents, held);
      renewed = now();
    },
    async withdraw() {
      if (held.isOurs) await putCollecting(documents, false, { ifMatch: held.etag });
    },
  };
}

interface HeldNotice {
  readonly etag: string;
  /** Nobody else has given notice before it is withdrawn. */
  readonly isOurs: boolean;
}

async function begin(documents: DocumentStore): Promise<HeldNotice> {
  for (;;) {
    const found = await readCollecting(documents);
    const isTaken = found?.isActive === true && (await storageTime(documents)) - found.modified < staleness;
    const etag = await putCollecting(documents, true, { ifMatch: found?.etag });
    if (etag !== undefined) return { etag, isOurs: !isTaken };
  }
}

async function repeat(documents: DocumentStore, { etag, isOurs }: HeldNotice): Promise<HeldNotice> {
  const repeated = await putCollecting(documents, true, { ifMatch: etag });
  if (repeated !== undefined) return { etag: repeated, isOurs };
  // Somebody else collects too.
  return { ...(await begin(documents)), isOurs: false };
}

/** The time of the storage's own clock, against which the ages of documents count. */
export async function storageTime(documents: DocumentStore, { signal }: CallOptions = {}): Promise<number> {
  await documents.put(clockKey, encodeRecord({ mark: randomUUID() }), { signal });
  const found = await documents.head(clockKey, { signal });
  if (found === undefined) throw new OciError("UNAVAILABLE", "the storage does not tell its time");
  return found.modified;
}
