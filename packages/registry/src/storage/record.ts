import {
  isDigest,
  OciError,
  ownValue,
  parseJson,
  parseObject,
  type Digest,
  type JsonObject,
} from "@drayage/oci";

/** `value` as the JSON of a document. */
export function encodeRecord(value: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * The object that a document of ours holds.
 *
 * @throws OciError STORAGE_INVALID
 */
export function parseRecord(bytes: Uint8Array): JsonObject {
  const record = parseObject(parseJson(bytes, "STORAGE_INVALID"));
  if (record === undefined) throw damaged("object");
  return record;
}

export function textOf(record: JsonObject, key: string): string {
  const value = ownValue(record, key);
  if (typeof value !== "string") throw damaged(key);
  return value;
}

export function numberOf(record: JsonObject, key: string): number {
  const value = ownValue(record, key);
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw damaged(key);
  return value;
}

export function digestOfRecord(record: JsonObject, key: string): Digest {
  const value = textOf(record, key);
  if (!isDigest(value)) throw damaged(key);
  return value;
}

function damaged(what: string): OciError {
  return new OciError("STORAGE_INVALID", `a stored document has no valid ${what}`);
}
