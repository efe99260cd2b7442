import {
  algorithmOf,
  closing,
  headerOf,
  isDigest,
  isOciError,
  isVerified,
  mediaType,
  OciError,
  readAll,
  verified,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type OpenBlob,
  type PutBlobOptions,
  type PutBlobResult,
} from "@drayage/oci";
import { beginUpload, sessionOf } from "./begin-upload.ts";
import { headBlob } from "./blobs.ts";
import type { Endpoint } from "./endpoint.ts";
import type { RegistryResponse, RequestBody } from "./http/message.ts";
import { withRetries } from "./http/retry.ts";
import { withParameter } from "./http/url.ts";
import { createProgress } from "./progress.ts";
import { continueUpload } from "./upload-session.ts";

/** See `BlobWriter.putBlob`. */
export async function putBlob(
  endpoint: Endpoint,
  descriptor: Descriptor,
  open: OpenBlob,
  options: PutBlobOptions = {},
): Promise<PutBlobResult> {
  const found = await findOrBegin(endpoint, descriptor.digest, options);
  if (!(found instanceof URL)) return found;
  await upload(endpoint, { descriptor, open, session: found, signal: options.signal });
  return "uploaded";
}

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
async function findOrBegin(
  endpoint: Endpoint,
  digest: Digest,
  { mountFrom, force, signal }: PutBlobOptions,
): Promise<PutBlobResult | URL> {
  if (force === true) return sessionOf(await beginUpload(endpoint, { signal }));
  const { quirks, learned } = endpoint.host;
  if (mountFrom !== undefined && quirks.mount !== "none") {
    const outcome = await mount(endpoint, digest, { from: mountFrom, signal });
    if (outcome !== "refused") return outcome;
  }
  const asksByMount = quirks.existence === "self-mount" && learned.selfMount !== false;
  const outcome = asksByMount ? await mount(endpoint, digest, { from: endpoint.name, signal }) : "refused";
  if (outcome instanceof URL) return outcome;
  if (outcome === "mounted" && (await isProof(endpoint, digest, { signal }))) return "present";
  if (outcome === "refused" && (await headBlob(endpoint, digest, { signal })) !== undefined) return "present";
  const session = sessionOf(await beginUpload(endpoint, { signal }));
  // Only now it is clear that it was the mount that the registry did not like.
  if (asksByMount) learned.selfMount = false;
  return session;
}

/**
 * Whether a mount from the repository to itself that was granted shows that the blob is there; the first time it is
 * looked for, since some registries grant everything.
 */
async function isProof(
  { host, ...endpoint }: Endpoint,
  digest: Digest,
  options: CallOptions,
): Promise<boolean> {
  const { learned } = host;
  learned.selfMount ??= (await headBlob({ host, ...endpoint }, digest, options)) !== undefined;
  return learned.selfMount;
}

/**
 * Asks for a blob of another repository, or of this one. A registry that will not or cannot answers with a session
 * for sending it; some refuse the whole request instead.
 */
async function mount(
  endpoint: Endpoint,
  digest: Digest,
  { from, signal }: CallOptions & { readonly from: string | undefined },
): Promise<"mounted" | "refused" | URL> {
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
    if (response.status === 202) return sessionOf(response);
    return isAbout(digest, response) ? "mounted" : "refused";
  } catch (error) {
    if (isOciError(error) && !error.retryable && error.status !== undefined && error.status < 500)
      return "refused";
    throw error;
  }
}

interface Upload extends CallOptions {
  readonly descriptor: Descriptor;
  readonly open: OpenBlob;
  /** Begun already, for the first try. */
  readonly session: URL;
}

/** Sends the whole blob; when that fails on the way, again from its start in a new session. */
async function upload(endpoint: Endpoint, { descriptor, open, session, signal }: Upload): Promise<void> {
  const { host, settings } = endpoint;
  const source: Source = { open, failure: undefined };
  const send = async (attempt: number): Promise<void> => {
    const to = attempt === 1 ? session : sessionOf(await beginUpload(endpoint, { signal }));
    const body = await openBody(source, descriptor, { endpoint, signal });
    try {
      await putBytes(endpoint, descriptor, { to, body, signal });
    } catch (error) {
      throw attempt === 1 ? asLostSession(error) : error;
    }
  };
  // What the source has given up on is not helped by asking the target again.
  const isWorthIt = (error: OciError): boolean => error !== source.failure;
  await withRetries(send, { ...settings, host: host.name, signal, isWorthIt });
}

/** A session or token that ended under way is worth another one. */
function asLostSession(error: unknown): unknown {
  if (!isOciError(error, "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "RANGE_INVALID", "UNAUTHORIZED"))
    return error;
  const { status, registryErrors, method, url, attempt, requestId, hint } = error;
  const known = { status, registryErrors, method, url, attempt, requestId, hint };
  return new OciError(error.code, error.message, { ...known, retryable: true, cause: error });
}

interface Source {
  readonly open: OpenBlob;
  /** What it has thrown. */
  failure: unknown;
}

async function openBody(
  source: Source,
  { digest, size }: Descriptor,
  { endpoint, signal }: CallOptions & { readonly endpoint: Endpoint },
): Promise<RequestBody> {
  const report = createProgress(endpoint, { direction: "upload", digest, total: size });
  try {
    const bytes = await source.open(0, { signal });
    const checked = isVerified(bytes, digest) ? bytes : verified(bytes, { digest, size });
    return size === 0
      ? await readAll(checked, { limit: 0 })
      : { bytes: noting(checked, source, { report }), length: size };
  } catch (error) {
    source.failure = error;
    throw error;
  }
}

/** `bytes`, their progress reported; if they fail, the source knows. */
function noting(
  bytes: Bytes,
  source: Source,
  { report }: { readonly report: (bytes: number) => void },
): Bytes {
  const chunks = bytes[Symbol.asyncIterator]();
  return closing(reading(), () => chunks.return?.());

  async function* reading(): AsyncGenerator<Uint8Array, void, undefined> {
    let sent = 0;
    try {
      for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
        sent += chunk.byteLength;
        report(sent);
        yield chunk;
      }
    } catch (error) {
      source.failure = error;
      throw error;
    }
  }
}

interface Sending extends CallOptions {
  readonly to: URL;
  readonly body: RequestBody;
}

async function putBytes(
  endpoint: Endpoint,
  { digest }: Descriptor,
  { to, body, signal }: Sending,
): Promise<void> {
  const common = {
    subject: "upload",
    actions: ["pull", "push"],
    lane: "upload",
    headers: { "content-type": mediaType.octetStream },
    signal,
  } as const;
  const closingPut = (session: URL, rest: RequestBody): Promise<RegistryResponse> => {
    const url = withParameter(session, "digest", digest);
    return endpoint.tell({ ...common, method: "PUT", to: url, body: rest, expect: [200, 201, 204] });
  };
  const { maxPut = Number.POSITIVE_INFINITY, upload: how } = endpoint.host.quirks;
  if (typeof body === "object" && "bytes" in body && body.length > maxPut) {
    return putInChunks(endpoint, digest, { to, bytes: body.bytes, signal });
  }
  const response =
    how === "put" ? await closingPut(to, body) : await closingPut(await patch(), new Uint8Array());
  if (isAbout(digest, response)) return;
  throw new OciError("DIGEST_MISMATCH", `the registry has stored blob ${digest} as another one`);

  async function patch(): Promise<URL> {
    return sessionOf(await endpoint.tell({ ...common, method: "PATCH", to, body, expect: [201, 202, 204] }));
  }
}

async function putInChunks(
  endpoint: Endpoint,
  digest: Digest,
  { to, bytes, signal }: CallOptions & { readonly to: URL; readonly bytes: Bytes },
): Promise<void> {
  const session = continueUpload(endpoint, to);
  await session.append(bytes, { signal });
  await session.commit(digest, { signal });
}

/** Whether an answer names no other blob than this. */
function isAbout(digest: Digest, { headers }: RegistryResponse): boolean {
  const said = headerOf(headers, "docker-content-digest");
  return (
    said === undefined || !isDigest(said) || said === digest || algorithmOf(said) !== algorithmOf(digest)
  );
}
