import type { CallOptions, StorageDriver } from "@drayage/oci";
import { uploadKey, uploadsPrefix } from "../storage/keys.ts";
import { listKeys } from "../storage/list.ts";
import { readSession, type StoredSession } from "../storage/session.ts";
import { repeatable } from "../storage/uploads.ts";
import { endUpload } from "../storage/writer.ts";
import { storageTime } from "./notice.ts";

export interface ExpireUploadsOptions extends CallOptions {
  /**
   * How long nobody must have gone on with an upload, in milliseconds; a day by default. One that is written to
   * leaves a sign of it every ten minutes, so that a time shorter than that ends uploads which go on.
   */
  readonly idle?: number | undefined;
}

export interface ExpiredUploads {
  /** Those that clients have begun and not closed, and those closed long ago of which a record was kept. */
  readonly uploads: number;
  /** What else the storage has lost track of, such as files of uploads that a crash has ended. */
  readonly leftovers: number;
}

const day = 86_400_000;

/**
 * Ends the uploads that nobody goes on with, and gives back their room.
 *
 * @throws OciError UNAVAILABLE, STORAGE_INVALID
 * @example await expireUploads(driver, { idle: 3_600_000 })
 */
export async function expireUploads(
  driver: StorageDriver,
  { idle = day, signal }: ExpireUploadsOptions = {},
): Promise<ExpiredUploads> {
  const { blobs, documents } = driver;
  const time = await storageTime(documents, { signal });
  let uploads = 0;
  for await (const id of listKeys(documents, uploadsPrefix, { signal })) {
    const found = await readSession(documents, id, { signal });
    if (found === undefined || !isExpired(found, { age: time - found.modified, idle })) continue;
    if ((await endUpload(driver, id, { ifMatch: found.etag })) === "deleted") uploads++;
  }
  const isOpen = async (id: string): Promise<boolean> => (await documents.head(uploadKey(id))) !== undefined;
  return { uploads, leftovers: await blobs.reap({ before: time - idle, isOpen, signal }) };
}

function isExpired(
  { session }: StoredSession,
  { age, idle }: { readonly age: number; readonly idle: number },
): boolean {
  if (session.isEnded === true) return true;
  return age >= (session.committed === undefined ? idle : Math.min(idle, repeatable));
}
