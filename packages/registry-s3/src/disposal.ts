import {
  OciError,
  type BlobPage,
  type Digest,
  type DocumentStore,
  type ListBlobsOptions,
  type ReapOptions,
  type RemoveBlobOptions,
  type RemoveResult,
} from "@drayage/oci";
import type { Bucket } from "./bucket.ts";
import { allPartsFolder, dataFolder, quarantineFolder } from "./layout.ts";
import {
  encodePointer,
  encodeTombstone,
  parsePointer,
  parsePointerKey,
  pointerKey,
  type Pointer,
} from "./pointer.ts";

/** What gets rid of blobs in a bucket. */
export interface DisposalOptions {
  readonly bucket: Bucket;
  readonly pointers: DocumentStore;
  /** Whether a pointer is removed only as it is expected, whatever others do at the same moment. */
  readonly removesSafely: boolean;
}

/** What of a `BlobStore` gets rid of blobs, and of what uploads have left. */
export interface Disposal {
  list(options: ListBlobsOptions): Promise<BlobPage>;
  touch(digest: Digest): Promise<boolean>;
  remove(digest: Digest, options?: RemoveBlobOptions): Promise<RemoveResult>;
  quarantine(digest: Digest, options?: RemoveBlobOptions): Promise<RemoveResult>;
  reap(options: ReapOptions): Promise<number>;
}

/** How often a pointer is put that others put at the same time. */
const mostRaces = 5;

/** Works on pointers: who has changed one first has won, and the data goes after its pointer has gone. */
export function createDisposal(options: DisposalOptions): Disposal {
  const { bucket, pointers, removesSafely } = options;
  /** Takes the pointer away. Resolves to where it pointed. */
  const take = async (digest: Digest, { ifMatch }: RemoveBlobOptions): Promise<Taken> => {
    const key = pointerKey(digest);
    const found = await pointers.get(key);
    const pointer = found && parsePointer(found.bytes);
    if (found === undefined || pointer === undefined) return "absent";
    const { etag } = found;
    if (ifMatch !== undefined && etag !== ifMatch) return "changed";
    if (removesSafely) {
      const result = await pointers.delete(key, { ifMatch: etag });
      return result === "deleted" ? pointer : result;
    }
    return (await pointers.put(key, encodeTombstone(), { ifMatch: etag })) === undefined
      ? "changed"
      : pointer;
  };

  return {
    list: (wanted) => listPointers(options, wanted),
    async touch(digest) {
      const key = pointerKey(digest);
      for (let race = 0; race < mostRaces; race++) {
        const found = await pointers.get(key);
        const pointer = found && parsePointer(found.bytes);
        if (found === undefined || pointer === undefined) return false;
        const touched = await pointers.put(key, encodePointer(pointer), { ifMatch: found.etag });
        if (touched !== undefined) return true;
      }
      throw new OciError("UNAVAILABLE", `${digest} is being touched all the time`);
    },
    async remove(digest, condition = {}) {
      const taken = await take(digest, condition);
      if (typeof taken === "string") return taken;
      await bucket.delete(taken.key);
      return "deleted";
    },
    async quarantine(digest, condition = {}) {
      const taken = await take(digest, condition);
      if (typeof taken === "string") return taken;
      await bucket.put(quarantineFolder + pointerKey(digest), encodePointer(taken));
      return "deleted";
    },
    async reap(left) {
      return (await reapMultiparts(bucket, left)) + (await reapParts(bucket, left));
    },
  };
}

type Taken = Pointer | "absent" | "changed";

/** The digests of a page of pointers, and of the next ones while there are only tombstones. */
async function listPointers(
  { pointers, removesSafely }: DisposalOptions,
  { after, limit, signal }: ListBlobsOptions,
): Promise<BlobPage> {
  const digests: Digest[] = [];
  let last = after === undefined ? undefined : pointerKey(after);
  for (;;) {
    const page = await pointers.list("", { after: last, limit: limit - digests.length, signal });
    for (const key of page.keys) {
      const digest = parsePointerKey(key);
      if (digest === undefined) continue;
      if (removesSafely || (await isAlive(pointers, key))) digests.push(digest);
    }
    last = page.keys.at(-1);
    if (!page.more || last === undefined || digests.length >= limit) return { digests, more: page.more };
  }
}

async function isAlive(pointers: DocumentStore, key: string): Promise<boolean> {
  const found = await pointers.get(key);
  return found !== undefined && parsePointer(found.bytes) !== undefined;
}

/** Gives up multipart uploads that nobody goes on with. */
async function reapMultiparts(bucket: Bucket, { before, isOpen, signal }: ReapOptions): Promise<number> {
  let reaped = 0;
  for (let after, more = true; more; ) {
    const page = await bucket.listUploads(dataFolder, { after, signal });
    for (const { key, uploadId, initiated } of page.uploads) {
      if (initiated >= before || (await isOpen(key.slice(dataFolder.length)))) continue;
      await bucket.abortUploads(key, uploadId);
      reaped++;
    }
    after = page.uploads.at(-1);
    more = page.more && after !== undefined;
  }
  return reaped;
}

/** Removes the rests of uploads that nobody goes on with. */
async function reapParts(bucket: Bucket, { before, isOpen, signal }: ReapOptions): Promise<number> {
  let reaped = 0;
  for (let after: string | undefined, more = true; more; ) {
    const page = await bucket.list(allPartsFolder, { after, limit: 1000, signal });
    for (const [index, key] of page.keys.entries()) {
      const id = key.slice(allPartsFolder.length).split("/", 1)[0] ?? "";
      if ((page.modified[index] ?? before) >= before || (await isOpen(id))) continue;
      await bucket.delete(key);
      reaped++;
    }
    after = page.keys.at(-1);
    more = page.more && after !== undefined;
  }
  return reaped;
}
