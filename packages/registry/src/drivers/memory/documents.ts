import type { DocumentStore, StoredDocument } from "@drayage/oci";
import { placeOf } from "../sorted.ts";

/** Documents in a map. */
export function createMemoryDocuments(now: () => number): DocumentStore {
  const documents = new Map<string, StoredDocument>();
  let changes = 0;
  /** All keys in byte order, as long as they are the same. */
  let sorted: readonly string[] | undefined;

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
      if (found === undefined) sorted = undefined;
      documents.set(key, { bytes: new Uint8Array(bytes), etag, modified: now() });
      return etag;
    },
    async delete(key, { ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      const found = documents.get(key);
      if (found === undefined) return "absent";
      if (ifMatch !== undefined && found.etag !== ifMatch) return "changed";
      documents.delete(key);
      sorted = undefined;
      return "deleted";
    },
    async list(prefix, { after = "", limit, signal }) {
      signal?.throwIfAborted();
      sorted ??= [...documents.keys()].sort((a, b) => (a < b ? -1 : 1));
      let place = placeOf(sorted, after > prefix ? after : prefix, (key) => key);
      if (sorted[place] === after) place++;
      const keys: string[] = [];
      for (; sorted[place]?.startsWith(prefix) === true; place++) {
        if (keys.length === limit) return { keys, more: true };
        keys.push(sorted[place] ?? "");
      }
      return { keys, more: false };
    },
  };
}
