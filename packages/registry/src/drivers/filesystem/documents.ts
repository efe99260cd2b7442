import { stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, OciError, type DocumentStore, type StoredDocument } from "@drayage/oci";
import { createDirectories } from "./directories.ts";
import { ifPresent, withFile, type Disk } from "./disk.ts";
import { pathOfKey, pathOfPrefix } from "./key-path.ts";
import { listDocuments } from "./listing.ts";
import { createRecentDocuments } from "./recent.ts";
import { createTurns } from "./turns.ts";

/** Documents as files: whoever reads one sees it as a whole, as it was or as it is. */
export function createFileDocuments(
  root: string,
  { disk, remembered }: { readonly disk: Disk; readonly remembered?: number | undefined },
): DocumentStore {
  const pathOf = (key: string): string => join(root, ...pathOfKey(key));
  const inTurn = createTurns();
  const directories = createDirectories(root, { limit: remembered });
  const recent = createRecentDocuments({ limit: remembered });
  const read = async (path: string): Promise<StoredDocument | undefined> =>
    recent.get(path) ?? readDocument(path);
  const noted = async <Result>(path: string, change: Promise<Result>, note: () => void): Promise<Result> => {
    const result = await change.catch((error: unknown) => {
      recent.forget(path);
      directories.failed(path);
      throw error;
    });
    note();
    return result;
  };

  return {
    async get(key, { signal } = {}) {
      signal?.throwIfAborted();
      return read(pathOf(key));
    },
    async head(key, { signal } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(key);
      const known = recent.get(path);
      if (known !== undefined) return { size: known.bytes.byteLength, modified: known.modified };
      const found = await ifPresent(stat(path));
      return found && { size: found.size, modified: found.mtimeMs };
    },
    async put(key, bytes, { ifMatch, ifNoneMatch, durability, signal } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(key);
      return inTurn(path, async () => {
        const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
        const found = isConditional ? await read(path) : undefined;
        if (ifMatch !== undefined && found?.etag !== ifMatch) return undefined;
        if (ifNoneMatch !== undefined && found !== undefined) return undefined;
        const etag = etagOf(bytes);
        const writing = disk.write(path, bytes, { isRelaxed: durability === "relaxed" });
        const modified = await noted(path, writing, () => directories.added(path));
        // Others, such as those of links, a collector of garbage may remove in another process.
        if (durability === "relaxed") recent.stored(path, { bytes, etag, modified });
        else recent.forget(path);
        return etag;
      });
    },
    async delete(key, { ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(key);
      return inTurn(path, async () => {
        const found = ifMatch === undefined ? undefined : await read(path);
        if (found !== undefined && found.etag !== ifMatch) return "changed";
        recent.forget(path);
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

async function readDocument(path: string): Promise<StoredDocument | undefined> {
  const read = withFile(path, "r", async (file) => {
    const { size, mtimeMs } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = size === 0 ? { bytesRead: 0 } : await file.read(bytes, 0, size, 0);
    if (bytesRead !== size) throw new OciError("STORAGE_INVALID", "a stored document is cut short");
    return { bytes, etag: etagOf(bytes), modified: mtimeMs };
  });
  return ifPresent(read);
}

function etagOf(bytes: Uint8Array): string {
  return digestOf(bytes);
}
