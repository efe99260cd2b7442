import { readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import {
  algorithmOf,
  hexOf,
  isDigest,
  type BlobPage,
  type Digest,
  type ListBlobsOptions,
} from "@drayage/oci";
import { ifPresent } from "./disk.ts";

/** Content files by digest, below one directory. */
export function contentPath(root: string, digest: Digest): string {
  const hex = hexOf(digest);
  return join(root, algorithmOf(digest), hex.slice(0, 2), hex);
}

/** A content file as it is now. */
export interface ContentState {
  readonly size: number;
  readonly modified: number;
  readonly etag: string;
}

export async function contentState(path: string): Promise<ContentState | undefined> {
  const found = await ifPresent(stat(path, { bigint: true }));
  if (found === undefined) return undefined;
  const { ino, mtimeNs, mtimeMs, size } = found;
  return { size: Number(size), modified: Number(mtimeMs), etag: `${ino}-${mtimeNs}` };
}

/** Gives the file a new time, and with it another etag. Resolves to whether it is there. */
export async function touchContent(path: string): Promise<boolean> {
  // Of microseconds: two calls in one millisecond shall differ.
  const seconds = (performance.timeOrigin + performance.now()) / 1000;
  return (await ifPresent(utimes(path, seconds, seconds).then(() => true))) ?? false;
}

/** The digests of the content below `root`, in byte order; a directory that comes before `after` is not read. */
export async function listContent(
  root: string,
  { after = "", limit, signal }: Omit<ListBlobsOptions, "after"> & { readonly after?: string | undefined },
): Promise<BlobPage> {
  signal?.throwIfAborted();
  const digests: Digest[] = [];
  for (const algorithm of await namesIn(root)) {
    for (const shard of await namesIn(join(root, algorithm))) {
      signal?.throwIfAborted();
      const prefix = `${algorithm}:${shard}`;
      if (prefix < after.slice(0, prefix.length)) continue;
      for (const name of await namesIn(join(root, algorithm, shard))) {
        const digest = `${algorithm}:${name}`;
        if (digest <= after || !isDigest(digest)) continue;
        if (digests.length === limit) return { digests, more: true };
        digests.push(digest);
      }
    }
  }
  return { digests, more: false };
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return ((await ifPresent(readdir(directory))) ?? []).sort();
}
