import {
  algorithmOf,
  isOciError,
  type CallOptions,
  type Descriptor,
  type Digest,
  type PutBlobOptions,
  type PutBlobResult,
} from "@drayage/oci";
import { beginUpload } from "./begin.ts";
import { headBlob } from "../blobs.ts";
import type { Endpoint } from "../endpoint.ts";
import { HttpUpload } from "./http-upload.ts";
import { isAbout } from "./answer.ts";
import { uploadOf } from "./session.ts";

/** See `BlobWriter.mountBlob`. */
export async function mountBlob(
  endpoint: Endpoint,
  digest: Digest,
  { from, signal }: CallOptions & { readonly from?: string | undefined } = {},
): Promise<Descriptor | undefined> {
  if ((await mount(endpoint, digest, { from, signal })) !== "mounted") return undefined;
  return headBlob(endpoint, digest, { signal });
}

/** What was found of the blob, or the session in which to send it: one request, wherever that is possible. */
export async function findOrBegin(
  endpoint: Endpoint,
  digest: Digest,
  { mountFrom, force, signal }: PutBlobOptions,
): Promise<PutBlobResult | HttpUpload> {
  const { quirks, learned } = endpoint.host;
  if (force === true) return begin(endpoint, digest, { signal });
  if (mountFrom !== undefined && quirks.mount !== "none") {
    const outcome = await mount(endpoint, digest, { from: mountFrom, signal });
    if (outcome !== "refused") return outcome;
  }
  const asksByMount = quirks.existence === "self-mount" && learned.selfMount !== false;
  const outcome = asksByMount ? await mount(endpoint, digest, { from: endpoint.name, signal }) : "refused";
  if (outcome instanceof HttpUpload) return outcome;
  if (outcome === "mounted" && (await isProof(endpoint, digest, { signal }))) return "present";
  if (outcome === "refused" && (await headBlob(endpoint, digest, { signal })) !== undefined) return "present";
  const upload = await begin(endpoint, digest, { signal });
  // Only now it is clear that it was the mount that the registry did not like.
  if (asksByMount) learned.selfMount = false;
  return upload;
}

async function begin(endpoint: Endpoint, digest: Digest, { signal }: CallOptions): Promise<HttpUpload> {
  return uploadOf(endpoint, await beginUpload(endpoint, { algorithm: algorithmOf(digest), signal }));
}

/**
 * Whether a mount from the repository to itself that was granted shows that the blob is there; the first time it is
 * looked for, since some registries grant everything. Of several at once one looks, and the others wait for what it finds.
 */
async function isProof(
  { host, ...endpoint }: Endpoint,
  digest: Digest,
  options: CallOptions,
): Promise<boolean> {
  const { learned } = host;
  if (learned.selfMount !== undefined) return learned.selfMount;
  return learned.inTurn("self-mount", async () => {
    learned.selfMount ??= (await headBlob({ host, ...endpoint }, digest, options)) !== undefined;
    return learned.selfMount;
  });
}

/**
 * Asks for a blob of another repository, or of this one. A registry that will not or cannot answers with a session
 * for sending it; some refuse the whole request instead.
 */
async function mount(
  endpoint: Endpoint,
  digest: Digest,
  { from, signal }: CallOptions & { readonly from: string | undefined },
): Promise<"mounted" | "refused" | HttpUpload> {
  signal?.throwIfAborted();
  if (from === undefined && endpoint.host.quirks.mountWithoutFrom === "refused") return "refused";
  const isElsewhere = from !== undefined && from !== endpoint.name;
  try {
    const response = await endpoint.tell({
      method: "POST",
      to: { kind: "uploads", name: endpoint.name, mount: digest, from },
      subject: "repository",
      expect: [201, 202],
      actions: ["pull", "push"],
      ...(isElsewhere ? { scopes: [{ type: "repository", name: from, actions: ["pull"] }] } : {}),
      isRepeatable: true,
      signal,
    });
    if (response.status === 202) return uploadOf(endpoint, response);
    return isAbout(digest, response) ? "mounted" : "refused";
  } catch (error) {
    if (isOciError(error) && !error.retryable && error.status !== undefined && error.status < 500)
      return "refused";
    throw error;
  }
}
