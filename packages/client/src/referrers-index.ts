import {
  algorithmOf,
  createManifestDocument,
  hexOf,
  isIndexType,
  isOciError,
  mediaType,
  OciError,
  parseManifest,
  platformToJson,
  sleep,
  type CallOptions,
  type Descriptor,
  type Digest,
  type PutManifestOptions,
  type Tag,
} from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import { findManifest, storeManifest } from "./manifests.ts";

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

/** What an index lists that a registry or its users keep of referrers. @throws OciError RESPONSE_INVALID, MANIFEST_INVALID */
export function parseReferrers(body: Uint8Array): readonly Descriptor[] {
  const index = parseManifest(body, mediaType.ociIndex);
  if (index.kind === "index") return index.manifests;
  throw new OciError("RESPONSE_INVALID", "a list of referrers that is no index");
}

export interface ReferrersIndex {
  readonly referrers: readonly Descriptor[];
  /** What the tag points to, whatever that is. */
  readonly digest?: Digest | undefined;
}

/** The index under the subject's tag; without referrers if there is none. */
export async function readReferrersIndex(
  endpoint: Endpoint,
  subject: Digest,
  options: CallOptions,
): Promise<ReferrersIndex> {
  const found = await findManifest(endpoint, tagOf(subject), options);
  if (found === undefined) return { referrers: [] };
  const { digest, mediaType: type } = found.descriptor;
  // GitLab resolves such a tag to the subject itself: https://github.com/oras-project/oras-go/issues/1396
  const isIndex = digest !== subject && isIndexType(type);
  return { digest, referrers: isIndex ? parseReferrers(found.bytes) : [] };
}

interface IndexChange extends CallOptions {
  /** Answers with the very same list if there is nothing to change. */
  readonly change: (referrers: readonly Descriptor[]) => readonly Descriptor[];
}

/**
 * Changes the index until it is as it shall be. Changes by this client wait for each other; those by others may be
 * written over it, so that it is read again when they had the time for that, and changed again if need be.
 */
async function changeIndex(
  endpoint: Endpoint,
  subject: Digest,
  { change, signal }: IndexChange,
): Promise<void> {
  const { host, name, settings } = endpoint;
  const { attempts, maxDelay } = settings.retry;
  const tag = tagOf(subject);
  await host.learned.inTurn(`${name}:${tag}`, async () => {
    let isConditional = true;
    for (let attempt = 1; ; attempt++) {
      const start = settings.now();
      const { referrers: before, digest } = await readReferrersIndex(endpoint, subject, { signal });
      const after = change(before);
      if (after === before) return;
      if (attempt > attempts) throw contended(subject);
      const condition = isConditional ? conditionOf(digest) : {};
      const isWritten = await writeIndex(endpoint, after, { tags: [tag], ...condition, signal });
      // A registry may hold a condition against something else than the digest.
      if (!isWritten) isConditional = false;
      const elapsed = settings.now() - start;
      await sleep(Math.min(elapsed * (1 + Math.random()), maxDelay), { signal });
    }
  });
}

function conditionOf(digest: Digest | undefined): Pick<PutManifestOptions, "ifMatch" | "ifNoneMatch"> {
  return digest === undefined ? { ifNoneMatch: "*" } : { ifMatch: digest };
}

/** Whether the registry found the condition met, or did not look at it. */
async function writeIndex(
  endpoint: Endpoint,
  referrers: readonly Descriptor[],
  options: PutManifestOptions,
): Promise<boolean> {
  const manifests = referrers.map((entry) => ({
    ...entry,
    ...(entry.platform === undefined ? {} : { platform: platformToJson(entry.platform) }),
  }));
  const index = createManifestDocument({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests });
  try {
    await storeManifest(endpoint, index, options);
    return true;
  } catch (error) {
    if (isOciError(error, "PRECONDITION_FAILED")) return false;
    throw error;
  }
}

function contended(subject: Digest): OciError {
  return new OciError("UNAVAILABLE", `others keep changing the list of what refers to ${subject}`);
}

/** Long digests are cut to what a tag can hold. */
function tagOf(subject: Digest): Tag {
  return `${algorithmOf(subject).slice(0, 32)}-${hexOf(subject).slice(0, 64)}`;
}
