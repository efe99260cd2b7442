import { stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, type CallOptions, type DocumentStore, type StoredDocument } from "@drayage/oci";
import { createDirectories } from "./directories.ts";
import { ifPresent, withFile, type Disk } from "./disk.ts";
import { pathOfKey, pathOfPrefix } from "./key-path.ts";
import { listDocuments } from "./listing.ts";
import { createTurns } from "./turns.ts";

/** Documents as files: whoever reads one sees it as a whole, as it was or as it is. */
export function createFileDocuments(root: string, disk: Disk): DocumentStore {
  const pathOf = (key: string): string => join(root, ...pathOfKey(key));
  const inTurn = createTurns();
  const directories = createDirectories(root);
  const noted = async <Result>(path: string, change: Promise<Result>, note: () => void): Promise<Result> => {
    const result = await change.catch((error: unknown) => {
      directories.failed(path);
      throw error;
    });
    note();
    return result;
  };

  return {
    get: (key, options) => readDocument(pathOf(key), options),
    async head(key, { signal } = {}) {
      signal?.throwIfAborted();
      const found = await ifPresent(stat(pathOf(key)));
      return found && { size: found.size, modified: found.mtimeMs };
    },
    async put(key, bytes, { ifMatch, ifNoneMatch, signal } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(key);
      return inTurn(path, async () => {
        const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
        const found = isConditional ? await readDocument(path) : undefined;
        if (ifMatch !== undefined && found?.etag !== ifMatch) return undefined;
        if (ifNoneMatch !== undefined && found !== undefined) return undefined;
        await noted(path, disk.write(path, bytes), () => directories.added(path));
        return etagOf(bytes);
      });
    },
    async delete(key, { ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(key);
      return inTurn(path, async () => {
        const found = ifMatch === undefined ? undefined : await readDocument(path);
        if (found !== undefined && found.etag !== ifMatch) return "changed";
        const isRemoved = await noted(path, disk.remove(path), () => directories.removed(path));
        return isRemoved ? "deleted" : "absent";
      });
    },
    async list(prefix, { after = "", limit, signal }) {
      signal?.throwIfAborted();
      const keys: string[] = [];
      const directory = join(root, ...pathOfPrefix(prefix));
      for await (const key of listDocuments(directories, directory, { prefix, after })) {
        signal?.throwIfAborted();
        if (keys.length === limit) return { keys, more: true };
        keys.push(key);
      }
      return { keys, more: false };
    },
  };
}

async function readDocument(path: string, { signal }: CallOptions = {}): Promise<StoredDocument | undefined> {
  signal?.throwIfAborted();
  const read = withFile(path, "r", async (file) => {
    const bytes = await file.readFile();
    return { bytes, etag: etagOf(bytes), modified: (await file.stat()).mtimeMs };
  });
  return ifPresent(read);
}

function etagOf(bytes: Uint8Array): string {
  return digestOf(bytes);
}
