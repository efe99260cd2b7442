import type { Dispatcher } from "undici";
import type { RateMeter } from "./min-rate.ts";

/** How many bytes may wait for their reader before the sender has to wait. */
const readAhead = 64 * 1024;

type Entry = IteratorResult<Uint8Array, undefined>;
type Connection = Pick<Dispatcher.DispatchController, "abort" | "pause" | "resume">;

/**
 * The body of an answer as it arrives: put in at one end, read at the other, held back when the reader is slower, and
 * measured while the reader waits.
 */
export class Arrival implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #connection: Connection;
  readonly #meter: RateMeter;
  readonly #chunks: Uint8Array[] = [];
  readonly #readers: PromiseWithResolvers<Entry>[] = [];
  #unread = 0;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(connection: Connection, meter: RateMeter) {
    this.#connection = connection;
    this.#meter = meter;
  }

  /** @throws OciError TIMEOUT if the reader has waited too long for too little. */
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return; // which undici gives when it goes on after a pause
    this.#meter.receive(chunk.byteLength);
    // Plain bytes: a `Buffer` has other ideas of `slice` and JSON.
    const value = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value });
      return;
    }
    this.#chunks.push(value);
    this.#unread += value.byteLength;
    if (this.#unread >= readAhead) this.#connection.pause();
  }

  end(): void {
    this.#isEnded = true;
    for (const reader of this.#readers) reader.resolve({ done: true, value: undefined });
  }

  /** Tells whoever reads on; what was not read yet is dropped. */
  fail(error: unknown): void {
    if (this.#isEnded || this.#failure !== undefined) return;
    this.#failure = { error };
    this.#chunks.length = 0;
    for (const reader of this.#readers) reader.reject(error);
  }

  next(): Promise<Entry> {
    const reader = Promise.withResolvers<Entry>();
    const value = this.#chunks.shift();
    if (value !== undefined) {
      reader.resolve({ done: false, value });
      this.#unread -= value.byteLength;
      if (this.#unread < readAhead) this.#connection.resume();
    } else if (this.#isEnded) reader.resolve({ done: true, value: undefined });
    else if (this.#failure !== undefined) reader.reject(this.#failure.error);
    else {
      this.#meter.wait();
      this.#readers.push(reader);
    }
    return reader.promise;
  }

  /** Leaves the rest; the connection is cut if it is still coming. */
  async return(): Promise<Entry> {
    if (!this.#isEnded) {
      const error = new Error("the rest of the answer is not wanted");
      this.#connection.abort(error);
      this.fail(error);
    }
    this.#chunks.length = 0;
    this.#isEnded = true;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
