import {
  algorithmOf,
  createManifestDocument,
  headerOf,
  hexOf,
  isIndexType,
  mediaType,
  OciError,
  parseContentType,
  parseErrorBody,
  parseManifest,
  platformToJson,
  readAll,
  type CallOptions,
  type Descriptor,
  type Digest,
  type Tag,
} from "@drayage/oci";
import type { Endpoint, Question } from "./endpoint.ts";
import { drain } from "./http/body.ts";
import type { RegistryResponse } from "./http/message.ts";
import { findManifest, putManifest } from "./manifests.ts";
import { entries } from "./pages.ts";

export interface ListReferrersOptions extends CallOptions {
  readonly artifactType?: string | undefined;
}

const errorBodyLimit = 64 * 1024;

/** See `ReferrerLister.listReferrers`. */
export async function* listReferrers(
  endpoint: Endpoint,
  subject: Digest,
  { artifactType, signal }: ListReferrersOptions = {},
): AsyncGenerator<Descriptor, void, undefined> {
  const question = questionFor(endpoint, subject, { artifactType, signal });
  const first = await askApi(endpoint, question);
  const all =
    first === undefined
      ? await readIndex(endpoint, subject, { signal })
      : entries(endpoint, { question, first, parse: (body) => ({ items: parseReferrers(body) }) });
  for await (const referrer of all) {
    // Registries may leave the filter to us, and need not say so.
    if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
  }
}

/** Whether the registry itself knows what refers to what; asked for once. */
export async function hasReferrersApi(
  endpoint: Endpoint,
  subject: Digest,
  options: CallOptions,
): Promise<boolean> {
  if (endpoint.host.learned.referrersApi === true) return true;
  const response = await askApi(endpoint, questionFor(endpoint, subject, options));
  if (response === undefined) return false;
  await drain(response.body);
  return true;
}

/**
 * Writes into the index under the subject's tag that `referrer` refers to it, for registries that do not know.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export async function addReferrer(
  endpoint: Endpoint,
  subject: Digest,
  { referrer, signal }: CallOptions & { readonly referrer: Descriptor },
): Promise<void> {
  await changeIndex(endpoint, subject, {
    change: (all) => (all.some(({ digest }) => digest === referrer.digest) ? all : [...all, referrer]),
    signal,
  });
}

/** Takes `referrer` out of the index under the subject's tag. */
export async function removeReferrer(
  endpoint: Endpoint,
  subject: Digest,
  { referrer, signal }: CallOptions & { readonly referrer: Digest },
): Promise<void> {
  await changeIndex(endpoint, subject, {
    change: (all) =>
      all.some(({ digest }) => digest === referrer) ? all.filter(({ digest }) => digest !== referrer) : all,
    signal,
  });
}

function questionFor(
  { name }: Endpoint,
  subject: Digest,
  { artifactType, signal }: ListReferrersOptions,
): Question {
  const artifactTypes = artifactType === undefined ? undefined : [artifactType];
  return {
    method: "GET",
    to: { kind: "referrers", name, digest: subject, artifactTypes },
    subject: "manifest",
    expect: [200],
    actions: ["pull"],
    headers: { accept: mediaType.ociIndex },
    signal,
  };
}

/** The first page of the registry's own list; nothing if it keeps none. */
async function askApi(endpoint: Endpoint, question: Question): Promise<RegistryResponse | undefined> {
  const { learned } = endpoint.host;
  if (learned.referrersApi === false) return undefined;
  const bodyLimit = endpoint.settings.limits.pageBytes;
  const response = await endpoint.ask({ ...question, bodyLimit, expect: [200, 400, 404, 405, 406] });
  const type = parseContentType(headerOf(response.headers, "content-type"));
  if (response.status === 200 && type === mediaType.ociIndex) {
    learned.referrersApi = true;
    return response;
  }
  // What does not speak of errors as registries do has no such route; others may lack this subject only.
  const { errors } = parseErrorBody(await readAll(response.body, { limit: errorBodyLimit }));
  const isUnsupported = response.status === 405 || response.status === 406 || errors.length === 0;
  if (isUnsupported) learned.referrersApi = false;
  return undefined;
}

function parseReferrers(body: Uint8Array): readonly Descriptor[] {
  const index = parseManifest(body, mediaType.ociIndex);
  if (index.kind === "index") return index.manifests;
  throw new OciError("RESPONSE_INVALID", "a list of referrers that is no index");
}

async function readIndex(
  endpoint: Endpoint,
  subject: Digest,
  options: CallOptions,
): Promise<readonly Descriptor[]> {
  const found = await findManifest(endpoint, tagOf(subject), options);
  // GitLab resolves such a tag to the subject itself: https://github.com/oras-project/oras-go/issues/1396
  if (found === undefined || found.descriptor.digest === subject) return [];
  if (!isIndexType(found.descriptor.mediaType)) return [];
  return parseReferrers(found.bytes);
}

interface IndexChange extends CallOptions {
  /** Answers with the very same list if there is nothing to change. */
  readonly change: (referrers: readonly Descriptor[]) => readonly Descriptor[];
}

/** Changes of one index wait for each other, or they would undo each other. */
async function changeIndex(
  endpoint: Endpoint,
  subject: Digest,
  { change, signal }: IndexChange,
): Promise<void> {
  const tag = tagOf(subject);
  await endpoint.host.learned.inTurn(`${endpoint.name}:${tag}`, async () => {
    const before = await readIndex(endpoint, subject, { signal });
    const after = change(before);
    if (after === before) return;
    const manifests = after.map((entry) => ({
      ...entry,
      ...(entry.platform === undefined ? {} : { platform: platformToJson(entry.platform) }),
    }));
    const index = createManifestDocument({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests });
    await putManifest(endpoint, index, { tags: [tag], signal });
  });
}

/** Long digests are cut to what a tag can hold. */
function tagOf(subject: Digest): Tag {
  return `${algorithmOf(subject).slice(0, 32)}-${hexOf(subject).slice(0, 64)}`;
}
