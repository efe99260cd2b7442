import {
  formatChunkRange,
  headerOf,
  isOciError,
  mediaType,
  OciError,
  parseRoute,
  parseUploadRange,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type DigestAlgorithm,
  type UploadSession,
} from "@drayage/oci";
import { beginUpload, sessionOf } from "./begin-upload.ts";
import { blobDescriptor } from "./blobs.ts";
import type { Endpoint, Question } from "./endpoint.ts";
import type { RegistryResponse } from "./http/message.ts";
import { withRetries } from "./http/retry.ts";
import { resolveServerUrl, withParameter } from "./http/url.ts";
import { createProgress } from "./progress.ts";

/** How much is sent at a time unless the registry wants more or takes less, in bytes. */
const usualChunk = 8 * 1024 * 1024;

export interface OpenUploadOptions extends CallOptions {
  readonly id?: string | undefined;
  readonly algorithm?: DigestAlgorithm | undefined;
}

/** See `BlobWriter.openUpload`. */
export async function openUpload(
  endpoint: Endpoint,
  { id, algorithm, signal }: OpenUploadOptions = {},
): Promise<UploadSession> {
  if (id !== undefined) {
    const session = new HttpUpload(endpoint, { url: parseId(id, endpoint) });
    await session.status({ signal });
    return session;
  }
  // sha256 goes without saying, and old servers do not know the parameter.
  const digestAlgorithm = algorithm === "sha256" ? undefined : algorithm;
  const begun = await beginUpload(endpoint, { digestAlgorithm, signal });
  return new HttpUpload(endpoint, { url: sessionOf(begun), minChunk: minChunkOf(begun) });
}

/** Goes on with an upload that was begun at `url`. */
export function continueUpload(endpoint: Endpoint, url: URL): UploadSession {
  return new HttpUpload(endpoint, { url });
}

class HttpUpload implements UploadSession {
  readonly minChunk: number | undefined;
  readonly #endpoint: Endpoint;
  readonly #report: (bytes: number) => void;
  #url: URL;
  #offset = 0;

  constructor(endpoint: Endpoint, begun: { readonly url: URL; readonly minChunk?: number | undefined }) {
    this.#endpoint = endpoint;
    this.#report = createProgress(endpoint, { direction: "upload" });
    this.#url = begun.url;
    this.minChunk = begun.minChunk ?? endpoint.host.quirks.minChunk;
  }

  /** Where the upload goes on, which may change with every answer. */
  get id(): string {
    const { origin, pathname, search, href } = this.#url;
    return origin === this.#endpoint.host.url.origin ? pathname + search : href;
  }

  get offset(): number {
    return this.#offset;
  }

  async append(
    bytes: Bytes,
    { at, signal }: CallOptions & { readonly at?: number | undefined } = {},
  ): Promise<number> {
    if (at !== undefined && at !== this.#offset) {
      throw new OciError("RANGE_INVALID", `the upload is at byte ${this.#offset}, not ${at}`);
    }
    for await (const chunk of inChunks(bytes, this.#chunkSize())) await this.#send(chunk, { signal });
    return this.#offset;
  }

  async status({ signal }: CallOptions = {}): Promise<number> {
    const response = await this.#ask({ method: "GET", to: this.#url, expect: [200, 204], signal });
    const acknowledged = this.#offset;
    const received = parseUploadRange(headerOf(response.headers, "range"), { acknowledged }) ?? acknowledged;
    const isBehind = this.#endpoint.host.quirks.uploadRange === "first-chunk" && received < acknowledged;
    this.#offset = isBehind ? acknowledged : received;
    return this.#offset;
  }

  async commit(digest: Digest, { signal }: CallOptions = {}): Promise<Descriptor> {
    const to = withParameter(this.#url, "digest", digest);
    const body = new Uint8Array();
    await this.#ask({ method: "PUT", to, body, expect: [200, 201, 204], isRepeatable: false, signal });
    const total = this.#offset;
    createProgress(this.#endpoint, { direction: "upload", digest, total })(total);
    return blobDescriptor(digest, total);
  }

  async cancel({ signal }: CallOptions = {}): Promise<void> {
    await this.#ask({ method: "DELETE", to: this.#url, expect: [200, 202, 204, 404], signal });
  }

  #chunkSize(): number {
    const { maxChunk = usualChunk } = this.#endpoint.host.quirks;
    return Math.max(Math.min(usualChunk, maxChunk), this.minChunk ?? 0);
  }

  /** Sends one chunk; when its answer is lost, the registry says whether it came through. */
  async #send(chunk: Uint8Array, { signal }: CallOptions): Promise<void> {
    const { host, settings } = this.#endpoint;
    const start = this.#offset;
    const end = start + chunk.byteLength;
    if (start > 0 && host.quirks.chunks === "one") {
      throw new OciError("UNSUPPORTED", `${host.name} takes an upload in one chunk`);
    }
    const send = async (attempt: number): Promise<void> => {
      const received = attempt === 1 ? start : await this.status({ signal });
      if (received < start || received > end) throw outOfStep(start, received);
      if (received < end) await this.#patch(chunk.subarray(received - start), { start: received, signal });
      // Some registries report less than they have: what they took is what counts.
      this.#offset = end;
    };
    const isWorthIt = (error: OciError): boolean => isOciError(error);
    await withRetries(send, { ...settings, host: host.name, signal, isWorthIt });
    this.#report(this.#offset);
  }

  async #patch(
    chunk: Uint8Array,
    { start, signal }: CallOptions & { readonly start: number },
  ): Promise<void> {
    const range = formatChunkRange({ start, end: start + chunk.byteLength - 1 });
    await this.#ask({
      method: "PATCH",
      to: this.#url,
      expect: [201, 202, 204],
      headers: { "content-type": mediaType.octetStream, "content-range": range },
      body: chunk,
      signal,
    });
  }

  async #ask(question: Omit<Question, "subject" | "actions" | "lane">): Promise<RegistryResponse> {
    const response = await this.#endpoint.tell({
      ...question,
      subject: "upload",
      actions: question.method === "DELETE" ? ["delete"] : ["pull", "push"],
      lane: question.method === "PATCH" ? "upload" : "api",
    });
    // At the end it leads to the blob.
    const goesOn = question.method !== "PUT" && response.headers["location"] !== undefined;
    if (goesOn) this.#url = sessionOf(response);
    return response;
  }
}

/** The URL of an upload by its `id`; of an upload to another repository nothing is known here. */
function parseId(id: string, { host, name }: Endpoint): URL {
  const url = resolveServerUrl(id, host.url);
  const route = url.origin === host.url.origin ? parseRoute(url.pathname) : undefined;
  const isForeign = route?.kind === "upload" && route.name !== name;
  if (isForeign) throw new OciError("BLOB_UPLOAD_UNKNOWN", `${name} has no such upload`);
  return url;
}

function minChunkOf({ headers }: RegistryResponse): number | undefined {
  const least = Number(headerOf(headers, "oci-chunk-min-length") ?? Number.NaN);
  return Number.isSafeInteger(least) && least > 0 ? least : undefined;
}

/** The same bytes in pieces of exactly `size`, except the last. */
async function* inChunks(bytes: Bytes, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = [];
  let gathered = 0;
  for await (const piece of bytes) {
    for (let start = 0; start < piece.byteLength; ) {
      const part = piece.subarray(start, start + size - gathered);
      pieces.push(part);
      gathered += part.byteLength;
      start += part.byteLength;
      if (gathered < size) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      gathered = 0;
    }
  }
  if (gathered > 0) yield Buffer.concat(pieces);
}

function outOfStep(expected: number, received: number): OciError {
  return new OciError("RANGE_INVALID", `the upload is at byte ${received}, not ${expected}`);
}
