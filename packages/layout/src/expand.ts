import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { isOciError, observed, OciError, type Bytes } from "@drayage/oci";

/** How content is compressed. */
export type Compression = "gzip" | "zstd";

/** How much content may grow when it is expanded. */
const growth = 200;
/** What it may always have, in bytes: an empty disk image compresses better than anything that does harm. */
const harmless = 1024 ** 3;

/** How content of this media type is compressed, if it is. */
export function compressionOf(mediaType: string): Compression | undefined {
  if (/[+.]gzip$/.test(mediaType)) return "gzip";
  return mediaType.endsWith("+zstd") ? "zstd" : undefined;
}

/** The most bytes that content of `size` compressed bytes may have (CVE-2023-25153). */
export function expansionLimit(size: number): number {
  return Math.max(harmless, growth * size);
}

/**
 * `bytes` without their compression, of which one layer is taken off and no more.
 *
 * @throws OciError LIMIT_EXCEEDED beyond `limit` bytes, MANIFEST_INVALID for what is not compressed like that, from the
 *   iteration
 */
export async function* expand(
  bytes: Bytes,
  { compression, limit }: { readonly compression: Compression; readonly limit: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = compression === "gzip" ? createGunzip() : createZstdDecompress();
  let failure: unknown;
  const source = observed(bytes, { onError: (error) => (failure = error) });
  const fed = pipeline(source, decoder);
  fed.catch(() => undefined); // the decoder fails with it
  const expanded: Bytes = decoder;
  let size = 0;
  try {
    for await (const chunk of expanded) {
      size += chunk.byteLength;
      if (size > limit) throw new OciError("LIMIT_EXCEEDED", `content expands to more than ${limit} bytes`);
      yield chunk;
    }
    await fed;
  } catch (error) {
    if (error === failure || isOciError(error)) throw error;
    throw new OciError("MANIFEST_INVALID", `content is not compressed with ${compression}`, { cause: error });
  } finally {
    decoder.destroy();
  }
}
