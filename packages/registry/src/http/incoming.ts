import type { IncomingMessage } from "node:http";
import { OciError } from "@drayage/oci";

export interface IncomingOptions {
  /** How long the client may say nothing, in milliseconds. */
  readonly idleTimeout: number;
  /** Whether a chunk is only good until the next is asked for. */
  readonly isLent: boolean;
  /** Is told how many bytes each chunk has. */
  readonly onChunk: (bytes: number) => void;
  /** Is told when the client has fallen silent. */
  readonly onSilence: () => void;
}

type Chunk = IteratorResult<Uint8Array, void>;

/** Memory of at least so many bytes is given back at once; less is not worth it. */
const largeChunk = 16 * 1024;

/**
 * The chunks of a request's body, each as soon as it is there.
 *
 * Not a generator: what a blob costs is mostly what each of its chunks costs (test/bench/serve.ts).
 *
 * @throws OciError TIMEOUT from the iteration if the client falls silent
 */
export function readIncoming(
  request: IncomingMessage,
  options: IncomingOptions,
): AsyncIterator<Uint8Array, void, undefined> {
  return new IncomingChunks(request, options);
}

class IncomingChunks implements AsyncIterator<Uint8Array, void, undefined> {
  readonly #request: IncomingMessage;
  readonly #isLent: boolean;
  readonly #onChunk: IncomingOptions["onChunk"];
  readonly #idle: NodeJS.Timeout;
  /** What came while nobody waited; never much, since the client is held up then. */
  readonly #here: Uint8Array[] = [];
  /** The chunk that was lent last. */
  #lent: Uint8Array | undefined;
  #waiting: PromiseWithResolvers<Chunk> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isDone = false;

  constructor(request: IncomingMessage, { idleTimeout, isLent, onChunk, onSilence }: IncomingOptions) {
    this.#request = request;
    this.#isLent = isLent;
    this.#onChunk = onChunk;
    this.#idle = setTimeout(() => {
      if (this.#waiting === undefined) return; // it is not the client that is slow
      onSilence();
      request.pause();
      this.#fail(new OciError("TIMEOUT", `the client sent nothing for ${idleTimeout / 1000} seconds`));
    }, idleTimeout);
    request.on("data", this.#take).on("end", this.#finish).on("error", this.#fail).on("close", this.#fail);
    if (request.readableEnded) this.#finish();
    else request.resume();
  }

  next(): Promise<Chunk> {
    this.#takeBack();
    const chunk = this.#here.shift();
    if (chunk !== undefined) {
      if (this.#here.length === 0) this.#request.resume();
      return Promise.resolve(this.#give(chunk));
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isDone) return Promise.resolve({ done: true, value: undefined });
    this.#idle.refresh();
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** A reader that stops early still wants to answer, and the rest stays readable so that the answer arrives. */
  async return(): Promise<Chunk> {
    if (!this.#isDone) this.#request.pause();
    this.#here.length = 0;
    this.#finish();
    return { done: true, value: undefined };
  }

  readonly #take = (chunk: unknown): void => {
    if (!(chunk instanceof Uint8Array)) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) return waiting.resolve(this.#give(chunk));
    this.#here.push(chunk);
    this.#request.pause();
  };

  readonly #finish = (): void => {
    this.#leave();
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  };

  readonly #fail = (error: unknown): void => {
    this.#leave();
    this.#failure = { error: error ?? new OciError("CONNECTION_FAILED", "the client has gone") };
    this.#waiting?.reject(this.#failure.error);
    this.#waiting = undefined;
  };

  #leave(): void {
    this.#isDone = true;
    clearTimeout(this.#idle);
    this.#request.off("data", this.#take).off("end", this.#finish);
    this.#request.off("error", this.#fail).off("close", this.#fail);
  }

  #give(chunk: Uint8Array): Chunk {
    this.#onChunk(chunk.byteLength);
    if (this.#isLent) this.#lent = chunk;
    return { done: false, value: chunk };
  }

  /**
   * Gives back the memory of the chunk that was lent. Node makes new memory for every chunk, and left to itself
   * collects it as garbage, which takes a tenth of an upload's time and a hundred megabytes.
   */
  #takeBack(): void {
    const chunk = this.#lent;
    this.#lent = undefined;
    // Whoever else listens may have kept it; and of shared memory others have other parts.
    if (chunk === undefined || this.#request.listenerCount("data") > 1) return;
    const { buffer, byteLength } = chunk;
    const isWhole = byteLength >= largeChunk && byteLength === buffer.byteLength;
    if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
}
