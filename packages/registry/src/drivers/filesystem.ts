import type { StorageDriver } from "@drayage/oci";
import { join } from "node:path";
import { createFileBlobs } from "./filesystem/blobs.ts";
import { createFileDocuments } from "./filesystem/documents.ts";
import { createDisk } from "./filesystem/disk.ts";

export interface FilesystemDriverOptions {
  /**
   * `strict`, the default: what was stored survives a loss of power, but for uploads that are under way: those may
   * lose their last seconds. `relaxed`: it survives the death of the process, and costs no waiting for the disk.
   */
  readonly durability?: "strict" | "relaxed" | undefined;
  /** Another process serves the same directory, so that nothing is remembered of what is in it: for who looks after it. */
  readonly shared?: boolean | undefined;
}

/**
 * Storage in a directory, which is made when something is first stored; one process at a time may serve it.
 *
 * @example const registry = createRegistry(createFilesystemDriver("/var/lib/drayage"))
 */
export function createFilesystemDriver(
  directory: string,
  { durability = "strict", shared = false }: FilesystemDriverOptions = {},
): StorageDriver {
  const disk = createDisk(join(directory, "temporary"), { isStrict: durability === "strict" });
  return {
    documents: createFileDocuments(join(directory, "documents"), {
      disk,
      remembered: shared ? 0 : undefined,
    }),
    blobs: createFileBlobs(directory, disk),
    exclusive: true,
    remote: false,
  };
}
