import { OciError, ownValue, parseJson, parseObject, type Digest } from "@drayage/oci";

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

export function encodePointer({ key, size }: Pointer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ key, size }));
}

/** @throws OciError STORAGE_INVALID */
export function parsePointer(bytes: Uint8Array): Pointer {
  const record = parseObject(parseJson(bytes, "STORAGE_INVALID")) ?? {};
  const key = ownValue(record, "key");
  const size = ownValue(record, "size");
  if (typeof key === "string" && typeof size === "number" && Number.isSafeInteger(size)) return { key, size };
  throw new OciError("STORAGE_INVALID", "a stored pointer to a blob is damaged");
}
