import {
  headerOf,
  mediaType,
  OciError,
  parseContentRange,
  resolveRange,
  verified,
  type BlobContent,
  type CallOptions,
  type DeleteResult,
  type Descriptor,
  type Digest,
  type GetBlobOptions,
  type Route,
} from "@drayage/oci";
import { deleteResult } from "./delete-result.ts";
import { askForBlob, resumed } from "./download.ts";
import type { Endpoint } from "./endpoint.ts";
import { abandon } from "./http/body.ts";
import type { RegistryResponse } from "./http/message.ts";

/** See `BlobReader.getBlob`. */
export async function getBlob(
  endpoint: Endpoint,
  digest: Digest,
  { range, signal }: GetBlobOptions = {},
): Promise<BlobContent> {
  // What no size could satisfy is not asked for.
  if (range !== undefined) resolveRange(range, Number.MAX_SAFE_INTEGER);
  const response = await askForBlob(endpoint, digest, { range, signal });
  try {
    const size = sizeOf(response) ?? (await knownSize(endpoint, digest, { signal }));
    const descriptor = blobDescriptor(digest, size);
    const part = range === undefined ? { start: 0, end: size - 1 } : resolveRange(range, size);
    const body = await resumed(response, { endpoint, digest, ...part, size, signal });
    return range === undefined
      ? { descriptor, body: verified(body, descriptor) }
      : { descriptor, range: part, body };
  } catch (error) {
    await abandon(response.body);
    throw error;
  }
}

/** See `BlobReader.headBlob`. */
export async function headBlob(
  endpoint: Endpoint,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<Descriptor | undefined> {
  if (endpoint.host.quirks.existence === "get") return findBlob(endpoint, digest, { signal });
  const response = await endpoint.tell({
    method: "HEAD",
    to: blobRoute(endpoint, digest),
    subject: "blob",
    // Some refuse HEAD where they answer GET.
    expect: [200, 403, 404, 405],
    actions: ["pull"],
    lane: "download",
    signal,
  });
  if (response.status === 404) return undefined;
  const size = response.status === 200 ? sizeOf(response) : undefined;
  return size === undefined ? findBlob(endpoint, digest, { signal }) : blobDescriptor(digest, size);
}

/** See `Deleter.deleteBlob`. */
export async function deleteBlob(
  endpoint: Endpoint,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<DeleteResult> {
  const { status } = await endpoint.tell({
    method: "DELETE",
    to: blobRoute(endpoint, digest),
    subject: "blob",
    expect: [200, 202, 204, 404],
    actions: ["delete"],
    signal,
  });
  const { name: registry, quirks } = endpoint.host;
  return deleteResult(status, { registry, what: "blobs", refusals: [quirks.deleteBlob] });
}

/** What is known of a blob by the name of its digest only. */
export function blobDescriptor(digest: Digest, size: number): Descriptor {
  return { mediaType: mediaType.octetStream, digest, size };
}

/** The blob by its first byte. */
async function findBlob(
  endpoint: Endpoint,
  digest: Digest,
  { signal }: CallOptions,
): Promise<Descriptor | undefined> {
  const response = await endpoint.ask({
    method: "GET",
    to: blobRoute(endpoint, digest),
    subject: "blob",
    // An empty blob has no first byte.
    expect: [200, 206, 404, 416],
    actions: ["pull"],
    headers: { range: "bytes=0-0" },
    lane: "download",
    signal,
  });
  await abandon(response.body);
  if (response.status === 404) return undefined;
  const size = sizeOf(response);
  if (size === undefined) throw new OciError("RESPONSE_INVALID", `no size is known of blob ${digest}`);
  return blobDescriptor(digest, size);
}

async function knownSize(endpoint: Endpoint, digest: Digest, options: CallOptions): Promise<number> {
  const found = await headBlob(endpoint, digest, options);
  if (found !== undefined) return found.size;
  throw new OciError("BLOB_UNKNOWN", `${endpoint.name} has no blob ${digest}`);
}

/** How large the whole blob is, by an answer that carries all of it, a part or nothing. */
function sizeOf({ status, headers }: RegistryResponse): number | undefined {
  if (status === 206 || status === 416) {
    const range = headerOf(headers, "content-range");
    return range === undefined ? undefined : parseContentRange(range).size;
  }
  const size = Number(headerOf(headers, "content-length") ?? Number.NaN);
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

function blobRoute({ name }: Endpoint, digest: Digest): Route {
  return { kind: "blob", name, digest };
}
