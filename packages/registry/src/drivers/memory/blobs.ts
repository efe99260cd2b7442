import {
  algorithmOf,
  createDigester,
  OciError,
  type Bytes,
  type Digest,
  type Appended,
  type BlobStore,
  type ReadPart,
} from "@drayage/oci";

interface Content {
  readonly chunks: Uint8Array[];
  size: number;
}

/** Content in maps. */
export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<Digest, Content>();
  const uploads = new Map<string, Content>();

  return {
    async stat(digest, { signal } = {}) {
      signal?.throwIfAborted();
      const found = blobs.get(digest);
      return found && { size: found.size };
    },
    read: (digest, part) => read(blobs.get(digest), digest, part),
    async begin({ id, signal }) {
      signal?.throwIfAborted();
      uploads.set(id, { chunks: [], size: 0 });
      return id;
    },
    append: (token, bytes, { signal }) => append(token, uploads.get(token), { bytes, signal }),
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
      blobs.set(digest, content);
      return { size: content.size };
    },
    async abort(token) {
      uploads.delete(token);
    },
    async remove(digest) {
      blobs.delete(digest);
    },
  };
}

async function append(
  token: string,
  content: Content | undefined,
  { bytes, signal }: { readonly bytes: Bytes; readonly signal: AbortSignal | undefined },
): Promise<Appended> {
  if (content === undefined) throw uploadUnknown();
  try {
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      content.chunks.push(new Uint8Array(chunk));
      content.size += chunk.byteLength;
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
