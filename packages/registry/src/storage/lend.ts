import type { Bytes } from "@drayage/oci";

/** Bytes that can be read without new memory for each chunk, by whoever is done with one before it wants the next. */
export interface LendingBytes extends Bytes {
  /** The same bytes, once; a chunk is good until the next is asked for. */
  lend(): AsyncIterator<Uint8Array, void, undefined>;
}

export function isLending(bytes: object): bytes is LendingBytes {
  return "lend" in bytes && typeof bytes.lend === "function";
}

/** The chunks of `bytes`, for a reader that keeps none: lent ones if there are such. */
export function borrow(bytes: Bytes): Bytes {
  return isLending(bytes) ? { [Symbol.asyncIterator]: () => bytes.lend() } : bytes;
}

/** `bytes`, read through `pass`, and lent if they are. */
export function passed(
  bytes: Bytes,
  pass: (chunks: AsyncIterator<Uint8Array>) => AsyncIterator<Uint8Array, void, undefined>,
): Bytes {
  const kept: Bytes = { [Symbol.asyncIterator]: () => pass(bytes[Symbol.asyncIterator]()) };
  if (!isLending(bytes)) return kept;
  const lending: LendingBytes = { ...kept, lend: () => pass(bytes.lend()) };
  return lending;
}
