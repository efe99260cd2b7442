import type { DocumentStore, StoredDocument } from "@drayage/oci";

/** Documents in a map. */
export function createMemoryDocuments(now: () => number): DocumentStore {
  const documents = new Map<string, StoredDocument>();
  let changes = 0;

  return {
    async get(key, { signal } = {}) {
      signal?.throwIfAborted();
      return documents.get(key);
    },
    async head(key, { signal } = {}) {
      signal?.throwIfAborted();
      const found = documents.get(key);
      return found && { size: found.bytes.byteLength, modified: found.modified };
    },
    async put(key, bytes, { ifMatch, ifNoneMatch, signal } = {}) {
      signal?.throwIfAborted();
      const found = documents.get(key);
      if (ifMatch !== undefined && found?.etag !== ifMatch) return undefined;
      if (ifNoneMatch !== undefined && found !== undefined) return undefined;
      const etag = String(++changes);
      documents.set(key, { bytes: new Uint8Array(bytes), etag, modified: now() });
      return etag;
    },
    async delete(key, { ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      const found = documents.get(key);
      if (found === undefined) return "absent";
      if (ifMatch !== undefined && found.etag !== ifMatch) return "changed";
      documents.delete(key);
      return "deleted";
    },
    async list(prefix, { after = "", limit, signal }) {
      signal?.throwIfAborted();
      const keys = [...documents.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      return { keys: keys.slice(0, limit), more: keys.length > limit };
    },
  };
}
