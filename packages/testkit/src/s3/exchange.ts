import type { IncomingHttpHeaders } from "node:http";

/** The operations of S3 that are emulated, by their names in its API reference. */
export type S3Operation =
  | "HeadBucket"
  | "ListObjectsV2"
  | "ListMultipartUploads"
  | "DeleteObjects"
  | "GetObject"
  | "HeadObject"
  | "PutObject"
  | "DeleteObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "ListParts"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload";

/** A request, read to its end. */
export interface S3Request {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** As it was sent, without the `?`. */
  readonly query: string;
  readonly parameters: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** A request that has been understood, with the content that its body stands for. */
export interface S3Call {
  readonly request: S3Request;
  readonly bucket: string;
  /** Empty for a request about the bucket. */
  readonly key: string;
  readonly content: Uint8Array;
  /** What the sender has said about the content, and what turned out to be true: header to value. */
  readonly checksums: Readonly<Record<string, string>>;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | string | undefined;
}

/** An answer other than success, in S3's own words. */
export class S3Refusal extends Error {
  readonly status: number;
  /** Such as `NoSuchKey`. @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, headers: Readonly<Record<string, string>> = {}) {
    super(code);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** A header that was sent once. */
export function headerOf({ headers }: S3Request, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** What a request asks for. */
export function operationOf({ method, parameters }: S3Request, key: string): S3Operation {
  const operation = key === "" ? ofBucket(method, parameters) : ofObject(method, parameters);
  if (operation === undefined) throw new S3Refusal(501, "NotImplemented");
  return operation;
}

function ofBucket(method: string, parameters: URLSearchParams): S3Operation | undefined {
  if (method === "HEAD") return "HeadBucket";
  if (method === "POST" && parameters.has("delete")) return "DeleteObjects";
  if (method !== "GET") return undefined;
  if (parameters.has("uploads")) return "ListMultipartUploads";
  return parameters.get("list-type") === "2" ? "ListObjectsV2" : undefined;
}

function ofObject(method: string, parameters: URLSearchParams): S3Operation | undefined {
  const isOfUpload = parameters.has("uploadId");
  switch (method) {
    case "HEAD":
      return "HeadObject";
    case "GET":
      return isOfUpload ? "ListParts" : "GetObject";
    case "PUT":
      return isOfUpload ? "UploadPart" : "PutObject";
    case "DELETE":
      return isOfUpload ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      if (isOfUpload) return "CompleteMultipartUpload";
      return parameters.has("uploads") ? "CreateMultipartUpload" : undefined;
    default:
      return undefined;
  }
}
