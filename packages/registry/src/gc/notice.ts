import { OciError, type CallOptions, type DocumentStore } from "@drayage/oci";
import { randomUUID } from "node:crypto";
import { clockKey, collectingKey } from "../storage/keys.ts";
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
 * It is taken away by the one who put it up, and only if no other has joined; else it stays, which costs those who
 * push a little more, until a collector finds it stale.
 */
export async function giveNotice(
  documents: DocumentStore,
  { now, signal }: CallOptions & { readonly now: () => number },
): Promise<Notice> {
  signal?.throwIfAborted();
  /** What the notice is at, as long as it is ours alone. */
  let etag = await putUp(documents);
  let renewed = now();
  const put = (condition: Condition = {}): Promise<string | undefined> =>
    documents.put(collectingKey, encodeNotice(), condition);
  if (etag === undefined) await put();

  return {
    async renew() {
      const pause = now() - renewed;
      if (pause < renewal) return;
      if (pause > longestPause) {
        throw new OciError("UNAVAILABLE", "the collection of garbage has stood still for too long");
      }
      if (etag !== undefined) etag = await put({ ifMatch: etag });
      if (etag === undefined) await put();
      renewed = now();
    },
    async withdraw() {
      if (etag !== undefined) await documents.delete(collectingKey, { ifMatch: etag });
    },
  };
}

interface Condition {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: "*" | undefined;
}

/** Resolves to what the notice is at, if there was none that counts. */
async function putUp(documents: DocumentStore): Promise<string | undefined> {
  const etag = await documents.put(collectingKey, encodeNotice(), { ifNoneMatch: "*" });
  if (etag !== undefined) return etag;
  const found = await documents.get(collectingKey);
  if (found === undefined || (await storageTime(documents)) - found.modified < staleness) return undefined;
  return documents.put(collectingKey, encodeNotice(), { ifMatch: found.etag });
}

/** The time of the storage's own clock, against which the ages of documents count. */
export async function storageTime(documents: DocumentStore, { signal }: CallOptions = {}): Promise<number> {
  await documents.put(clockKey, encodeRecord({ mark: randomUUID() }), { signal });
  const found = await documents.head(clockKey, { signal });
  if (found === undefined) throw new OciError("UNAVAILABLE", "the storage does not tell its time");
  return found.modified;
}

function encodeNotice(): Uint8Array {
  return encodeRecord({ mark: randomUUID() });
}
