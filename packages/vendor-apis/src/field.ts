import {
  isDigest,
  isTag,
  OciError,
  ownValue,
  parseObject,
  type Digest,
  type JsonObject,
  type Tag,
} from "@drayage/oci";

// What an API tells is believed whole or not at all: a row that is passed over may be what something needs.

/** @throws OciError RESPONSE_INVALID */
export function parseRow(value: unknown): JsonObject {
  const row = parseObject(value);
  if (row === undefined) throw invalid("an entry that is no object");
  return row;
}

/** The rows under `key`. @throws OciError RESPONSE_INVALID */
export function rowsAt(object: JsonObject, key: string): readonly JsonObject[] {
  return parseRows(ownValue(object, key) ?? []);
}

/** @throws OciError RESPONSE_INVALID */
export function parseRows(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) throw invalid("a list that is none");
  return value.map(parseRow);
}

/** @throws OciError RESPONSE_INVALID */
export function digestAt(row: JsonObject, key: string): Digest {
  const value = textAt(row, key);
  if (value !== undefined && isDigest(value)) return value;
  throw invalid(`an entry whose "${key}" is no digest`);
}

/** @throws OciError RESPONSE_INVALID */
export function tagAt(row: JsonObject, key: string): Tag {
  return parseTagOf(ownValue(row, key));
}

/** The tags under `key`, none where it is missing or `null`. @throws OciError RESPONSE_INVALID */
export function tagsAt(row: JsonObject, key: string): readonly Tag[] {
  const value = ownValue(row, key) ?? [];
  if (!Array.isArray(value)) throw invalid(`an entry whose "${key}" is no list`);
  return value.map(parseTagOf);
}

function parseTagOf(value: unknown): Tag {
  if (typeof value === "string" && isTag(value)) return value;
  throw invalid("an entry whose tag is none");
}

export function textAt(row: JsonObject, key: string): string | undefined {
  const value = ownValue(row, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A number of bytes. */
export function sizeAt(row: JsonObject, key: string): number | undefined {
  const value = ownValue(row, key);
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** A time as text, in milliseconds since 1970; what is before that is a placeholder, and not known. */
export function timeAt(row: JsonObject, key: string): number | undefined {
  const time = Date.parse(textAt(row, key) ?? "");
  return time > 0 ? time : undefined;
}

export function invalid(what: string): OciError {
  return new OciError("RESPONSE_INVALID", `the registry's API answered with ${what}`);
}
