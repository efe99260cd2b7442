import { parseDigest, type DigestAlgorithm } from "@drayage/oci";
import type { IHasher } from "hash-wasm";
import type { RunningHash, SavedHash } from "./hashing.ts";

/**
 * A hash that can be saved, at its beginning or as it was saved; `undefined` if what was saved cannot be read.
 *
 * A quarter as fast as the runtime's own, whose state nobody can get at (https://github.com/nodejs/node/issues/25411).
 */
export async function openPortableHash(
  algorithm: DigestAlgorithm,
  saved?: SavedHash,
): Promise<RunningHash | undefined> {
  // Loaded when it is needed: a registry over a directory or a map never does.
  const { createSHA256, createSHA512 } = await import("hash-wasm");
  const hasher = await (algorithm === "sha256" ? createSHA256() : createSHA512());
  let size = saved?.size ?? 0;
  hasher.init();
  if (saved !== undefined && !isLoaded(hasher, saved)) return undefined;
  return {
    algorithm,
    get size() {
      return size;
    },
    update(chunk) {
      hasher.update(chunk);
      size += chunk.byteLength;
    },
    digest: () => parseDigest(`${algorithm}:${hasher.digest("hex")}`),
    save: () => ({ size, state: Buffer.from(hasher.save()).toString("base64") }),
  };
}

/** Whether the hash goes on as it was saved; what another version has saved it refuses. */
function isLoaded(hasher: IHasher, { state }: SavedHash): boolean {
  try {
    hasher.load(Buffer.from(state, "base64"));
    return true;
  } catch {
    return false;
  }
}
