import type { Descriptor } from "@drayage/oci";
import { formatSize } from "./size.ts";

/** What a descriptor says, for people. */
export function descriptorLines({ digest, mediaType, size }: Descriptor): readonly string[] {
  return [`digest      ${digest}`, `media type  ${mediaType}`, `size        ${size} (${formatSize(size)})`];
}
