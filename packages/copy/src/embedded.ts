import { digestMatches, type Descriptor } from "@drayage/oci";

/**
 * The content that a descriptor carries in its `data`; `undefined` if it carries none, or something else.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#embedded-content
 */
export function contentOf({ data, digest, size }: Descriptor): Uint8Array | undefined {
  if (data === undefined) return undefined;
  const content = Buffer.from(data, "base64");
  return content.byteLength === size && digestMatches(digest, content) ? content : undefined;
}
