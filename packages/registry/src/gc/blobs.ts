import { mapConcurrent, type CallOptions, type Digest, type StorageDriver } from "@drayage/oci";
import { blobKey, condemnedKey, holderKey, holdersPrefix } from "../storage/keys.ts";
import { listKeys } from "../storage/list.ts";
import { parseRecord, textOf } from "../storage/record.ts";
import type { GarbageBlob, GarbageDocument } from "./garbage.ts";

const pageSize = 500;
const concurrentLooks = 16;

export interface BlobOptions extends CallOptions {
  /** The storage's time. */
  readonly time: number;
  readonly grace: number;
  /** Links that count as if they were not there. */
  readonly without: readonly GarbageDocument[];
}

/** The bytes that no repository has. */
export async function findUnlinked(
  driver: StorageDriver,
  { time, grace, without, signal }: BlobOptions,
): Promise<readonly GarbageBlob[]> {
  const removed = new Set(without.map(({ repository, digest }) => blobKey(repository, digest)));
  const look = async (digest: Digest): Promise<GarbageBlob | undefined> => {
    if (await isLinked(driver, digest, { without: removed, signal })) return undefined;
    const found = await driver.blobs.stat(digest, { signal });
    if (found === undefined || time - found.modified < grace) return undefined;
    const { size, etag } = found;
    const since = await condemnedSince(driver, digest, { etag, signal });
    return { digest, size, etag, isDue: since !== undefined && time - since >= grace };
  };

  const unlinked: GarbageBlob[] = [];
  for (let after: Digest | undefined, more = true; more; ) {
    const page = await driver.blobs.list({ after, limit: pageSize, signal });
    const looked = await mapConcurrent(page.digests, concurrentLooks, look, { signal });
    unlinked.push(...looked.filter((each) => each !== undefined));
    after = page.digests.at(-1);
    more = page.more && after !== undefined;
  }
  return unlinked;
}

/** Whether a repository has the blob. */
export async function isLinked(
  { documents }: StorageDriver,
  digest: Digest,
  { without, signal }: CallOptions & { readonly without?: ReadonlySet<string> | undefined } = {},
): Promise<boolean> {
  for await (const name of listKeys(documents, holdersPrefix(digest), { signal })) {
    const key = blobKey(name, digest);
    if (without?.has(key) !== true && (await documents.head(key, { signal })) !== undefined) return true;
  }
  return false;
}

/** Since when content has been condemned as it is now, by the storage's clock; `undefined` if it has not. */
export async function condemnedSince(
  { documents }: StorageDriver,
  digest: Digest,
  { etag, signal }: CallOptions & { readonly etag: string },
): Promise<number | undefined> {
  const found = await documents.get(condemnedKey(digest), { signal });
  if (found === undefined || textOf(parseRecord(found.bytes), "etag") !== etag) return undefined;
  return found.modified;
}

/** Removes what leads from content to a repository that has it no more. */
export async function dropHolder({ documents }: StorageDriver, digest: Digest, name: string): Promise<void> {
  const found = await documents.get(holderKey(digest, name));
  if (found === undefined) return;
  // Whoever links the blob after this look puts the holder down once more behind the link.
  if ((await documents.head(blobKey(name, digest))) !== undefined) return;
  await documents.delete(holderKey(digest, name), { ifMatch: found.etag });
}
