import { pipeline } from "node:stream/promises";
import { crc32, createDeflateRaw } from "node:zlib";
import type { Bytes } from "@drayage/oci";

/** No name, no time, and no word of the system that it was made on. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/**
 * `bytes` compressed, the same for the same bytes wherever Node has the same zlib.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1952
 */
export async function* gzip(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  let checksum = 0;
  let size = 0;
  async function* summed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of bytes) {
      checksum = crc32(chunk, checksum);
      size += chunk.byteLength;
      yield chunk;
    }
  }
  const encoder = createDeflateRaw();
  const fed = pipeline(summed, encoder);
  fed.catch(() => undefined); // the encoder fails with it
  const compressed: Bytes = encoder;
  try {
    yield header;
    yield* compressed;
    await fed;
  } finally {
    encoder.destroy();
  }
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, checksum, true);
  trailer.setUint32(4, size % 2 ** 32, true);
  yield new Uint8Array(trailer.buffer);
}
