import { OciError, type CallOptions, type StorageDriver } from "@drayage/oci";
import { createFilesystemDriver, createMemoryDriver } from "@drayage/registry";
import { optionError } from "./option-error.ts";

/** Where a registry keeps its content. */
export type Storage =
  | { readonly kind: "memory" }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

export interface StorageOptions extends CallOptions {
  /** The URL of a store that is not Amazon's. */
  readonly s3Endpoint?: string | undefined;
  /** Nothing will be written, so that nothing is tried out either. */
  readonly isReadOnly: boolean;
  /** A registry may serve it at the same time. */
  readonly isShared?: boolean | undefined;
}

/** What `--storage` says: `memory:`, `s3://bucket/prefix` or a directory. @throws OciError OPTION_INVALID */
export function parseStorage(text: string): Storage {
  if (text === "memory:") return { kind: "memory" };
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? [];
  if (bucket !== undefined) return { kind: "s3", bucket, prefix };
  // A variable that is not set must not fill the current folder, nor another scheme a folder of its name.
  if (text !== "" && !/^[a-z][a-z0-9]+:/.test(text)) return { kind: "directory", path: text };
  throw optionError("storage", `--storage needs a directory, memory: or s3://BUCKET/PREFIX, not "${text}"`);
}

/**
 * The driver for a storage; the package for S3 is loaded only if it is needed.
 *
 * @throws OciError OPTION_INVALID, UNAVAILABLE
 */
export async function openStorage(storage: Storage, options: StorageOptions): Promise<StorageDriver> {
  switch (storage.kind) {
    case "memory":
      return createMemoryDriver();
    case "directory":
      return createFilesystemDriver(storage.path, { shared: options.isShared });
    case "s3": {
      const { bucket, prefix } = storage;
      const { s3Endpoint: endpoint, isReadOnly, signal } = options;
      const { openS3Driver } = await loadS3();
      return openS3Driver({ bucket, prefix, endpoint, ...(isReadOnly ? untried : {}), signal });
    }
  }
}

const untried = { capabilities: { conditionalPut: false, conditionalDelete: false } };

async function loadS3(): Promise<typeof import("@drayage/registry-s3")> {
  try {
    return await import("@drayage/registry-s3");
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND")) throw cause;
    throw new OciError(
      "OPTION_INVALID",
      "@drayage/registry-s3, which keeps content in S3, is not installed",
      {
        cause,
        hint: "npm install --global drayage @drayage/registry-s3",
      },
    );
  }
}
