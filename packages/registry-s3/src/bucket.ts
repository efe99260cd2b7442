import { addAbortSignal, Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { isOciError, OciError, readAll, type Bytes, type CallOptions, type DocumentPage } from "@drayage/oci";
import { answered, isAbsent, isRefused, isUnsupported } from "./failure.ts";

/** How often a write is repeated that met another one at the same moment. */
const mostCollisions = 10;

/** How often an object is read whose body breaks off. */
const mostReads = 3;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
const mostAborts = 5;

/** The condition of a write. */
export interface Condition {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: "*" | undefined;
}

export interface ObjectStat {
  readonly size: number;
  readonly etag: string;
  /** In milliseconds since 1970. */
  readonly modified: number;
}

/** What became of a write: `unsupported` where the store knows no such condition. */
export type Written = { readonly etag: string } | "refused" | "unsupported";

export interface ObjectPage extends DocumentPage {
  /** When each was stored, in milliseconds since 1970. */
  readonly modified: readonly number[];
}

/** A multipart upload that has not been completed. */
export interface MultipartEntry {
  readonly key: string;
  readonly uploadId: string;
  /** In milliseconds since 1970. */
  readonly initiated: number;
}

export interface MultipartPage {
  readonly uploads: readonly MultipartEntry[];
  /** Whether there are uploads behind the last of these. */
  readonly more: boolean;
}

/** A part of a multipart upload. */
export interface PartPlace {
  readonly key: string;
  readonly uploadId: string;
  /** From 1 to 10,000. */
  readonly number: number;
}

/** The objects of a bucket whose keys begin with a prefix, which the keys here do without. */
export class Bucket {
  readonly #client: S3Client;
  readonly #name: string;
  readonly #prefix: string;

  constructor(client: S3Client, { name, prefix }: { readonly name: string; readonly prefix: string }) {
    this.#client = client;
    this.#name = name;
    this.#prefix = prefix;
  }

  async head(key: string, { signal }: CallOptions = {}): Promise<ObjectStat | undefined> {
    const call = this.#client.send(new HeadObjectCommand(this.#at(key)), callOf(signal));
    const found = await answered<Awaited<typeof call> | "absent">(
      call,
      (failure) => (isAbsent(failure) ? "absent" : undefined),
      signal,
    );
    if (found === "absent") return undefined;
    return statOf(found, found.ContentLength);
  }

  /** The object, read as a whole. @throws OciError LIMIT_EXCEEDED */
  async get(
    key: string,
    { limit, signal }: CallOptions & { readonly limit: number },
  ): Promise<(ObjectStat & { readonly bytes: Uint8Array }) | undefined> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.#open(key, { signal });
      if (found === undefined) return undefined;
      try {
        const bytes = await answered(readAll(found.body, { limit }), undefined, signal);
        return { ...found.stat, bytes };
      } catch (error) {
        if (attempt === mostReads || !isOciError(error, "UNAVAILABLE")) throw error;
      }
    }
  }

  /** The part of an object, as it comes in; `undefined` if there is no such object. */
  async read(
    key: string,
    { start, length, signal }: CallOptions & { readonly start: number; readonly length: number },
  ): Promise<Bytes | undefined> {
    return (await this.#open(key, { range: `bytes=${start}-${start + length - 1}`, signal }))?.body;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    { ifMatch, ifNoneMatch, signal }: Condition & CallOptions = {},
  ): Promise<Written> {
    const condition = {
      ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
      ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
    };
    const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined;
    for (let collisions = 0; ; collisions++) {
      const command = new PutObjectCommand({ ...this.#at(key), Body: bytes, ...condition });
      const outcome = await answered<Written | "collided" | "in doubt">(
        this.#client.send(command, callOf(signal)).then(({ ETag }) => ({ etag: requireText(ETag) })),
        (failure) => {
          if (!isConditional) return undefined;
          if (failure.status === 409 && collisions < mostCollisions) return "collided";
          if (isUnsupported(failure)) return "unsupported";
          if (!isRefused(failure)) return undefined;
          return failure.attempts > 1 ? "in doubt" : "refused";
        },
        signal,
      );
      if (outcome === "in doubt") return this.#ownWrite(key, bytes);
      if (outcome !== "collided") return outcome;
    }
  }

  /** Removes an object; without a condition, absent is success. */
  async delete(
    key: string,
    { ifMatch, signal }: Pick<Condition, "ifMatch"> & CallOptions = {},
  ): Promise<"deleted" | "refused" | "unsupported"> {
    const condition = ifMatch === undefined ? {} : { IfMatch: ifMatch };
    const command = new DeleteObjectCommand({ ...this.#at(key), ...condition });
    return answered<"deleted" | "refused" | "unsupported">(
      this.#client.send(command, callOf(signal)).then(() => "deleted" as const),
      (failure) => {
        // The first attempt has done it, and its answer was lost.
        if (isAbsent(failure) && (ifMatch === undefined || failure.attempts > 1)) return "deleted";
        if (ifMatch === undefined) return undefined;
        if (isUnsupported(failure)) return "unsupported";
        return isRefused(failure) ? "refused" : undefined;
      },
      signal,
    );
  }

  /** The first `limit` keys that begin with `prefix`, behind `after`; in byte order. */
  async list(
    prefix: string,
    { after, limit, signal }: CallOptions & { readonly after?: string | undefined; readonly limit: number },
  ): Promise<ObjectPage> {
    const command = new ListObjectsV2Command({
      Bucket: this.#name,
      Prefix: this.#prefix + prefix,
      MaxKeys: limit,
      ...(after === undefined ? {} : { StartAfter: this.#prefix + after }),
    });
    const page = await answered(this.#client.send(command, callOf(signal)), undefined, signal);
    const keys = (page.Contents ?? []).map(({ Key }) => requireText(Key).slice(this.#prefix.length));
    const modified = (page.Contents ?? []).map(({ LastModified }) => LastModified?.getTime() ?? Infinity);
    return { keys, modified, more: page.IsTruncated === true };
  }

  /** The first multipart uploads of keys that begin with `prefix`, behind `after`. */
  async listUploads(
    prefix: string,
    { after, signal }: CallOptions & { readonly after?: MultipartEntry | undefined },
  ): Promise<MultipartPage> {
    const command = new ListMultipartUploadsCommand({
      Bucket: this.#name,
      Prefix: this.#prefix + prefix,
      ...(after === undefined ? {} : { KeyMarker: this.#prefix + after.key, UploadIdMarker: after.uploadId }),
    });
    const page = await answered(
      this.#client.send(command, callOf(signal)),
      (failure) => (isUnsupported(failure) ? { $metadata: {}, Uploads: [], IsTruncated: false } : undefined),
      signal,
    );
    const uploads = (page.Uploads ?? []).map(({ Key, UploadId, Initiated }) => ({
      key: requireText(Key).slice(this.#prefix.length),
      uploadId: requireText(UploadId),
      initiated: Initiated?.getTime() ?? Number.POSITIVE_INFINITY,
    }));
    return { uploads, more: page.IsTruncated === true };
  }

  /** Begins a multipart upload. Resolves to its id. */
  async createUpload(key: string): Promise<string> {
    const command = new CreateMultipartUploadCommand({ ...this.#at(key), ContentType: contentType });
    return requireText((await answered(this.#client.send(command))).UploadId);
  }

  /** Stores a part. Resolves to its etag. @throws OciError BLOB_UPLOAD_UNKNOWN */
  async uploadPart({ key, uploadId, number }: PartPlace, bytes: Uint8Array): Promise<string> {
    const place = { ...this.#at(key), UploadId: uploadId, PartNumber: number };
    const answer = await answered<{ ETag?: string | undefined } | "gone">(
      this.#client.send(new UploadPartCommand({ ...place, Body: bytes })),
      ({ code }) => (code === "NoSuchUpload" ? "gone" : undefined),
    );
    if (answer === "gone") throw uploadUnknown();
    return requireText(answer.ETag);
  }

  /** Makes an object of the parts. Resolves to `false` if there is no such upload any more. */
  async completeUpload(key: string, uploadId: string, etags: readonly string[]): Promise<boolean> {
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    const command = new CompleteMultipartUploadCommand({
      ...this.#at(key),
      UploadId: uploadId,
      MultipartUpload: { Parts },
    });
    return answered<boolean>(
      this.#client.send(command).then(() => true),
      ({ code }) => (code === "NoSuchUpload" ? false : undefined),
    );
  }

  /** Gives up every multipart upload of the key: more than once, since a part may arrive behind the first attempt. */
  async abortUploads(key: string, known?: string): Promise<void> {
    if (known !== undefined) await this.#abortUpload(key, known);
    for (let round = 0; round < mostAborts; round++) {
      const uploads = await this.#uploadsOf(key);
      if (uploads.length === 0) return;
      for (const uploadId of uploads) await this.#abortUpload(key, uploadId);
    }
  }

  /** A URL at which the object can be read for so many seconds. */
  async presign(key: string, expiresIn: number): Promise<string> {
    const command = new GetObjectCommand({ ...this.#at(key), ResponseContentType: contentType });
    return answered(getSignedUrl(this.#client, command, { expiresIn }));
  }

  async #open(
    key: string,
    { range, signal }: CallOptions & { readonly range?: string | undefined },
  ): Promise<{ readonly body: Bytes; readonly stat: ObjectStat } | undefined> {
    const command = new GetObjectCommand({
      ...this.#at(key),
      ...(range === undefined ? {} : { Range: range }),
    });
    const call = this.#client.send(command, callOf(signal));
    const found = await answered<Awaited<typeof call> | "absent">(
      call,
      (failure) => (isAbsent(failure) ? "absent" : undefined),
      signal,
    );
    if (found === "absent") return undefined;
    if (!(found.Body instanceof Readable)) throw invalid();
    // The client does not look after a body once it has answered.
    const body = signal === undefined ? found.Body : addAbortSignal(signal, found.Body);
    return { body, stat: statOf(found, found.ContentLength) };
  }

  /** Whether a write was ours whose first answer was lost, so that the second attempt met it. */
  async #ownWrite(key: string, bytes: Uint8Array): Promise<Written> {
    const found = await this.get(key, { limit: Number.MAX_SAFE_INTEGER });
    const isOurs = found !== undefined && Buffer.compare(found.bytes, bytes) === 0;
    return isOurs ? { etag: found.etag } : "refused";
  }

  async #uploadsOf(key: string): Promise<readonly string[]> {
    const command = new ListMultipartUploadsCommand({ Bucket: this.#name, Prefix: this.#prefix + key });
    const page = await answered(this.#client.send(command), (failure) =>
      isUnsupported(failure) ? { $metadata: {}, Uploads: [] } : undefined,
    );
    return (page.Uploads ?? [])
      .filter(({ Key }) => Key === this.#prefix + key)
      .map(({ UploadId }) => requireText(UploadId));
  }

  async #abortUpload(key: string, uploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#at(key), UploadId: uploadId });
    await answered<unknown>(this.#client.send(command), ({ code }) =>
      code === "NoSuchUpload" ? null : undefined,
    );
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#name, Key: this.#prefix + key };
  }
}

/** Whatever is in the bucket: a browser shall not show it. */
const contentType = "application/octet-stream";

export function uploadUnknown(): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", "nothing is left of the upload");
}

function statOf(
  { ETag, LastModified }: { readonly ETag?: string | undefined; readonly LastModified?: Date | undefined },
  size: number | undefined,
): ObjectStat {
  if (size === undefined || LastModified === undefined) throw invalid();
  return { size, etag: requireText(ETag), modified: LastModified.getTime() };
}

function callOf(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  signal?.throwIfAborted();
  return signal === undefined ? {} : { abortSignal: signal };
}

function requireText(text: string | undefined): string {
  if (text === undefined) throw invalid();
  return text;
}

function invalid(): OciError {
  return new OciError("RESPONSE_INVALID", "the bucket answered with less than it should");
}
