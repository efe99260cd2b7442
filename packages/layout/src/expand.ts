import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { isOciError, observed, OciError, type Bytes } from "@drayage/oci";
import { zstdFrames } from "./zstd-frames.ts";

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

/** The most bytes that `size` compressed bytes may expand to (CVE-2023-25153). */
export function expansionLimit(size: number): number {
  return Math.max(harmless, growth * size);
}

/**
 * `bytes` without their compression, of which one layer is taken off and no more.
 *
 * @param limitOf how many bytes there may be when so many compressed ones have been read
 * @throws OciError LIMIT_EXCEEDED, MANIFEST_INVALID for what is not compressed like that, from the iteration
 */
export async function* expand(
  bytes: Bytes,
  compression: Compression,
  { limitOf = expansionLimit }: { readonly limitOf?: ((size: number) => number) | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = compression === "gzip" ? createGunzip() : createZstdDecompress();
  let failure: unknown;
  let taken = 0;
  const source = observed(bytes, {
    onChunk: (length) => (taken += length),
    onError: (error) => (failure = error),
  });
  const fed = pipeline(compression === "zstd" ? zstdFrames(source) : source, decoder);
  fed.catch(() => undefined); // the decoder fails with it
  const expanded: Bytes = decoder;
  let size = 0;
  try {
    for await (const chunk of expanded) {
      size += chunk.byteLength;
      if (size > limitOf(taken)) throw tooLarge(taken);
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

function tooLarge(taken: number): OciError {
  return new OciError("LIMIT_EXCEEDED", `${taken} compressed bytes expand beyond all measure`);
}
