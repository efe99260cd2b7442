import { randomUUID } from "node:crypto";
import { isDigest, OciError, ownValue, parseJson, parseObject, type Digest } from "@drayage/oci";

/** Where the bytes of a blob are. */
export interface Pointer {
  /** Of an object in `data/`. */
  readonly key: string;
  /** In bytes. */
  readonly size: number;
}

/** The document that points to a blob's bytes. */
export function pointerKey(digest: Digest): string {
  return digest.replace(":", "-");
}

/** The blob that a pointer of that key is for, if it is one. */
export function parsePointerKey(key: string): Digest | undefined {
  const text = key.replace("-", ":");
  return isDigest(text) ? text : undefined;
}

/** A pointer that differs from every other one, so that its etag tells whether it has been touched. */
export function encodePointer({ key, size }: Pointer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ key, size, mark: randomUUID() }));
}

/** What takes the place of a pointer that cannot be removed safely. */
export function encodeTombstone(): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ isGone: true, mark: randomUUID() }));
}

/** Where the document points, `undefined` for a tombstone. @throws OciError STORAGE_INVALID */
export function parsePointer(bytes: Uint8Array): Pointer | undefined {
  const record = parseObject(parseJson(bytes, "STORAGE_INVALID")) ?? {};
  if (ownValue(record, "isGone") === true) return undefined;
  const key = ownValue(record, "key");
  const size = ownValue(record, "size");
  if (typeof key === "string" && typeof size === "number" && Number.isSafeInteger(size)) return { key, size };
  throw new OciError("STORAGE_INVALID", "a stored pointer to a blob is damaged");
}
