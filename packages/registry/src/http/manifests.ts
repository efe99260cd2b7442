import {
  digestOf,
  formatEntityTag,
  formatErrorBody,
  formatWarning,
  isDigest,
  isMediaType,
  isOciError,
  OciError,
  parseAt,
  parseContentType,
  parseManifest,
  parseTag,
  readAll,
  type At,
  type Descriptor,
  type Index,
  type Manifest,
  type ManifestDocument,
  type ManifestRoute,
  type Repository,
  type Tag,
} from "@drayage/oci";
import { parseDeleteCondition, parsePutCondition, type TagCondition } from "./condition.ts";
import { emptyReply, headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";
import { orNotAllowed } from "./failure.ts";
import { inertHeaders, isUnmodified, manifestLocation, parseKnownAt } from "./target.ts";
import { warningsAbout } from "./warnings.ts";

/** How many `?tag=` one manifest may be put with; the distribution-spec wants ten at least. */
const tagLimit = 50;

/** `/v2/<name>/manifests/<tag-or-digest>` */
export function manifestOperations(route: ManifestRoute): Operations {
  return {
    GET: { access: ["pull"], answer: (call) => getManifest(route, call) },
    HEAD: { access: ["pull"], answer: (call) => headManifest(route, call) },
    PUT: { access: ["pull", "push"], movesTags: true, answer: (call) => putManifest(route, call) },
    DELETE: { access: ["delete"], answer: (call) => orNotAllowed(deleteManifest(route, call)) },
  };
}

async function getManifest({ name, reference }: ManifestRoute, call: Call): Promise<Reply> {
  const at = parseKnownAt(reference);
  const { descriptor, bytes } = await call.repository(name).getManifest(at, { signal: call.signal });
  const reply = manifestReply(descriptor, at, call);
  return reply.status === 200 ? { ...reply, body: bytes } : reply;
}

async function headManifest({ name, reference }: ManifestRoute, call: Call): Promise<Reply> {
  const at = parseKnownAt(reference);
  const descriptor = await call.repository(name).headManifest(at, { signal: call.signal });
  if (descriptor === undefined) throw manifestUnknown();
  return headOf(manifestReply(descriptor, at, call));
}

/** The answer for a manifest, without it. */
function manifestReply({ mediaType, digest, size }: Descriptor, at: At, call: Call): Reply {
  const shared = {
    "docker-content-digest": digest,
    etag: formatEntityTag(digest),
    "cache-control": isDigest(at) ? "private, max-age=31536000, immutable" : "no-cache",
    ...inertHeaders,
  };
  if (isUnmodified(call, digest)) return { status: 304, headers: shared };
  return { status: 200, headers: { "content-type": mediaType, "content-length": String(size), ...shared } };
}

async function putManifest(route: ManifestRoute, call: Call): Promise<Reply> {
  const { name, reference } = route;
  if ((route.tags?.length ?? 0) > tagLimit) return tooManyTagsReply();
  const at = parseAt(reference);
  const tags = parseTags(at, route.tags ?? []);
  const repository = call.repository(name);
  const condition = await parsePutCondition(call, repository, tags[0]);
  const bytes = await readManifest(call);
  const manifest = parseManifest(bytes, parseContentType(call.headers["content-type"]));
  requireModest(manifest, call);
  const digest = isDigest(at) ? at : digestOf(bytes);
  const descriptor = { mediaType: manifest.mediaType, digest, size: bytes.byteLength };
  if (call.caller.mayMoveTags) await repository.putManifest({ descriptor, bytes }, { tags, ...condition });
  else await putNewTags(repository, { descriptor, bytes }, { tags, ...condition });
  return emptyReply(201, {
    location: manifestLocation(name, digest),
    "docker-content-digest": digest,
    ...(manifest.subject === undefined ? {} : { "oci-subject": manifest.subject.digest }),
    ...(route.tags === undefined ? {} : { "oci-tag": tags }),
    ...warningHeaders(manifest),
  });
}

function warningHeaders(manifest: Manifest | Index): Reply["headers"] {
  const warnings = warningsAbout(manifest).map(formatWarning);
  return warnings.length === 0 ? {} : { warning: warnings };
}

/**
 * Puts a manifest for who may not move tags: those that are there already stay away, all others have to be new. It
 * is the repository that holds them against each other, so that nobody comes in between.
 */
async function putNewTags(
  repository: Repository,
  document: ManifestDocument,
  { tags, ifMatch, ifNoneMatch }: TagCondition & { readonly tags: readonly Tag[] },
): Promise<void> {
  const here = await Promise.all(tags.map((tag) => repository.headManifest(tag)));
  const moved = tags.filter((_tag, index) => here[index]?.digest !== document.descriptor.digest);
  try {
    const condition = moved.length === 0 ? { ifMatch, ifNoneMatch } : { ifMatch, ifNoneMatch: "*" as const };
    await repository.putManifest(document, { tags: moved, ...condition });
  } catch (error) {
    if (ifNoneMatch !== undefined || !isOciError(error, "PRECONDITION_FAILED")) throw error;
    throw new OciError("DENIED", "a tag that exists may not be moved", { cause: error });
  }
}

function tooManyTagsReply(): Reply {
  const message = `more than ${tagLimit} tags at once`;
  return jsonReply(414, formatErrorBody([{ code: "SIZE_INVALID", message }]));
}

/** The tags to set: the one that is put to, or those that go along with a digest. */
function parseTags(at: At, sent: readonly string[]): readonly Tag[] {
  if (isDigest(at)) return [...new Set(sent.map(parseTag))];
  if (sent.length === 0) return [at];
  throw new OciError(
    "OPTION_INVALID",
    "tags can be sent along only with a manifest that is put by its digest",
  );
}

async function readManifest({ body, limits }: Call): Promise<Uint8Array> {
  const limit = limits.manifestBytes;
  if (body.length !== undefined && body.length > limit) {
    throw new OciError("LIMIT_EXCEEDED", `a manifest of ${body.length} bytes, ${limit} are allowed`);
  }
  return readAll(body.read(), { limit });
}

/** Few enough descriptors that each can be looked for, and a type that lists and headers can carry. */
function requireModest(manifest: Manifest | Index, { limits: { descriptors } }: Call): void {
  const { length } = manifest.kind === "index" ? manifest.manifests : manifest.layers;
  if (length > descriptors) {
    throw new OciError("LIMIT_EXCEEDED", `a manifest of ${length} descriptors, ${descriptors} are allowed`);
  }
  const { artifactType } = manifest;
  if (artifactType === undefined || isMediaType(artifactType)) return;
  throw new OciError("MANIFEST_INVALID", "the artifactType is no media type");
}

/** By digest, with all its tags; by tag, only the tag. */
async function deleteManifest({ name, reference }: ManifestRoute, call: Call): Promise<Reply> {
  const at = parseKnownAt(reference);
  const repository = call.repository(name);
  const result = isDigest(at)
    ? await repository.deleteManifest(at)
    : await repository.deleteTag(at, await parseDeleteCondition(call, repository, at));
  if (result === "absent") throw manifestUnknown();
  return emptyReply(202);
}

function manifestUnknown(): OciError {
  return new OciError("MANIFEST_UNKNOWN", "there is no such manifest");
}
