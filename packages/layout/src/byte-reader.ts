import { OciError } from "@drayage/oci";

/** Content that is read piece by piece, from its start to its end. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** The next `length` bytes in one piece, or fewer if the content ends there. */
  async read(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let left = length;
    while (left > 0) {
      const piece = await this.#next(left);
      if (piece === undefined) break;
      pieces.push(piece);
      left -= piece.byteLength;
    }
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
  }

  /** The next `length` bytes, as they come. @throws OciError STORAGE_INVALID if the content ends before that */
  async *take(length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let left = length;
    while (left > 0) {
      const piece = await this.#next(left);
      if (piece === undefined) throw new OciError("STORAGE_INVALID", "content is cut short");
      left -= piece.byteLength;
      yield piece;
    }
  }

  /** Reads to the end. */
  async finish(): Promise<void> {
    while ((await this.#next(Number.POSITIVE_INFINITY)) !== undefined);
  }

  /** Lets the source go. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** At least one byte and at most `length`, or `undefined` at the end. */
  async #next(length: number): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0) {
      const entry = await this.#chunks.next();
      if (entry.done === true) return undefined;
      this.#rest = entry.value;
    }
    const piece = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(piece.byteLength);
    return piece;
  }
}
