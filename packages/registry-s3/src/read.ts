import { OciError, type CallOptions } from "@drayage/oci";
import type { Bucket } from "./bucket.ts";

/** How often a read goes on behind what has broken off, if it gets no further. */
const mostAttempts = 3;

/** Part of an object, which is got once more from where it breaks off. @throws OciError BLOB_UNKNOWN, UNAVAILABLE */
export async function* readObject(
  bucket: Bucket,
  key: string,
  { start, length, signal }: CallOptions & { readonly start: number; readonly length: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = start + length;
  let position = start;
  for (let attempt = 1; position < end; attempt++) {
    const before = position;
    const body = await bucket.read(key, { start: position, length: end - position, signal });
    if (body === undefined) throw new OciError("BLOB_UNKNOWN", "the content is gone");
    let failure: unknown;
    try {
      for await (const chunk of body) {
        position += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      failure = error;
    }
    if (position > before) attempt = 1;
    if (attempt >= mostAttempts) {
      throw new OciError("UNAVAILABLE", "the bucket breaks off what it sends", { cause: failure });
    }
  }
}
