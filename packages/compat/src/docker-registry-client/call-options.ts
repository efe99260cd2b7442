import type { ReadableStream } from "node:stream/web";
import type { CallOptions } from "@drayage/oci";
import type { ManifestData } from "./manifest.ts";

export interface PingOptions extends CallOptions {
  readonly headers?: Headers | undefined;
  /** Other statuses are errors; 200, 401 and 404 by default. */
  readonly expectStatus?: readonly number[] | undefined;
}

export interface LoginOptions extends CallOptions {
  /** By default the repository with the client's `scopes`. */
  readonly scope?: string | undefined;
  /** Not looked at: what the registry wants is learnt from the registry. */
  readonly pingRes?: Response | undefined;
}

export interface ListAllTagsOptions extends CallOptions {
  readonly pageSize?: number | undefined;
}

export interface ListTagsOptions extends ListAllTagsOptions {
  readonly startingAfter?: string | undefined;
}

export interface GetManifestOptions extends CallOptions {
  /** A tag or digest. */
  readonly ref: string;
  readonly acceptManifestLists?: boolean | undefined;
  readonly acceptOCIManifests?: boolean | undefined;
  /** Takes a redirect for an error if `false`. */
  readonly followRedirects?: boolean | undefined;
}

export interface PutManifestOptions extends ManifestData, CallOptions {}

export interface DeleteManifestOptions extends CallOptions {
  /** A tag or digest. */
  readonly ref: string;
}

export interface BlobOptions extends CallOptions {
  readonly digest: string;
}

export interface BlobUploadOptions extends BlobOptions {
  /** A stream cannot be sent again when the connection breaks; bytes can. */
  readonly stream: Uint8Array | ReadableStream<Uint8Array>;
  readonly contentLength: number;
  /** Not sent: to a registry a blob is bytes. */
  readonly contentType?: string | undefined;
}
