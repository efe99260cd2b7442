import type { Bucket } from "./bucket.ts";
import { dataKey, newRestKey } from "./layout.ts";
import type { Memory } from "./memory.ts";
import { PartBuffer } from "./part-buffer.ts";
import { leastPart, sizeOfPart, type PartOptions } from "./part-size.ts";
import type { StoredRest, UploadState } from "./token.ts";

/** How many parts of one upload are on their way at the same time. */
const mostFlying = 3;
/** Up to how many bytes a rest is kept in the token: most configs of images, and no layers worth the name. */
const largestInToken = 64 * 1024;
/** So much of a chunk is taken at a time. */
const sliceSize = 1024 * 1024;
/** Parts are made smaller to save memory only as long as there are enough of them. */
const mostShort = 1000;

export interface PartSurroundings {
  readonly bucket: Bucket;
  readonly parts: PartOptions;
  readonly memory: Memory;
}

interface Part {
  readonly size: number;
  etag?: string;
}

/** Makes parts of what comes in, and sends them while more comes in. */
export class PartWriter {
  readonly #state: UploadState;
  readonly #around: PartSurroundings;
  readonly #buffer = new PartBuffer();
  readonly #sent: Part[] = [];
  readonly #flying = new Set<Promise<void>>();
  /** How many bytes the upload has in parts. */
  readonly #before: number;
  #uploadId: string | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param rest the bytes that the upload has behind its parts */
  constructor(state: UploadState, rest: Uint8Array, around: PartSurroundings) {
    this.#state = state;
    this.#around = around;
    this.#before = state.size - rest.byteLength;
    this.#uploadId = state.multipart?.uploadId;
    around.memory.take(rest.byteLength);
    this.#buffer.add(rest);
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.byteLength; start += sliceSize) {
      const slice = bytes.subarray(start, start + sliceSize);
      this.#around.memory.take(slice.byteLength);
      this.#buffer.add(slice);
      for (let size = this.#due(); size > 0; size = this.#due()) await this.#send(size);
    }
  }

  /** Stores what is left. Resolves to the upload with all that has been added. */
  async finish(): Promise<UploadState> {
    if (this.#buffer.size >= leastPart && !this.#around.parts.areEqual) await this.#send(this.#buffer.size);
    await this.#settle();
    this.#throwIfFailed();
    const { size } = this.#buffer;
    if (this.#sent.length === 0 && this.#before + size === this.#state.size) return this.#state;
    return this.#stateWith(this.#sent, await this.#store(this.#buffer.take(size)));
  }

  /** The upload with as much as is stored, when something has failed. */
  async keep(): Promise<UploadState> {
    await this.#settle();
    const missing = this.#sent.findIndex(({ etag }) => etag === undefined);
    const stored = missing < 0 ? this.#sent : this.#sent.slice(0, missing);
    // The first part has the earlier rest in it, which is still there if that part is not.
    return stored.length === 0 ? this.#state : this.#stateWith(stored, new Uint8Array(0));
  }

  /** Forgets what has not been stored. */
  close(): void {
    this.#around.memory.give(this.#buffer.size);
  }

  /** How much is to be sent now. */
  #due(): number {
    const { parts, memory } = this.#around;
    const number = this.#nextNumber();
    const size = sizeOfPart(number, parts);
    // So much is held back that what is left in the end is large enough for a part.
    const heldBack = parts.areEqual ? 0 : leastPart;
    if (this.#buffer.size >= size + heldBack) return size;
    const isShort = memory.isSpent && number <= mostShort && !parts.areEqual;
    return isShort && this.#buffer.size >= leastPart ? this.#buffer.size : 0;
  }

  async #send(size: number): Promise<void> {
    const { bucket, memory } = this.#around;
    const key = dataKey(this.#state.id);
    this.#uploadId ??= await bucket.createUpload(key);
    const place = { key, uploadId: this.#uploadId, number: this.#nextNumber() };
    const part: Part = { size };
    this.#sent.push(part);
    const sending = bucket
      .uploadPart(place, this.#buffer.take(size))
      .then((etag) => void (part.etag = etag))
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => {
        memory.give(size);
        this.#flying.delete(sending);
      });
    this.#flying.add(sending);
    const most = memory.isSpent ? 0 : mostFlying - 1;
    while (this.#flying.size > most) await Promise.race(this.#flying);
    this.#throwIfFailed();
  }

  /** Where so few bytes are kept; in the token, unless they would make it too long. */
  async #store(bytes: Uint8Array): Promise<Uint8Array | StoredRest> {
    this.#around.memory.give(bytes.byteLength);
    if (bytes.byteLength <= largestInToken) return bytes;
    const key = newRestKey(this.#state.id);
    await this.#around.bucket.put(key, bytes);
    return { key, size: bytes.byteLength };
  }

  #stateWith(stored: readonly Part[], rest: Uint8Array | StoredRest): UploadState {
    const { id, multipart, rest: earlier } = this.#state;
    const etags = [...(multipart?.etags ?? []), ...stored.flatMap(({ etag }) => etag ?? [])];
    const restSize = rest instanceof Uint8Array ? rest.byteLength : rest.size;
    return {
      id,
      size: stored.reduce((sum, part) => sum + part.size, this.#before) + restSize,
      multipart: this.#uploadId === undefined ? undefined : { uploadId: this.#uploadId, etags },
      rest: restSize === 0 ? undefined : rest,
      spent: earlier === undefined || earlier instanceof Uint8Array ? undefined : earlier.key,
    };
  }

  #nextNumber(): number {
    return (this.#state.multipart?.etags.length ?? 0) + this.#sent.length + 1;
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#flying);
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
