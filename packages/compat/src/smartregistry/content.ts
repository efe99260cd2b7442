import { bytesOf, parseRange, readAll, type Bytes, type Range } from "@drayage/oci";

/** Bytes at hand, or as they come. */
export type Content = Uint8Array | string | AsyncIterable<Uint8Array>;

/** A part of a blob: as an object, or as the header `Range` has it. */
export type RangeLike = Range | string;

export function bytesOfContent(content: Content): Bytes {
  if (typeof content === "string") return bytesOf(Buffer.from(content));
  return content instanceof Uint8Array ? bytesOf(content) : content;
}

export function rangeOf(range: RangeLike | undefined): Range | undefined {
  return typeof range === "string" ? parseRange(range) : range;
}

/** Everything, as frameworks take it. @throws OciError LIMIT_EXCEEDED */
export async function bufferOf(bytes: Bytes, { limit }: { readonly limit: number }): Promise<Buffer> {
  const { buffer, byteOffset, byteLength } = await readAll(bytes, { limit });
  return Buffer.from(buffer, byteOffset, byteLength);
}
