import { isNonDistributable, mediaType, type Index, type Manifest } from "@drayage/oci";

/**
 * What whoever pushed the manifest should know, though it was taken.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#warnings
 */
export function warningsAbout(manifest: Manifest | Index): readonly string[] {
  if (manifest.kind === "index") return [];
  const { artifactType, config, layers } = manifest;
  return [
    ...(layers.some((layer) => isNonDistributable(layer.mediaType))
      ? ["Layers that may not be distributed are not kept here; who pulls needs their urls."]
      : []),
    // https://github.com/opencontainers/image-spec/blob/main/manifest.md: artifactType MUST be set then.
    ...(config.mediaType === mediaType.ociEmpty && artifactType === undefined
      ? ["The manifest has an empty config and no artifactType, so nobody can tell what it is."]
      : []),
  ];
}
