import { createHash } from "node:crypto";
import type { S3Object, S3Scene } from "./bucket.ts";
import { requireReadable, requireWritable } from "./condition.ts";
import { headerOf, S3Refusal, type S3Answer, type S3Call, type S3Request } from "./exchange.ts";
import { elementsOf, formatXml } from "./xml.ts";

export function putObject({ bucket, traits, now }: S3Scene, call: S3Call): S3Answer {
  const { request, key, content, checksums } = call;
  if (headerOf(request, "x-amz-copy-source") !== undefined) throw new S3Refusal(501, "NotImplemented");
  requireWritable(request, bucket.objects.get(key), traits.conditionalPut);
  const stored = objectOf(content, { checksums, now });
  bucket.objects.set(key, stored);
  return { status: 200, headers: { etag: stored.etag, ...checksums } };
}

/** `HEAD` is answered with the same, whose body is left out then. */
export function getObject({ bucket }: S3Scene, { request, key }: S3Call): S3Answer {
  const found = bucket.objects.get(key);
  if (found === undefined) throw new S3Refusal(404, "NoSuchKey");
  requireReadable(request, found);
  const { bytes, etag, modified, checksums } = found;
  const headers = {
    etag,
    "last-modified": new Date(modified).toUTCString(),
    "accept-ranges": "bytes",
    "content-type": "binary/octet-stream",
  };
  const range = rangeOf(request, bytes.byteLength);
  if (range === undefined) {
    const isAsked = headerOf(request, "x-amz-checksum-mode") === "ENABLED";
    return { status: 200, headers: { ...headers, ...(isAsked ? checksums : {}) }, body: bytes };
  }
  const [start, end] = range;
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${bytes.byteLength}` },
    body: bytes.subarray(start, end + 1),
  };
}

export function deleteObject({ bucket, traits }: S3Scene, { request, key }: S3Call): S3Answer {
  const found = bucket.objects.get(key);
  if (headerOf(request, "if-match") !== undefined) requireWritable(request, found, traits.conditionalDelete);
  bucket.objects.delete(key);
  return { status: 204 };
}

export function deleteObjects({ bucket }: S3Scene, { content, request, checksums }: S3Call): S3Answer {
  const isChecked = Object.keys(checksums).length > 0 || headerOf(request, "content-md5") !== undefined;
  if (!isChecked) throw new S3Refusal(400, "InvalidRequest");
  const text = Buffer.from(content).toString();
  const keys = elementsOf(text, "Key");
  if (keys.length > 1000) throw new S3Refusal(400, "MalformedXML");
  for (const key of keys) bucket.objects.delete(key);
  const isQuiet = elementsOf(text, "Quiet")[0] === "true";
  const deleted = isQuiet ? [] : keys.map((key) => ({ Key: key }));
  return xmlAnswer(formatXml("DeleteResult", { Deleted: deleted }));
}

/** An object of these bytes, with the ETag of one that was put whole. */
export function objectOf(
  bytes: Uint8Array,
  { checksums, now }: { readonly checksums: Readonly<Record<string, string>>; readonly now: number },
): S3Object {
  const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
  return { bytes, etag, modified: now, checksums };
}

export function xmlAnswer(body: string, status = 200): S3Answer {
  return { status, headers: { "content-type": "application/xml" }, body };
}

/** First and last byte; other units and malformed ranges are passed over (RFC 9110 §14.2). */
function rangeOf(request: S3Request, size: number): readonly [number, number] | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(headerOf(request, "range") ?? "");
  if (parts === null) return undefined;
  const [, first = "", last = ""] = parts;
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) throw new S3Refusal(416, "InvalidRange", { "content-range": `bytes */${size}` });
  return [start, end];
}
