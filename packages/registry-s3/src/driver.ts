import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { OciError, type CallOptions, type StorageDriver } from "@drayage/oci";
import { createBlobs } from "./blobs.ts";
import { Bucket } from "./bucket.ts";
import { probe, type Capabilities } from "./capabilities.ts";
import { createDocuments } from "./documents.ts";
import { documentsFolder, pointersFolder } from "./layout.ts";
import { Memory } from "./memory.ts";
import { leastPart } from "./part-size.ts";

const mebibyte = 1024 * 1024;

/** What the AWS SDK accepts as an identity: keys, or a function that finds them. */
export type S3Credentials = NonNullable<S3ClientConfig["credentials"]>;

export interface S3DriverOptions extends CallOptions {
  readonly bucket: string;
  /** What the keys of this registry begin with, such as `registry/`; a `/` is added where it is missing. */
  readonly prefix?: string | undefined;
  /** Where the SDK always looks, if left out; `us-east-1` with an endpoint. */
  readonly region?: string | undefined;
  /** The URL of a store that is not Amazon's. */
  readonly endpoint?: string | undefined;
  /** Whether the bucket is part of the path, and not of the host; so by default with an endpoint. */
  readonly pathStyle?: boolean | undefined;
  /** Where the SDK always looks, if left out. */
  readonly credentials?: S3Credentials | undefined;
  /** Checksums on every request, the default at Amazon, or only where they are required, the default with an endpoint. */
  readonly checksums?: "always" | "required" | undefined;
  /** How often a request is sent in all that fails for reasons which may pass; 5 by default. */
  readonly maxAttempts?: number | undefined;
  /** Bytes of a part, 8 MiB by default and 5 MiB at least; after a thousand parts they get larger. */
  readonly partSize?: number | undefined;
  /** Keeps all parts of an upload but the last at `partSize`, as Cloudflare R2 wants it. */
  readonly equalParts?: boolean | undefined;
  /** Bytes that all uploads together may have in memory; 256 MiB by default. Each takes up to 5 MiB even if they are spent. */
  readonly memory?: number | undefined;
  /** What the store can do, so that it is not tried out: for who may not write. */
  readonly capabilities?: Capabilities | undefined;
  /** Lets clients read blobs from the bucket itself, by URLs that are good for so many seconds. */
  readonly redirectFor?: number | undefined;
}

/** Storage in a bucket. */
export interface S3Driver extends StorageDriver {
  readonly capabilities: Capabilities;
  /** Ends the connections that are kept. */
  close(): void;
}

/**
 * Storage in an S3 bucket, which is tried out first: what the store can do decides whether many may serve it.
 *
 * With conditional writes any number of processes may (`exclusive` is false). Without them one at a time may, and
 * keeps its own writes in order.
 *
 * @throws OciError UNAVAILABLE if the bucket cannot be written to, OPTION_INVALID
 * @example
 * const registry = createRegistry(await openS3Driver({ bucket: "images", region: "eu-central-1" }));
 */
export async function openS3Driver(options: S3DriverOptions): Promise<S3Driver> {
  const {
    partSize = 8 * mebibyte,
    equalParts = false,
    memory = 256 * mebibyte,
    redirectFor,
    signal,
  } = options;
  if (!(partSize >= leastPart)) throw new OciError("OPTION_INVALID", "partSize has to be 5 MiB at least");
  const client = new S3Client(configOf(options));
  const bucket = new Bucket(client, { name: options.bucket, prefix: folderOf(options.prefix) });
  try {
    const capabilities = options.capabilities ?? (await probe(bucket, { signal }));
    const pointers = createDocuments(bucket, pointersFolder, capabilities);
    return {
      documents: createDocuments(bucket, documentsFolder, capabilities),
      blobs: createBlobs(bucket, {
        pointers,
        // Where one process at a time is there, it waits for itself.
        removesSafely: capabilities.conditionalDelete || !capabilities.conditionalPut,
        parts: { size: partSize, areEqual: equalParts },
        memory: new Memory(memory),
        redirectFor,
      }),
      exclusive: !capabilities.conditionalPut,
      remote: true,
      capabilities,
      close: () => client.destroy(),
    };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

function folderOf(prefix: string | undefined): string {
  if (prefix === undefined || prefix === "") return "";
  return prefix.endsWith("/") ? prefix : `${prefix}/`;
}

function configOf(options: S3DriverOptions): S3ClientConfig {
  const { region, endpoint, credentials, maxAttempts = 5 } = options;
  const isAmazon = endpoint === undefined;
  const checksums = (options.checksums ?? (isAmazon ? "always" : "required")) === "always";
  const integrity = checksums ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  return {
    ...(region === undefined ? (isAmazon ? {} : { region: "us-east-1" }) : { region }),
    ...(isAmazon ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: options.pathStyle ?? !isAmazon,
    maxAttempts,
    requestChecksumCalculation: integrity,
    responseChecksumValidation: integrity,
    requestHandler: { connectionTimeout: 5000, socketTimeout: 60_000 },
  };
}
