import { algorithmOf, createDigester, type Digest } from "./digest.ts";
import { OciError } from "./errors.ts";

/** Content on its way, in pieces of any size; it can be read once. */
export type Bytes = AsyncIterable<Uint8Array>;

/** Content that is hashed while it is read, with the digest it is held against. */
const heldAgainst = new WeakMap<Bytes, Digest>();

/**
 * All of `bytes` in one piece.
 *
 * @param limit how many bytes at the most
 * @throws OciError LIMIT_EXCEEDED as soon as there are more; nothing is ever truncated
 * @example const body = await readAll(content.body, { limit: 4 * 1024 * 1024 })
 */
export async function readAll(bytes: Bytes, { limit }: { readonly limit: number }): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > limit) throw new OciError("LIMIT_EXCEEDED", `content is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : join(chunks, size);
}

/**
 * `bytes` that throw instead of giving their last chunk unless they are exactly what `expected` says.
 *
 * A reader that stops early has read unverified content, and knows it.
 *
 * @throws OciError DIGEST_MISMATCH, SIZE_MISMATCH from the iteration
 * @example for await (const chunk of verified(body, { digest, size })) file.write(chunk)
 */
export function verified(
  bytes: Bytes,
  expected: { readonly digest: Digest; readonly size?: number | undefined },
): Bytes {
  const checked: Bytes = {
    [Symbol.asyncIterator]() {
      const source = bytes[Symbol.asyncIterator]();
      const rest = { [Symbol.asyncIterator]: () => source };
      const chunks = closing(check(rest, expected.digest, expected.size), () => source.return?.());
      return chunks[Symbol.asyncIterator]();
    },
  };
  heldAgainst.set(checked, expected.digest);
  return checked;
}

/**
 * `bytes` whose reader may leave at any time: `close` is then called first, even before the first chunk and while
 * one is awaited, which a generator would not notice.
 *
 * @param close may be called when everything is closed already
 */
export function closing(bytes: Bytes, close: () => unknown): Bytes {
  return {
    [Symbol.asyncIterator]() {
      const chunks = bytes[Symbol.asyncIterator]();
      return {
        next: () => chunks.next(),
        async return() {
          await close();
          await chunks.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Whether reading `bytes` to their end proves that they are `digest`, so that hashing them again would prove nothing. */
export function isVerified(bytes: Bytes, digest: Digest): boolean {
  return heldAgainst.get(bytes) === digest;
}

/** What {@link observed} tells. */
export interface BytesObserver {
  /** Called with the length of each chunk before it is passed on. */
  readonly onChunk?: ((length: number) => void) | undefined;
  /** What is thrown instead of `error`. */
  readonly onError?: ((error: unknown) => unknown) | undefined;
}

/**
 * `bytes`, unchanged and as verified as they were, while `observer` is told what passes.
 *
 * @example const counted = observed(content.body, { onChunk: (length) => (total += length) })
 */
export function observed(bytes: Bytes, { onChunk, onError }: BytesObserver): Bytes {
  const passed: Bytes = {
    [Symbol.asyncIterator]() {
      const chunks = bytes[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const entry = await chunks.next();
            if (entry.done !== true) onChunk?.(entry.value.byteLength);
            return entry;
          } catch (error) {
            await chunks.return?.();
            throw onError === undefined ? error : onError(error);
          }
        },
        async return() {
          await chunks.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
  const digest = heldAgainst.get(bytes);
  if (digest !== undefined) heldAgainst.set(passed, digest);
  return passed;
}

/** `bytes` as content that can be read once. */
export async function* bytesOf(
  ...chunks: readonly Uint8Array[]
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) if (chunk.byteLength > 0) yield chunk;
}

async function* check(
  bytes: Bytes,
  digest: Digest,
  size: number | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(algorithmOf(digest));
  let received = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (chunk.byteLength === 0) continue; // holding it back would hold nothing back
    received += chunk.byteLength;
    if (size !== undefined && received > size) throw wrongSize(digest, size, received);
    digester.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size !== undefined && received !== size) throw wrongSize(digest, size, received);
  const actual = digester.digest();
  if (actual !== digest) throw new OciError("DIGEST_MISMATCH", `content of ${digest} hashes to ${actual}`);
  if (held !== undefined) yield held;
}

function wrongSize(digest: Digest, size: number, received: number): OciError {
  const relation = received > size ? "more than" : `${received} bytes instead of`;
  return new OciError("SIZE_MISMATCH", `content of ${digest} has ${relation} ${size} bytes`);
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
