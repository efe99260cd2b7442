const smallest = 64 * 1024;

/** Bytes that are collected, however small the pieces are in which they come. */
export class PartBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  #size = 0;

  /** How many bytes there are. */
  get size(): number {
    return this.#size;
  }

  add(bytes: Uint8Array): void {
    const size = this.#size + bytes.byteLength;
    if (size > this.#bytes.byteLength) this.#grow(size);
    this.#bytes.set(bytes, this.#size);
    this.#size = size;
  }

  /** The first `size` bytes, which are not here any more then. */
  take(size: number): Uint8Array {
    // A copy, so that what is sent holds on to no more than it has.
    const taken = new Uint8Array(this.#bytes.subarray(0, size));
    this.#bytes.copyWithin(0, size, this.#size);
    this.#size -= size;
    return taken;
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#bytes.byteLength, smallest));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }
}
