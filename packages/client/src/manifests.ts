import {
  algorithmOf,
  digestMatches,
  digestOf,
  formatEntityTag,
  headerOf,
  isDigest,
  isIndexType,
  isManifestType,
  isOciError,
  manifestMediaTypes,
  OciError,
  parseContentType,
  parseManifest,
  parseTag,
  referrerOf,
  type At,
  type CallOptions,
  type DeleteResult,
  type Descriptor,
  type Digest,
  type GetManifestOptions,
  type HttpHeaders,
  type ManifestDocument,
  type PutManifestOptions,
  type Tag,
} from "@drayage/oci";
import { deleteResult } from "./delete-result.ts";
import type { Endpoint } from "./endpoint.ts";
import { readBody } from "./http/body.ts";
import type { RegistryResponse } from "./http/message.ts";
import { manifestRoute, putAt } from "./put-manifest.ts";

const everyType = manifestMediaTypes.join(", ");

export interface FetchManifestOptions extends GetManifestOptions {
  /**
   * Media types to ask for instead of all that are known. A registry that has another one may convert it, refuse it
   * or send it all the same; the descriptor says what came.
   */
  readonly accept?: readonly string[] | undefined;
  /** Throws RESPONSE_INVALID instead of following a redirect if `false`. */
  readonly followRedirects?: boolean | undefined;
}

/** See `ManifestReader.getManifest`. */
export async function getManifest(
  endpoint: Endpoint,
  at: At,
  { ifNoneMatch, accept, followRedirects, signal }: FetchManifestOptions = {},
): Promise<ManifestDocument> {
  const condition = ifNoneMatch === undefined ? {} : { "if-none-match": formatEntityTag(ifNoneMatch) };
  const { manifestBytes } = endpoint.settings.limits;
  const response = await endpoint.ask({
    method: "GET",
    to: manifestRoute(endpoint, at),
    subject: "manifest",
    expect: [200],
    actions: ["pull"],
    headers: { accept: accept?.join(", ") ?? everyType, ...condition },
    followRedirects,
    bodyLimit: manifestBytes,
    counts: "pull",
    signal,
  });
  const bytes = await readBody(response, { limit: manifestBytes });
  const document = verifiedDocument(at, bytes, response);
  if (document.descriptor.digest !== ifNoneMatch) return document;
  throw new OciError("NOT_MODIFIED", `${at} is still ${ifNoneMatch}`, { status: response.status });
}

/** See `ManifestReader.headManifest`. */
export async function headManifest(
  endpoint: Endpoint,
  at: At,
  { signal }: CallOptions = {},
): Promise<Descriptor | undefined> {
  const find = async () => (await findManifest(endpoint, at, { signal }))?.descriptor;
  if (!endpoint.host.quirks.headManifest) return find();
  const response = await endpoint.tell({
    method: "HEAD",
    to: manifestRoute(endpoint, at),
    subject: "manifest",
    // Some refuse HEAD where they answer GET.
    expect: [200, 403, 404, 405],
    actions: ["pull"],
    headers: { accept: everyType },
    signal,
  });
  if (response.status === 404) return undefined;
  const described = response.status === 200 ? describedManifest(at, response.headers) : undefined;
  return described ?? find();
}

/** What a registry has made of a manifest. */
export interface StoredManifest {
  readonly descriptor: Descriptor;
  /** What the manifest refers to, if the registry took no note of it. */
  readonly unnoted?: { readonly subject: Digest; readonly referrer: Descriptor } | undefined;
}

/** See `ManifestWriter.putManifest`. */
export async function putManifest(
  endpoint: Endpoint,
  document: ManifestDocument,
  options: PutManifestOptions = {},
): Promise<StoredManifest> {
  const checked = checkedManifest(document);
  await requireTags(endpoint, (options.tags ?? []).map(parseTag), options);
  return storeManifest(endpoint, checked, options);
}

/** The same, its conditions left to the registries that know them. */
export async function storeManifest(
  endpoint: Endpoint,
  document: ManifestDocument,
  options: PutManifestOptions,
): Promise<StoredManifest> {
  const { bytes, descriptor } = checkedManifest(document);
  const manifest = parseManifest(bytes, descriptor.mediaType);
  const answers = await putAt(endpoint, { bytes, descriptor }, options);
  const subject = manifest.subject?.digest;
  const isNoted = answers.every((headers) => headerOf(headers, "oci-subject") !== undefined);
  if (subject === undefined || isNoted) return { descriptor };
  return { descriptor, unnoted: { subject, referrer: referrerOf(manifest, descriptor) } };
}

/** See `Deleter.deleteManifest`. */
export async function deleteManifest(
  endpoint: Endpoint,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<DeleteResult> {
  const { status } = await endpoint.tell({
    method: "DELETE",
    to: manifestRoute(endpoint, digest),
    subject: "manifest",
    expect: [200, 202, 204, 404],
    actions: ["delete"],
    signal,
  });
  const { name: registry, quirks } = endpoint.host;
  return deleteResult(status, { registry, what: "manifests", refusals: [quirks.deleteManifest] });
}

/** The manifest by its content, where `HEAD` cannot be relied on. */
export async function findManifest(
  endpoint: Endpoint,
  at: At,
  options: CallOptions,
): Promise<ManifestDocument | undefined> {
  try {
    return await getManifest(endpoint, at, options);
  } catch (error) {
    if (isOciError(error, "MANIFEST_UNKNOWN", "NAME_UNKNOWN")) return undefined;
    throw error;
  }
}

/** What a registry says of a manifest, if it says everything. */
function describedManifest(at: At, headers: HttpHeaders): Descriptor | undefined {
  const said = headerOf(headers, "docker-content-digest");
  const digest = said ?? (isDigest(at) ? at : undefined);
  const mediaType = parseContentType(headerOf(headers, "content-type"));
  const size = Number(headerOf(headers, "content-length") ?? Number.NaN);
  if (digest === undefined || !isDigest(digest) || mediaType === undefined) return undefined;
  if (!isKnownType(mediaType) || !Number.isSafeInteger(size)) return undefined;
  if (isDigest(at) && digest !== at) throw mismatch(at, digest);
  return { mediaType, digest, size };
}

/** The bytes of an answer, held against the digest that was asked for and the one that it says it has (C15). */
function verifiedDocument(at: At, bytes: Uint8Array, { headers }: RegistryResponse): ManifestDocument {
  const said = headerOf(headers, "docker-content-digest");
  const claims = [at, said ?? ""].filter(isDigest);
  for (const claim of claims) {
    if (!digestMatches(claim, bytes)) throw mismatch(claim, digestOf(bytes, algorithmOf(claim)));
  }
  const type = parseContentType(headerOf(headers, "content-type"));
  const manifest = parseManifest(bytes, type !== undefined && isKnownType(type) ? type : undefined);
  const digest = claims[0] ?? digestOf(bytes);
  return { bytes, descriptor: { mediaType: manifest.mediaType, digest, size: bytes.byteLength } };
}

/** Static hosts send any type. */
function isKnownType(type: string): boolean {
  return isIndexType(type) || isManifestType(type);
}

/** The manifest by what its bytes say. */
function checkedManifest({ bytes, descriptor: { digest, mediaType } }: ManifestDocument): ManifestDocument {
  if (!digestMatches(digest, bytes)) throw new OciError("DIGEST_MISMATCH", `the manifest is not ${digest}`);
  const manifest = parseManifest(bytes, mediaType);
  return { bytes, descriptor: { mediaType: manifest.mediaType, digest, size: bytes.byteLength } };
}

/** Conditions are checked by us, for few registries do, and sent along for those that do it without a gap. */
async function requireTags(
  endpoint: Endpoint,
  tags: readonly Tag[],
  { ifMatch, ifNoneMatch, signal }: PutManifestOptions,
): Promise<void> {
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  for (const tag of tags) {
    const found = await headManifest(endpoint, tag, { signal });
    if (ifMatch !== undefined && found?.digest !== ifMatch) throw moved(tag);
    if (ifNoneMatch !== undefined && found !== undefined) throw moved(tag);
  }
}

function mismatch(expected: Digest, actual: string): OciError {
  return new OciError("DIGEST_MISMATCH", `instead of ${expected} the registry has ${actual}`);
}

export function moved(tag: Tag): OciError {
  return new OciError("PRECONDITION_FAILED", `tag ${tag} is not where it was expected`);
}
