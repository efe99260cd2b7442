import { OciError, ownValue, parseJson, parseObject, type JsonObject, type UploadToken } from "@drayage/oci";

/**
 * What is stored of an upload.
 *
 * S3 keeps only parts of 5 MiB and more. What is left over is a small object of its own, or in the token itself.
 */
export interface UploadState {
  /** A UUID. */
  readonly id: string;
  /** How many bytes there are in all. */
  readonly size: number;
  readonly multipart?: Multipart | undefined;
  /** The last bytes, which are no part yet. */
  readonly rest?: Uint8Array | StoredRest | undefined;
  /** The object with an earlier rest, which is a part by now. */
  readonly spent?: string | undefined;
}

export interface Multipart {
  readonly uploadId: string;
  /** Of the parts from 1 on: that nobody else has put another part in the place of one is seen at the end. */
  readonly etags: readonly string[];
}

/** An object that holds the rest. */
export interface StoredRest {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
}

export function formatToken({ id, size, multipart, rest, spent }: UploadState): UploadToken {
  const record: JsonObject = {
    id,
    size,
    ...(multipart === undefined ? {} : { upload: multipart.uploadId, parts: [...multipart.etags] }),
    ...formatRest(rest),
    ...(spent === undefined ? {} : { spent }),
  };
  return JSON.stringify(record);
}

/** @throws OciError STORAGE_INVALID */
export function parseToken(token: UploadToken): UploadState {
  const record = parseObject(parseJson(new TextEncoder().encode(token), "STORAGE_INVALID"));
  if (record === undefined) throw damaged();
  const id = textOf(record, "id");
  if (id === undefined) throw damaged();
  const multipart = parseMultipart(record);
  return { id, size: sizeOf(record), multipart, rest: parseRest(record), spent: textOf(record, "spent") };
}

function formatRest(rest: UploadState["rest"]): JsonObject {
  if (rest === undefined) return {};
  if (rest instanceof Uint8Array) return { bytes: Buffer.from(rest).toString("base64") };
  return { rest: { ...rest } };
}

function parseMultipart(record: JsonObject): Multipart | undefined {
  const uploadId = textOf(record, "upload");
  if (uploadId === undefined) return undefined;
  const parts = ownValue(record, "parts");
  if (!Array.isArray(parts)) throw damaged();
  const etags = parts.filter((each) => typeof each === "string");
  if (etags.length !== parts.length) throw damaged();
  return { uploadId, etags };
}

function parseRest(record: JsonObject): UploadState["rest"] {
  const bytes = textOf(record, "bytes");
  if (bytes !== undefined) return Buffer.from(bytes, "base64");
  const value = ownValue(record, "rest");
  if (value === undefined) return undefined;
  const stored = parseObject(value);
  const key = stored && textOf(stored, "key");
  if (stored === undefined || key === undefined) throw damaged();
  return { key, size: sizeOf(stored) };
}

function sizeOf(record: JsonObject): number {
  const size = ownValue(record, "size");
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
  throw damaged();
}

function textOf(record: JsonObject, key: string): string | undefined {
  const value = ownValue(record, key);
  if (value === undefined || typeof value === "string") return value;
  throw damaged();
}

function damaged(): OciError {
  return new OciError("STORAGE_INVALID", "not an upload of this storage");
}
