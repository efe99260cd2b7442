import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { algorithmOf, createDigester, OciError, type Digest, type BlobStore } from "@drayage/oci";
import { appendToFile } from "./append.ts";
import { createBuffers } from "./buffers.ts";
import { contentPath, contentState, listContent, touchContent } from "./content.ts";
import { ifPresent, type Disk } from "./disk.ts";
import { readFilePart } from "./read.ts";
import { reapFiles, takeAway } from "./removal.ts";

/** For all uploads together. Smaller ones cost more system calls, larger ones no longer fit the processor's caches. */
const uploadBuffers = { size: 512 * 1024, count: 32 };

/** Content as files named by their digest, and uploads as files that are moved there. */
export function createFileBlobs(directory: string, disk: Disk): BlobStore {
  const buffers = createBuffers(uploadBuffers);
  const root = join(directory, "blobs");
  const temporary = join(directory, "temporary");
  const blobPath = (digest: Digest): string => contentPath(root, digest);
  const partPath = (token: string): string => join(directory, "parts", requireUuid(token));
  const sizeOf = async (path: string): Promise<number | undefined> => (await ifPresent(stat(path)))?.size;

  return {
    async stat(digest, { signal } = {}) {
      signal?.throwIfAborted();
      return contentState(blobPath(digest));
    },
    list: (options) => listContent(root, options),
    touch: (digest) => touchContent(blobPath(digest)),
    read: (digest, part) => readFilePart(blobPath(digest), part),
    async begin({ id, signal }) {
      signal?.throwIfAborted();
      await disk.create(partPath(id));
      return id;
    },
    async append(token, bytes, { at }) {
      return { token, ...(await appendToFile(partPath(token), bytes, { at, buffers })) };
    },
    async offset(token, { signal } = {}) {
      signal?.throwIfAborted();
      return sizeOf(partPath(token));
    },
    async commit(token, digest, { verify, signal }) {
      signal?.throwIfAborted();
      const [from, to] = [partPath(token), blobPath(digest)];
      const size = await sizeOf(from);
      if (size === undefined) throw new OciError("BLOB_UPLOAD_UNKNOWN", "nothing is left of the upload");
      if (verify) await requireDigest(from, size, digest);
      await touchContent(from);
      await disk.publish(from, to);
      return { size };
    },
    async abort(token) {
      await disk.remove(partPath(token));
    },
    async remove(digest, options) {
      const aside = join(temporary, randomUUID());
      const result = await takeAway(blobPath(digest), { ...options, to: aside, disk });
      if (result === "deleted") await disk.remove(aside);
      return result;
    },
    quarantine(digest, options) {
      const to = join(directory, "quarantine", `${digest.replace(":", "-")}.${randomUUID()}`);
      return takeAway(blobPath(digest), { ...options, to, disk });
    },
    async reap(options) {
      const parts = await reapFiles(join(directory, "parts"), { ...options, disk });
      return parts + (await reapFiles(temporary, { ...options, isOpen: async () => false, disk }));
    },
  };
}

async function requireDigest(path: string, length: number, digest: Digest): Promise<void> {
  const digester = createDigester(algorithmOf(digest));
  for await (const chunk of readFilePart(path, { start: 0, length })) digester.update(chunk);
  const actual = digester.digest();
  if (actual === digest) return;
  throw new OciError("DIGEST_MISMATCH", `the upload hashes to ${actual}, not to ${digest}`);
}

function requireUuid(token: string): string {
  if (/^[0-9a-f-]{36}$/.test(token)) return token;
  throw new OciError("STORAGE_INVALID", "not an upload of this storage");
}
