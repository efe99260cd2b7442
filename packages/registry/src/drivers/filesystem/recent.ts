import type { StoredDocument } from "@drayage/oci";

/** Documents that were stored here last, by path: that of an upload is read ten times before the upload ends. */
export interface RecentDocuments {
  get(path: string): StoredDocument | undefined;
  /** Is told of every document that is stored, once it is. */
  stored(path: string, document: StoredDocument): void;
  /** Is told of every document that is removed or of which nobody knows, before anybody else is. */
  forget(path: string): void;
}

/** How many documents are remembered. */
const remembered = 1000;
/** How large they may be, in bytes. */
const largest = 1024;

/** Memory of what nobody else changes; what was read is not in it, since it may have changed by then. */
export function createRecentDocuments({
  limit = remembered,
}: {
  readonly limit?: number | undefined;
} = {}): RecentDocuments {
  const documents = new Map<string, StoredDocument>();
  return {
    get(path) {
      const found = documents.get(path);
      return found && { ...found, bytes: Buffer.from(found.bytes) };
    },
    stored(path, document) {
      documents.delete(path);
      if (document.bytes.byteLength > largest) return;
      documents.set(path, { ...document, bytes: Buffer.from(document.bytes) });
      const oldest = documents.size > limit ? documents.keys().next().value : undefined;
      if (oldest !== undefined) documents.delete(oldest);
    },
    forget: (path) => void documents.delete(path),
  };
}
