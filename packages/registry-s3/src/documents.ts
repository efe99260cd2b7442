import type { DocumentStore, ListDocumentsOptions, StoredDocument } from "@drayage/oci";
import type { Bucket, Condition } from "./bucket.ts";
import type { Capabilities } from "./capabilities.ts";
import { createTurns } from "./turns.ts";

const largest = 8 * 1024 * 1024;
/** As many keys as S3 has on a page. */
const pageSize = 1000;

/** The objects below `folder`, which ends in `/`, as documents. */
export function createDocuments(
  bucket: Bucket,
  folder: string,
  { conditionalPut, conditionalDelete }: Capabilities,
): DocumentStore {
  const inTurn = createTurns();
  const holds = async (key: string, condition: Condition): Promise<boolean> => {
    const found = await bucket.head(folder + key);
    if (condition.ifNoneMatch !== undefined && found !== undefined) return false;
    return condition.ifMatch === undefined || found?.etag === condition.ifMatch;
  };

  return {
    get: (key, { signal } = {}) => readDocument(bucket, folder + key, signal),
    async head(key, { signal } = {}) {
      const found = await bucket.head(folder + key, { signal });
      return found && { size: found.size, modified: found.modified };
    },
    async put(key, bytes, { ifMatch, ifNoneMatch, signal } = {}) {
      signal?.throwIfAborted();
      const condition = { ifMatch, ifNoneMatch };
      if (conditionalPut) return etagOf(await bucket.put(folder + key, bytes, { ...condition, signal }));
      // One process at a time uses such a store, and here it waits for itself.
      return inTurn(key, async () =>
        (await holds(key, condition)) ? etagOf(await bucket.put(folder + key, bytes)) : undefined,
      );
    },
    async delete(key, { ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      return inTurn(key, async () => {
        const found = await bucket.head(folder + key, { signal });
        if (found === undefined) return "absent";
        if (ifMatch !== undefined && found.etag !== ifMatch) return "changed";
        const condition = conditionalDelete ? { ifMatch } : {};
        return (await bucket.delete(folder + key, condition)) === "deleted" ? "deleted" : "changed";
      });
    },
    list: (prefix, options) => listDocuments(bucket, folder, { prefix, ...options }),
  };
}

async function readDocument(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<StoredDocument | undefined> {
  const found = await bucket.get(key, { limit: largest, signal });
  return found && { bytes: found.bytes, etag: found.etag, modified: found.modified };
}

async function listDocuments(
  bucket: Bucket,
  folder: string,
  { prefix, after, limit, signal }: ListDocumentsOptions & { readonly prefix: string },
): Promise<{ readonly keys: readonly string[]; readonly more: boolean }> {
  const keys: string[] = [];
  for (;;) {
    const last = keys.at(-1) ?? after;
    const page = await bucket.list(folder + prefix, {
      limit: Math.min(limit - keys.length, pageSize),
      after: last === undefined ? undefined : folder + last,
      signal,
    });
    keys.push(...page.keys.map((key) => key.slice(folder.length)));
    if (!page.more || keys.length >= limit || page.keys.length === 0) return { keys, more: page.more };
  }
}

function etagOf(written: Awaited<ReturnType<Bucket["put"]>>): string | undefined {
  return typeof written === "string" ? undefined : written.etag;
}
