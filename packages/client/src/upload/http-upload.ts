import {
  formatChunkRange,
  headerOf,
  isOciError,
  mediaType,
  observed,
  OciError,
  parseUploadRange,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type Digest,
  type UploadSession,
} from "@drayage/oci";
import { blobDescriptor, headBlob } from "../blobs.ts";
import { chunkSizeFor, inChunks, smallerChunk } from "./chunks.ts";
import type { Endpoint, Question } from "../endpoint.ts";
import type { RegistryResponse } from "../http/message.ts";
import { isUntouched, withRetries } from "../http/retry.ts";
import { withParameter } from "../http/url.ts";
import { createProgress } from "../progress.ts";
import { isUnanswered, requireBlob, sessionOf } from "./answer.ts";

export interface HttpUploadOptions {
  readonly url: URL;
  readonly minChunk?: number | undefined;
  /** Whether what is sent is told to the trace. */
  readonly isReported?: boolean | undefined;
}

/** What goes into one request, as it comes by. */
export interface Stream {
  readonly bytes: Bytes;
  readonly length?: number | undefined;
}

const closing = { method: "PUT", expect: [200, 201, 204] } as const;

/** An upload session over HTTP; beside what its interface promises, it takes bytes as a stream. */
export class HttpUpload implements UploadSession {
  readonly minChunk: number | undefined;
  readonly #endpoint: Endpoint;
  readonly #isReported: boolean;
  readonly #report: (bytes: number) => void;
  #url: URL;
  #offset = 0;
  /** What it has become. */
  #blob: Descriptor | undefined;
  /** Who wants to know where it goes on. */
  #follower: ((id: string) => Promise<void>) | undefined;

  constructor(endpoint: Endpoint, { url, minChunk, isReported = false }: HttpUploadOptions) {
    this.#endpoint = endpoint;
    this.#isReported = isReported;
    this.#report = isReported ? createProgress(endpoint, { direction: "upload" }) : () => undefined;
    this.#url = url;
    this.minChunk = minChunk;
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
    if (at !== undefined && at !== this.#offset) throw outOfStep(at, this.#offset);
    const { host } = this.#endpoint;
    const chunks = inChunks(bytes, chunkSizeFor(host, this.minChunk));
    if (host.quirks.chunks === "one") await this.#sendAsOne(chunks, { signal });
    else for await (const chunk of chunks) await this.#sendChunk(chunk, { signal });
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
    if (this.#blob?.digest === digest) return this.#blob;
    try {
      const to = withParameter(this.#url, "digest", digest);
      const body = new Uint8Array();
      requireBlob(digest, await this.#ask({ ...closing, to, body, isRepeatable: false, signal }));
    } catch (error) {
      // When the answer is lost, the blob itself tells what it was.
      const found = isUnanswered(error) ? await headBlob(this.#endpoint, digest, { signal }) : undefined;
      if (found?.size !== this.#offset) throw error;
    }
    const blob = blobDescriptor(digest, this.#offset);
    this.endAs(blob);
    return blob;
  }

  async cancel({ signal }: CallOptions = {}): Promise<void> {
    await this.#ask({ method: "DELETE", to: this.#url, expect: [200, 202, 204, 404], signal });
  }

  /** Appends all of `bytes` with one request. */
  async stream({ bytes, length }: Stream, { signal }: CallOptions = {}): Promise<void> {
    let sent = 0;
    const counted = observed(bytes, { onChunk: (size) => (sent += size) });
    const headers = this.#headersFor(length);
    const body = { bytes: counted, length };
    await this.#ask({ method: "PATCH", to: this.#url, expect: [201, 202, 204], headers, body, signal });
    this.#offset += sent;
    this.#report(this.#offset);
  }

  /** Appends all of `bytes` and ends the upload with them, with one request. */
  async finish(digest: Digest, { bytes, length }: Stream, { signal }: CallOptions = {}): Promise<void> {
    const to = withParameter(this.#url, "digest", digest);
    const headers = this.#headersFor(length);
    requireBlob(digest, await this.#ask({ ...closing, to, headers, body: { bytes, length }, signal }));
  }

  /** Tells `follower` where the upload goes on, now and whenever that changes. */
  async follow(follower: (id: string) => Promise<void>): Promise<void> {
    this.#follower = follower;
    await follower(this.id);
  }

  /** Takes note of the blob that it has become. */
  endAs(blob: Descriptor): void {
    this.#blob = blob;
    this.#offset = blob.size;
    if (!this.#isReported) return;
    const { digest, size: total } = blob;
    createProgress(this.#endpoint, { direction: "upload", digest, total })(total);
  }

  /** Where a second chunk is refused: what is short like any chunk, what is longer as it comes. */
  async #sendAsOne(
    chunks: AsyncGenerator<Uint8Array, void, undefined>,
    { signal }: CallOptions,
  ): Promise<void> {
    try {
      const [first, second] = [await chunks.next(), await chunks.next()];
      if (first.done === true) return;
      if (this.#offset > 0) {
        throw new OciError("UNSUPPORTED", `${this.#endpoint.host.name} takes an upload in one chunk`);
      }
      if (second.done === true) await this.#sendChunk(first.value, { signal });
      else await this.stream({ bytes: joined([first.value, second.value], chunks) }, { signal });
    } finally {
      await chunks.return();
    }
  }

  /** Sends one chunk, in smaller ones if the registry finds it too large. */
  async #sendChunk(chunk: Uint8Array, { signal }: CallOptions): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0; ) {
      const part = rest.subarray(0, chunkSizeFor(this.#endpoint.host, this.minChunk));
      try {
        await this.#send(part, { signal });
        rest = rest.subarray(part.byteLength);
      } catch (error) {
        this.#shrinkAfter(error, part.byteLength);
      }
    }
  }

  #shrinkAfter(error: unknown, size: number): void {
    const isTooLarge = isOciError(error) && error.status === 413;
    const smaller = isTooLarge ? smallerChunk(size, this.minChunk) : undefined;
    if (smaller === undefined) throw error;
    this.#endpoint.host.learned.maxChunk = smaller;
  }

  /** Sends as much as one request carries; when its answer is lost, the registry says whether it came through. */
  async #send(chunk: Uint8Array, { signal }: CallOptions): Promise<void> {
    const { host, settings } = this.#endpoint;
    const start = this.#offset;
    const end = start + chunk.byteLength;
    const send = async (attempt: number): Promise<void> => {
      const received = attempt === 1 ? start : await this.status({ signal });
      if (received < start || received > end) throw outOfStep(start, received);
      if (received < end) await this.#patch(chunk.subarray(received - start), { start: received, signal });
      // Some registries report less than they have: what they took is what counts.
      this.#offset = end;
    };
    // All else has been repeated already, as often as it may be.
    const isWorthIt = (error: OciError): boolean => error.method === "PATCH" && !isUntouched(error);
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

  /** Of a stream from the start nothing is said of where it belongs: not every registry understands that. */
  #headersFor(length: number | undefined): Readonly<Record<string, string>> {
    const type = { "content-type": mediaType.octetStream };
    if (this.#offset === 0 || length === undefined) return type;
    const range = { start: this.#offset, end: this.#offset + length - 1 };
    return { ...type, "content-range": formatChunkRange(range) };
  }

  async #ask(question: Omit<Question, "subject" | "actions" | "lane">): Promise<RegistryResponse> {
    const hasBytes = question.body !== undefined && !isEmpty(question.body);
    const response = await this.#endpoint.tell({
      ...question,
      subject: "upload",
      actions: question.method === "DELETE" ? ["delete"] : ["pull", "push"],
      lane: hasBytes ? "upload" : "api",
    });
    // At the end it leads to the blob.
    const goesOn = question.method !== "PUT" && response.headers["location"] !== undefined;
    if (goesOn) await this.#moveTo(sessionOf(response));
    return response;
  }

  async #moveTo(url: URL): Promise<void> {
    if (url.href === this.#url.href) return;
    this.#url = url;
    await this.#follower?.(this.id);
  }
}

function isEmpty(body: NonNullable<Question["body"]>): boolean {
  return typeof body === "string" || (body instanceof Uint8Array && body.byteLength === 0);
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* first;
  yield* rest;
}

function outOfStep(expected: number, received: number): OciError {
  return new OciError("RANGE_INVALID", `the upload is at byte ${received}, not ${expected}`);
}
