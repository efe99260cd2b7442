import { createHash, randomBytes } from "node:crypto";
import type { S3Object, S3Scene, S3Upload } from "./bucket.ts";
import { requireWritable } from "./condition.ts";
import { headerOf, S3Refusal, type S3Answer, type S3Call } from "./exchange.ts";
import { objectOf, xmlAnswer } from "./object.ts";
import { elementsOf, formatXml } from "./xml.ts";

const mostParts = 10_000;

export function createUpload({ bucket, now }: S3Scene, { request, bucket: name, key }: S3Call): S3Answer {
  const uploadId = randomBytes(24).toString("base64url");
  const checksum = headerOf(request, "x-amz-checksum-algorithm");
  bucket.uploads.set(uploadId, { key, initiated: now, parts: new Map(), checksum, isAborting: false });
  return xmlAnswer(
    formatXml("InitiateMultipartUploadResult", { Bucket: name, Key: key, UploadId: uploadId }),
  );
}

export function uploadPart(scene: S3Scene, call: S3Call): S3Answer {
  const { request, content, checksums } = call;
  if (headerOf(request, "x-amz-copy-source") !== undefined) throw new S3Refusal(501, "NotImplemented");
  const { parts, checksum } = uploadOf(scene, call);
  const number = Number(request.parameters.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > mostParts) {
    throw new S3Refusal(400, "InvalidArgument");
  }
  if (checksum !== undefined && checksums[headerOfChecksum(checksum)] === undefined) {
    throw new S3Refusal(400, "InvalidRequest");
  }
  const part = objectOf(content, { checksums, now: scene.now });
  parts.set(number, part);
  return { status: 200, headers: { etag: part.etag, ...checksums } };
}

export function listParts(scene: S3Scene, call: S3Call): S3Answer {
  const { request, bucket, key } = call;
  const { parts } = uploadOf(scene, call);
  const after = Number(request.parameters.get("part-number-marker") ?? 0);
  const limit = Math.min(Number(request.parameters.get("max-parts") ?? 1000), scene.traits.pageSize);
  const behind = [...parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
  const page = behind.slice(0, limit);
  return xmlAnswer(
    formatXml("ListPartsResult", {
      Bucket: bucket,
      Key: key,
      UploadId: request.parameters.get("uploadId") ?? "",
      PartNumberMarker: after,
      NextPartNumberMarker: page.at(-1)?.[0],
      MaxParts: limit,
      IsTruncated: behind.length > limit,
      Part: page.map(([number, part]) => ({
        PartNumber: number,
        LastModified: new Date(part.modified).toISOString(),
        ETag: part.etag,
        Size: part.bytes.byteLength,
      })),
    }),
  );
}

export function completeUpload(scene: S3Scene, call: S3Call): S3Answer {
  const { bucket, traits, now } = scene;
  const { request, key, content } = call;
  const uploadId = request.parameters.get("uploadId") ?? "";
  const before = bucket.completed.get(uploadId) === key ? bucket.objects.get(key) : undefined;
  if (before !== undefined && traits.repeatedComplete === "answered")
    return completedAnswer(call, before.etag);
  const upload = uploadOf(scene, call);
  const parts = namedParts(upload, Buffer.from(content).toString());
  requireSizes(parts, scene);
  requireWritable(request, bucket.objects.get(key), traits.conditionalPut);
  const sums = parts.map(({ etag }) => Buffer.from(etag.slice(1, -1), "hex"));
  const etag = `"${createHash("md5").update(Buffer.concat(sums)).digest("hex")}-${parts.length}"`;
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  bucket.objects.set(key, { bytes, etag, modified: now, checksums: {} });
  bucket.uploads.delete(uploadId);
  bucket.completed.set(uploadId, key);
  return completedAnswer(call, etag);
}

function completedAnswer({ bucket, key }: S3Call, etag: string): S3Answer {
  return xmlAnswer(formatXml("CompleteMultipartUploadResult", { Bucket: bucket, Key: key, ETag: etag }));
}

export function abortUpload(scene: S3Scene, call: S3Call): S3Answer {
  const upload = uploadOf(scene, call);
  const isDone = !scene.traits.lateAbort || upload.isAborting;
  if (isDone) scene.bucket.uploads.delete(call.request.parameters.get("uploadId") ?? "");
  upload.isAborting = true;
  return { status: 204 };
}

/** The upload that a request is about, which is one for the key it names. */
function uploadOf({ bucket }: S3Scene, { request, key }: S3Call): S3Upload {
  const upload = bucket.uploads.get(request.parameters.get("uploadId") ?? "");
  if (upload?.key !== key) throw new S3Refusal(404, "NoSuchUpload");
  return upload;
}

/** The parts that a client wants its object to be made of. */
function namedParts({ parts, checksum }: S3Upload, xml: string): readonly S3Object[] {
  const wanted = elementsOf(xml, "Part");
  if (wanted.length === 0) throw new S3Refusal(400, "MalformedXML");
  let last = 0;
  return wanted.map((text) => {
    const number = Number(elementsOf(text, "PartNumber")[0]);
    if (number <= last) throw new S3Refusal(400, "InvalidPartOrder");
    last = number;
    const part = parts.get(number);
    const etag = (elementsOf(text, "ETag")[0] ?? "").replaceAll('"', "");
    if (part === undefined || part.etag !== `"${etag}"`) throw new S3Refusal(400, "InvalidPart");
    if (checksum !== undefined) requireChecksum(part, checksum, text);
    return part;
  });
}

/** An upload that began with a checksum is completed with that of every part. */
function requireChecksum({ checksums }: S3Object, algorithm: string, text: string): void {
  const [given] = elementsOf(text, `Checksum${algorithm}`);
  if (given === undefined) throw new S3Refusal(400, "InvalidRequest");
  if (given !== checksums[headerOfChecksum(algorithm)]) throw new S3Refusal(400, "InvalidPart");
}

function requireSizes(parts: readonly S3Object[], { traits }: S3Scene): void {
  const sizes = parts.map(({ bytes }) => bytes.byteLength);
  const last = sizes.pop() ?? 0;
  if (sizes.some((size) => size < traits.smallestPart)) throw new S3Refusal(400, "EntityTooSmall");
  const [first = last] = sizes;
  if (traits.equalParts && (sizes.some((size) => size !== first) || last > first)) {
    throw new S3Refusal(400, "InvalidPart");
  }
}

function headerOfChecksum(algorithm: string): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}
