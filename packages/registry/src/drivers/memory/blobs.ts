import {
  algorithmOf,
  createDigester,
  OciError,
  type Bytes,
  type Digest,
  type Appended,
  type BlobStore,
  type ReadPart,
  type RemoveBlobOptions,
  type RemoveResult,
} from "@drayage/oci";
import { placeOf } from "../sorted.ts";

interface Content {
  readonly chunks: Uint8Array[];
  size: number;
  modified: number;
}

interface Blob {
  readonly content: Content;
  readonly etag: string;
  readonly modified: number;
}

/** Content in maps. */
export function createMemoryBlobs(now: () => number): BlobStore {
  const blobs = new Map<Digest, Blob>();
  const uploads = new Map<string, Content>();
  const quarantined: Content[] = [];
  let changes = 0;

  const store = (digest: Digest, content: Content): void => {
    blobs.set(digest, { content, etag: String(++changes), modified: now() });
  };
  const remove = (digest: Digest, { ifMatch }: RemoveBlobOptions = {}): RemoveResult => {
    const found = blobs.get(digest);
    if (found === undefined) return "absent";
    if (ifMatch !== undefined && found.etag !== ifMatch) return "changed";
    blobs.delete(digest);
    return "deleted";
  };

  return {
    async stat(digest, { signal } = {}) {
      signal?.throwIfAborted();
      const found = blobs.get(digest);
      return found && { size: found.content.size, modified: found.modified, etag: found.etag };
    },
    async list({ after, limit, signal }) {
      signal?.throwIfAborted();
      const sorted = [...blobs.keys()].sort((a, b) => (a < b ? -1 : 1));
      const place = after === undefined ? 0 : placeOf(sorted, after, (digest) => digest);
      const start = sorted[place] === after ? place + 1 : place;
      return { digests: sorted.slice(start, start + limit), more: start + limit < sorted.length };
    },
    async touch(digest) {
      const found = blobs.get(digest);
      if (found !== undefined) store(digest, found.content);
      return found !== undefined;
    },
    read: (digest, part) => read(blobs.get(digest)?.content, digest, part),
    async begin({ id, signal }) {
      signal?.throwIfAborted();
      uploads.set(id, { chunks: [], size: 0, modified: now() });
      return id;
    },
    append: (token, bytes, { signal }) => append(token, uploads.get(token), { bytes, now, signal }),
    async offset(token, { signal } = {}) {
      signal?.throwIfAborted();
      return uploads.get(token)?.size;
    },
    async commit(token, digest, { verify, signal }) {
      signal?.throwIfAborted();
      const content = uploads.get(token);
      if (content === undefined) throw uploadUnknown();
      if (verify) requireDigest(content, digest);
      uploads.delete(token);
      store(digest, content);
      return { size: content.size };
    },
    async abort(token) {
      uploads.delete(token);
    },
    async remove(digest, options) {
      return remove(digest, options);
    },
    async quarantine(digest, options) {
      const content = blobs.get(digest)?.content;
      const result = remove(digest, options);
      if (result === "deleted" && content !== undefined) quarantined.push(content);
      return result;
    },
    async reap({ before, isOpen, signal }) {
      let reaped = 0;
      for (const [id, { modified }] of uploads) {
        signal?.throwIfAborted();
        if (modified >= before || (await isOpen(id))) continue;
        if (uploads.delete(id)) reaped++;
      }
      return reaped;
    },
  };
}

async function append(
  token: string,
  content: Content | undefined,
  {
    bytes,
    now,
    signal,
  }: { readonly bytes: Bytes; readonly now: () => number; readonly signal: AbortSignal | undefined },
): Promise<Appended> {
  if (content === undefined) throw uploadUnknown();
  try {
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      content.chunks.push(new Uint8Array(chunk));
      content.size += chunk.byteLength;
      content.modified = now();
    }
    return { token, offset: content.size };
  } catch (error) {
    return { token, offset: content.size, failure: { error } };
  }
}

async function* read(
  content: Content | undefined,
  digest: Digest,
  { start, length, signal }: ReadPart,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (content === undefined) throw new OciError("BLOB_UNKNOWN", `nothing is stored as ${digest}`);
  if (start + length > content.size) throw new OciError("STORAGE_INVALID", `${digest} is cut short`);
  let position = 0;
  for (const chunk of content.chunks) {
    signal?.throwIfAborted();
    const from = Math.max(start - position, 0);
    const to = Math.min(start + length - position, chunk.byteLength);
    if (from < to) yield chunk.subarray(from, to);
    position += chunk.byteLength;
    if (position >= start + length) return;
  }
}

function requireDigest(content: Content, digest: Digest): void {
  const digester = createDigester(algorithmOf(digest));
  for (const chunk of content.chunks) digester.update(chunk);
  const actual = digester.digest();
  if (actual !== digest)
    throw new OciError("DIGEST_MISMATCH", `the upload hashes to ${actual}, not to ${digest}`);
}

function uploadUnknown(): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", "nothing is left of the upload");
}
