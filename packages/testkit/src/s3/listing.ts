import type { S3Scene } from "./bucket.ts";
import { S3Refusal, type S3Answer, type S3Call } from "./exchange.ts";
import { xmlAnswer } from "./object.ts";
import { formatXml } from "./xml.ts";

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjects({ bucket, traits }: S3Scene, call: S3Call): S3Answer {
  const { parameters } = call.request;
  const prefix = parameters.get("prefix") ?? "";
  const limit = Math.min(Number(parameters.get("max-keys") ?? 1000), traits.pageSize);
  if (!Number.isInteger(limit) || limit < 0) throw new S3Refusal(400, "InvalidArgument");
  const after =
    parseContinuation(parameters.get("continuation-token")) ?? parameters.get("start-after") ?? "";
  const entries = entriesOf([...bucket.objects.keys()], prefix, parameters.get("delimiter"));
  const behind = entries.filter((entry) => Buffer.compare(Buffer.from(entry), Buffer.from(after)) > 0);
  const page = behind.slice(0, limit);
  const isTruncated = behind.length > limit;
  return xmlAnswer(
    formatXml("ListBucketResult", {
      Name: call.bucket,
      Prefix: prefix,
      KeyCount: page.length,
      MaxKeys: limit,
      IsTruncated: isTruncated,
      NextContinuationToken: isTruncated ? formatContinuation(page.at(-1) ?? after) : undefined,
      Contents: page.flatMap((key) => {
        const found = bucket.objects.get(key);
        if (found === undefined) return [];
        const { modified, etag, bytes } = found;
        const time = new Date(modified).toISOString();
        return [
          { Key: key, LastModified: time, ETag: etag, Size: bytes.byteLength, StorageClass: "STANDARD" },
        ];
      }),
      CommonPrefixes: page.filter((entry) => !bucket.objects.has(entry)).map((entry) => ({ Prefix: entry })),
    }),
  );
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export function listUploads({ bucket, traits }: S3Scene, call: S3Call): S3Answer {
  const { parameters } = call.request;
  const prefix = parameters.get("prefix") ?? "";
  const limit = Math.min(Number(parameters.get("max-uploads") ?? 1000), traits.pageSize);
  const marker = [parameters.get("key-marker") ?? "", parameters.get("upload-id-marker") ?? ""].join("\n");
  const behind = [...bucket.uploads]
    .map(([id, { key, initiated }]) => ({ id, key, initiated, place: `${key}\n${id}` }))
    .filter(({ key, place }) => key.startsWith(prefix) && place > marker)
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const page = behind.slice(0, limit);
  const last = page.at(-1);
  return xmlAnswer(
    formatXml("ListMultipartUploadsResult", {
      Bucket: call.bucket,
      Prefix: prefix,
      MaxUploads: limit,
      IsTruncated: behind.length > limit,
      NextKeyMarker: last?.key,
      NextUploadIdMarker: last?.id,
      Upload: page.map(({ id, key, initiated }) => ({
        Key: key,
        UploadId: id,
        Initiated: new Date(initiated).toISOString(),
      })),
    }),
  );
}

/** Keys, and prefixes in place of the keys that share them, in byte order. */
function entriesOf(keys: readonly string[], prefix: string, delimiter: string | null): readonly string[] {
  const inside = keys.filter((key) => key.startsWith(prefix));
  const rolled = inside.map((key) => {
    const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
    return end < 0 ? key : key.slice(0, end + 1);
  });
  return [...new Set(rolled)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function formatContinuation(key: string): string {
  return Buffer.from(key).toString("base64url");
}

function parseContinuation(token: string | null): string | undefined {
  return token === null ? undefined : Buffer.from(token, "base64url").toString();
}
