import type { StorageDriver } from "@drayage/oci";
import { createMemoryBlobs } from "./memory/blobs.ts";
import { createMemoryDocuments } from "./memory/documents.ts";

export interface MemoryDriverOptions {
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * Storage that lives as long as the process.
 *
 * @example const registry = createRegistry(createMemoryDriver())
 */
export function createMemoryDriver({ now = Date.now }: MemoryDriverOptions = {}): StorageDriver {
  // Two registries over one driver behave like two machines over one object store.
  return {
    documents: createMemoryDocuments(now),
    blobs: createMemoryBlobs(now),
    exclusive: false,
    remote: false,
  };
}
