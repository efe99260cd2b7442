import {
  formatContentRange,
  formatEntityTag,
  formatErrorBody,
  includesEntityTag,
  isOciError,
  mediaType,
  OciError,
  parseEntityTags,
  parseRange,
  type Descriptor,
  type Digest,
  type Range,
  type Repository,
  type Route,
} from "@drayage/oci";
import { emptyReply, headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";
import { orNotAllowed } from "./failure.ts";
import { inertHeaders, isUnmodified, parseKnownBlob } from "./target.ts";

type BlobRoute = Extract<Route, { readonly kind: "blob" }>;

/** `/v2/<name>/blobs/<digest>` */
export function blobOperations(route: BlobRoute): Operations {
  return {
    GET: { access: ["pull"], answer: (call) => getBlob(route, call) },
    HEAD: { access: ["pull"], answer: (call) => headBlob(route, call) },
    DELETE: { access: ["delete"], answer: (call) => orNotAllowed(deleteBlob(route, call)) },
  };
}

async function getBlob({ name, digest: text }: BlobRoute, call: Call): Promise<Reply> {
  const digest = parseKnownBlob(text);
  const repository = call.repository(name);
  if (isUnmodified(call, digest)) return wholeReply(await demand(repository, digest, call), call);
  const location = await repository.locator?.locateBlob(digest, { signal: call.signal });
  if (location !== undefined) return elsewhereReply(digest, location);
  try {
    const { body, descriptor, range } = await repository.getBlob(digest, {
      range: rangeOf(call, digest),
      signal: call.signal,
    });
    if (range === undefined) return { ...wholeReply(descriptor, call), body };
    return { ...partReply(descriptor, range), body };
  } catch (error) {
    if (!isOciError(error, "RANGE_INVALID")) throw error;
    return unsatisfiedReply(await demand(repository, digest, call));
  }
}

/** Where the blob is to be had; whoever has the URL gets it, so that nobody keeps the answer. */
function elsewhereReply(digest: Digest, location: string): Reply {
  return emptyReply(307, { location, "docker-content-digest": digest, "cache-control": "no-store" });
}

async function headBlob({ name, digest }: BlobRoute, call: Call): Promise<Reply> {
  return headOf(wholeReply(await demand(call.repository(name), parseKnownBlob(digest), call), call));
}

async function deleteBlob({ name, digest }: BlobRoute, call: Call): Promise<Reply> {
  const result = await call.repository(name).deleteBlob(parseKnownBlob(digest));
  if (result === "absent") throw blobUnknown();
  return emptyReply(202);
}

/** What is asked for; the whole blob if the client's part is of something else (RFC 9110 §13.1.5). */
function rangeOf({ headers }: Call, digest: Digest): Range | undefined {
  const condition = parseEntityTags(headers["if-range"]?.toString());
  const isOurs = condition === undefined || includesEntityTag(condition, digest);
  return isOurs ? parseRange(headers.range) : undefined;
}

/** The answer for a whole blob, without it. */
function wholeReply(descriptor: Descriptor, call: Call): Reply {
  const headers = headersOf(descriptor);
  if (isUnmodified(call, descriptor.digest)) return { status: 304, headers };
  return { status: 200, headers: { ...typeHeaders, "content-length": String(descriptor.size), ...headers } };
}

function partReply(
  descriptor: Descriptor,
  { start, end }: { readonly start: number; readonly end: number },
): Reply {
  return {
    status: 206,
    headers: {
      ...typeHeaders,
      "content-length": String(end - start + 1),
      "content-range": formatContentRange({ start, end, size: descriptor.size }),
      ...headersOf(descriptor),
    },
  };
}

function unsatisfiedReply({ size }: Descriptor): Reply {
  const body = formatErrorBody([{ code: "SIZE_INVALID", message: "the blob has no such range" }]);
  return jsonReply(416, body, { "content-range": formatContentRange({ size }) });
}

// Whatever the layer's own type: a browser shall not show it.
const typeHeaders = { "content-type": mediaType.octetStream };

function headersOf({ digest }: Descriptor): Reply["headers"] {
  return {
    "docker-content-digest": digest,
    etag: formatEntityTag(digest),
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=31536000, immutable",
    ...inertHeaders,
  };
}

async function demand(repository: Repository, digest: Digest, call: Call): Promise<Descriptor> {
  const descriptor = await repository.headBlob(digest, { signal: call.signal });
  if (descriptor === undefined) throw blobUnknown();
  return descriptor;
}

function blobUnknown(): OciError {
  return new OciError("BLOB_UNKNOWN", "there is no such blob in this repository");
}
