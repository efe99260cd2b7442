import {
  abortable,
  createDigester,
  type Bytes,
  type Digest,
  type DigestAlgorithm,
  type UploadToken,
} from "@drayage/oci";
import { passed } from "./lend.ts";

/** How many unfinished hashes are kept; the bytes of an upload whose hash was dropped are read again. */
const keptHashes = 1000;

/** The hash of the first `size` bytes of an upload. */
export interface RunningHash {
  readonly algorithm: DigestAlgorithm;
  readonly size: number;
  update(chunk: Uint8Array): void;
  /** The digest of all bytes so far; afterwards the hash is spent. */
  digest(): Digest;
  /** What it takes to go on in another process, where that is possible. */
  save?(): SavedHash;
}

/** The state of a hash that has seen `size` bytes; it has some of them in it, so that no client may see it. */
export interface SavedHash {
  readonly size: number;
  /** In base64. */
  readonly state: string;
}

/** Up to where an upload is hashed: its token tells apart what others may have stored at the same offset. */
interface Position {
  readonly token: UploadToken;
  readonly size: number;
}

/** Hashes of uploads between two requests: never needed, since the store can read its bytes again. */
export class KeptHashes {
  readonly #hashes = new Map<string, { readonly hash: RunningHash; readonly token: UploadToken }>();

  /** The hash of exactly the bytes that are stored, which nobody else gets then. */
  take(id: string, { token, size }: Position): RunningHash | undefined {
    const found = this.#hashes.get(id);
    this.#hashes.delete(id);
    return found?.token === token && found.hash.size === size ? found.hash : undefined;
  }

  keep(id: string, hash: RunningHash, token: UploadToken): void {
    this.#hashes.set(id, { hash, token });
    const oldest = this.#hashes.size > keptHashes ? this.#hashes.keys().next().value : undefined;
    if (oldest !== undefined) this.#hashes.delete(oldest);
  }

  drop(id: string): void {
    this.#hashes.delete(id);
  }
}

/** A hash that has seen nothing yet. */
export function createRunningHash(algorithm: DigestAlgorithm): RunningHash {
  const digester = createDigester(algorithm);
  let size = 0;
  return {
    algorithm,
    get size() {
      return size;
    },
    update(chunk) {
      digester.update(chunk);
      size += chunk.byteLength;
    },
    digest: () => digester.digest(),
  };
}

/** `bytes`, each chunk shown to `visit` on its way; an abort ends them even while their source is silent. */
export function tapped(
  bytes: Bytes,
  visit: (chunk: Uint8Array) => Promise<void> | undefined,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Bytes {
  return passed(bytes, (chunks) => ({
    async next() {
      try {
        const next = await (signal === undefined ? chunks.next() : abortable(chunks.next(), signal));
        if (next.done === true) return { done: true, value: undefined };
        const pause = visit(next.value);
        if (pause !== undefined) await pause;
        return next;
      } catch (error) {
        // A source that is silent would keep us waiting; it ends when it can.
        chunks.return?.()?.catch(() => undefined);
        throw error;
      }
    },
    async return() {
      chunks.return?.()?.catch(() => undefined);
      return { done: true, value: undefined };
    },
  }));
}
