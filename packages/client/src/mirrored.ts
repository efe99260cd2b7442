import { isOciError, observed, type BlobContent, type CallOptions, type OciError } from "@drayage/oci";
import { getBlob, headBlob } from "./blobs.ts";
import type { Endpoint } from "./endpoint.ts";
import { getManifest, headManifest } from "./manifests.ts";
import type { RepositoryClient } from "./repository.ts";

/** How long a mirror is left alone that failed, in milliseconds. */
const restOfMirror = 60_000;

/** The ways to read what a repository holds, and its mirrors may hold. */
export type MirroredReader = Pick<RepositoryClient, "getManifest" | "headManifest" | "getBlob" | "headBlob">;

/**
 * Reads from the first of `mirrors` that has what is asked for, and from the repository itself if none has.
 *
 * A mirror is a registry of its own: it is asked with its own credential, and nothing of the registry's goes there.
 */
export function createMirroredReader(endpoint: Endpoint, mirrors: readonly Endpoint[]): MirroredReader {
  const read = async <Result>(
    ask: (from: Endpoint) => Promise<Result>,
    { signal }: CallOptions = {},
  ): Promise<Result> => {
    for (const mirror of mirrors) {
      if (isResting(mirror)) continue;
      const answer = await answerOf(mirror, { ask, endpoint, signal });
      if (answer !== undefined) return answer;
    }
    return ask(endpoint);
  };
  return {
    getManifest: (at, options) => read((from) => getManifest(from, at, options), options),
    headManifest: (at, options) => read((from) => headManifest(from, at, options), options),
    headBlob: (digest, options) => read((from) => headBlob(from, digest, options), options),
    getBlob: (digest, options) =>
      read(async (from) => {
        const content = await getBlob(from, digest, options);
        return from === endpoint ? content : watched(content, from);
      }, options),
  };
}

interface Asking<Result> extends CallOptions {
  readonly ask: (from: Endpoint) => Promise<Result>;
  /** Which the mirror stands in for. */
  readonly endpoint: Endpoint;
}

/** What a mirror gives; nothing if it has nothing to give. */
async function answerOf<Result>(
  mirror: Endpoint,
  { ask, endpoint, signal }: Asking<Result>,
): Promise<Result | undefined> {
  try {
    return await ask(mirror);
  } catch (error) {
    if (signal?.aborted === true || !isOciError(error) || isFinal(error)) throw error;
    blame(mirror, error);
    const { host, settings } = endpoint;
    settings.trace({ type: "mirror", host: host.name, mirror: mirror.host.name, reason: error.code });
    return undefined;
  }
}

/** What the registry would say as well; and a broken provider, which must not look like a mirror without content. */
function isFinal({ code }: OciError): boolean {
  return code === "NOT_MODIFIED" || code === "CREDENTIAL_UNAVAILABLE";
}

/** Leaves a mirror alone for a while that could not be reached, or that gave something else than was asked for. */
function blame({ host, settings }: Endpoint, { status, retryable }: OciError): void {
  if (status === undefined || retryable) host.learned.mirrorFailedAt = settings.now();
}

function isResting({ host: { learned }, settings }: Endpoint): boolean {
  const { mirrorFailedAt } = learned;
  return mirrorFailedAt !== undefined && settings.now() - mirrorFailedAt < restOfMirror;
}

/** What a mirror sends: if it fails on the way, the next one who asks is sent elsewhere. */
function watched(content: BlobContent, mirror: Endpoint): BlobContent {
  const onError = (error: unknown): unknown => {
    if (isOciError(error)) blame(mirror, error);
    return error;
  };
  return { ...content, body: observed(content.body, { onError }) };
}
