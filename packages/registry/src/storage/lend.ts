import type { Bytes } from "@drayage/oci";

/** Bytes that can be read without new memory for each chunk, by whoever is done with one before it wants the next. */
export interface LendingBytes extends Bytes {
  /** The same bytes, once; a chunk is good until the one after the next is asked for. */
  lend(): AsyncGenerator<Uint8Array, void, undefined>;
}

export function isLending(bytes: object): bytes is LendingBytes {
  return "lend" in bytes && typeof bytes.lend === "function";
}
