import { randomUUID } from "node:crypto";
import { ownValue, type DocumentStore, type StorageDriver } from "@drayage/oci";
import { collectingKey } from "./keys.ts";
import { encodeRecord, parseRecord } from "./record.ts";

/** Whether garbage is being collected, as one document of the storage says. */
export interface CollectingState {
  readonly isActive: boolean;
  /** Differs after every change. */
  readonly etag: string;
  /** By the storage's own clock, in milliseconds since 1970. */
  readonly modified: number;
}

/** The state, `undefined` as long as nobody has ever collected anything. */
export async function readCollecting(documents: DocumentStore): Promise<CollectingState | undefined> {
  const found = await documents.get(collectingKey);
  if (found === undefined) return undefined;
  const isActive = ownValue(parseRecord(found.bytes), "isActive") === true;
  return { isActive, etag: found.etag, modified: found.modified };
}

/** Changes the state if it is still at `ifMatch`. Resolves to its new etag. */
export function putCollecting(
  documents: DocumentStore,
  isActive: boolean,
  { ifMatch }: { readonly ifMatch: string | undefined },
): Promise<string | undefined> {
  const condition = ifMatch === undefined ? { ifNoneMatch: "*" as const } : { ifMatch };
  return documents.put(collectingKey, encodeRecord({ isActive, mark: randomUUID() }), condition);
}

/** Tells, as often as it is called, whether nobody has collected garbage since it was made. */
export type Watch = () => Promise<boolean>;

/**
 * A watch, for who begins to need what is stored already.
 *
 * Undisturbed, whatever it has put down until then is seen by every collector to come. If not, it has to touch what
 * it needs: a collector gives notice first, then looks what is needed, and removes only what nobody has touched
 * since it was found. Whichever of both comes first is seen by the other.
 */
export async function watchCollections({ documents }: StorageDriver): Promise<Watch> {
  const before = await readCollecting(documents);
  return async () => {
    const now = await readCollecting(documents);
    return now?.isActive !== true && now?.etag === before?.etag;
  };
}
