import { digestMatches, digestOf, isDigest, isNonDistributable, isTag, type Digest } from "@drayage/oci";
import type { ScriptedContent, ScriptedRepository } from "./content.ts";
import { refuse, type ScriptedAnswer, type ScriptedRequest } from "./exchange.ts";

/** Which additions to the distribution-spec the registry knows. */
export interface ScriptedFeatures {
  /** Tags are taken from `?tag=` of a manifest pushed by digest, and told in `OCI-Tag`. */
  readonly tagParameter?: boolean | undefined;
  /** `If-Match` and `If-None-Match: *` decide over a tag. */
  readonly conditionalTags?: boolean | undefined;
}

interface ManifestRequest {
  readonly name: string;
  readonly at: string;
  readonly request: ScriptedRequest;
  readonly features: ScriptedFeatures;
}

/** Answers `/v2/<name>/manifests/<reference>`. */
export function answerManifest(content: ScriptedContent, call: ManifestRequest): ScriptedAnswer {
  if (!isDigest(call.at) && !isTag(call.at))
    return refuse(400, call.at.includes(":") ? "DIGEST_INVALID" : "MANIFEST_INVALID");
  const repository = content.repositories.get(call.name);
  switch (call.request.method) {
    case "GET":
    case "HEAD":
      return repository === undefined ? refuse(404, "NAME_UNKNOWN") : getManifest(repository, call);
    case "PUT":
      return putManifest(content, call);
    case "DELETE":
      return repository === undefined ? refuse(404, "NAME_UNKNOWN") : deleteManifest(repository, call.at);
    default:
      return refuse(405, "UNSUPPORTED");
  }
}

function getManifest(repository: ScriptedRepository, { at, request }: ManifestRequest): ScriptedAnswer {
  const digest = isDigest(at) ? at : (repository.tags.get(at) ?? "");
  const found = repository.manifests.get(digest);
  if (found === undefined) return refuse(404, "MANIFEST_UNKNOWN");
  const headers = { "content-type": found.type, "docker-content-digest": digest, etag: `"${digest}"` };
  if (request.headers["if-none-match"] === headers.etag) return { status: 304, headers };
  return { status: 200, headers, body: found.bytes };
}

function putManifest(content: ScriptedContent, call: ManifestRequest): ScriptedAnswer {
  const { name, at, request } = call;
  const digest = isDigest(at) ? at : digestOf(request.body);
  if (!digestMatches(digest, request.body)) return refuse(400, "DIGEST_INVALID");
  const manifest = parseText(request.body);
  if (manifest === undefined) return refuse(400, "MANIFEST_INVALID");
  const repository = content.repository(name);
  const missing = namedBy(manifest).filter(
    (child) => !repository.blobs.has(child) && !repository.manifests.has(child),
  );
  if (missing.length > 0) return refuse(400, "MANIFEST_BLOB_UNKNOWN", missing.join(" "));
  const tags = tagsOf(call);
  if (tags.some((tag) => !mayMove(repository, tag, call))) return refuse(412, "PRECONDITION_FAILED");
  const type = request.headers["content-type"] ?? String(manifest["mediaType"]);
  repository.manifests.set(digest, { type, bytes: request.body });
  for (const tag of tags) repository.tags.set(tag, digest);
  return { status: 201, headers: createdHeaders(call, { digest, manifest, tags }) };
}

function createdHeaders(
  { name, at, features }: ManifestRequest,
  { digest, manifest, tags }: { digest: Digest; manifest: Document; tags: readonly string[] },
): Readonly<Record<string, string | readonly string[]>> {
  const subject = digestIn(manifest["subject"]);
  return {
    location: `/v2/${name}/manifests/${digest}`,
    "docker-content-digest": digest,
    ...(subject === undefined ? {} : { "oci-subject": subject }),
    ...(features.tagParameter === true && isDigest(at) && tags.length > 0 ? { "oci-tag": tags } : {}),
  };
}

function deleteManifest(repository: ScriptedRepository, at: string): ScriptedAnswer {
  if (!isDigest(at)) return repository.tags.delete(at) ? { status: 202 } : refuse(404, "MANIFEST_UNKNOWN");
  for (const [tag, digest] of repository.tags) if (digest === at) repository.tags.delete(tag);
  return repository.manifests.delete(at) ? { status: 202 } : refuse(404, "MANIFEST_UNKNOWN");
}

function tagsOf({ at, request, features }: ManifestRequest): readonly string[] {
  if (!isDigest(at)) return [at];
  return features.tagParameter === true ? request.url.searchParams.getAll("tag") : [];
}

function mayMove(
  repository: ScriptedRepository,
  tag: string,
  { request, features }: ManifestRequest,
): boolean {
  if (features.conditionalTags !== true) return true;
  const now = repository.tags.get(tag);
  const { "if-match": expected, "if-none-match": none } = request.headers;
  if (none === "*" && now !== undefined) return false;
  return expected === undefined || expected === `"${now}"`;
}

type Document = Readonly<Record<string, unknown>>;

/** The manifest, if it has the outline of one. */
export function parseText(bytes: Uint8Array): Document | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isOne = isObject(value) && value["schemaVersion"] === 2;
    return isOne && "manifests" in value !== ("config" in value || "layers" in value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The digests of everything that a manifest names. */
export function namedBy({ config, layers, manifests }: Document): readonly string[] {
  const lists = [config === undefined ? [] : [config], layers ?? [], manifests ?? []];
  return lists.flat().flatMap((child) => (isElsewhere(child) ? [] : (digestIn(child) ?? [])));
}

/** Whether a descriptor is of a layer that no registry needs to have. */
function isElsewhere(descriptor: unknown): boolean {
  return isObject(descriptor) && isNonDistributable(String(descriptor["mediaType"]));
}

/** The digest of what may be a descriptor. */
export function digestIn(descriptor: unknown): string | undefined {
  return isObject(descriptor) && typeof descriptor["digest"] === "string" ? descriptor["digest"] : undefined;
}

export function isObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
