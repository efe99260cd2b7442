import { digestMatches, OciError, type Descriptor, type Index, type Manifest } from "@drayage/oci";

/**
 * Throws unless content that the manifest embeds in its descriptors is what those descriptors say.
 *
 * @throws OciError MANIFEST_INVALID
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#embedded-content
 */
export function requireEmbedded(manifest: Manifest | Index): void {
  const descriptors = manifest.kind === "index" ? manifest.manifests : [manifest.config, ...manifest.layers];
  for (const descriptor of descriptors) requireData(descriptor);
  if (manifest.subject !== undefined) requireData(manifest.subject);
}

function requireData({ data, digest, size }: Descriptor): void {
  if (data === undefined) return;
  const bytes = Buffer.from(data, "base64");
  if (bytes.byteLength === size && digestMatches(digest, bytes)) return;
  throw new OciError("MANIFEST_INVALID", `the data embedded as ${digest} is something else`);
}
