/** The media types of image-spec `media-types.md` and of Docker's image manifest version 2, schema 2. */
export const mediaType: {
  readonly ociManifest: "application/vnd.oci.image.manifest.v1+json";
  readonly ociIndex: "application/vnd.oci.image.index.v1+json";
  readonly ociConfig: "application/vnd.oci.image.config.v1+json";
  readonly ociLayer: "application/vnd.oci.image.layer.v1.tar";
  readonly ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip";
  readonly ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd";
  readonly ociEmpty: "application/vnd.oci.empty.v1+json";
  readonly dockerManifest: "application/vnd.docker.distribution.manifest.v2+json";
  readonly dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json";
  readonly dockerConfig: "application/vnd.docker.container.image.v1+json";
  readonly dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip";
  readonly octetStream: "application/octet-stream";
} = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  ociEmpty: "application/vnd.oci.empty.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  octetStream: "application/octet-stream",
};

/** Every media type a manifest may have, in the order in which a client asks for them. */
export const manifestMediaTypes: readonly string[] = [
  mediaType.ociIndex,
  mediaType.ociManifest,
  mediaType.dockerManifestList,
  mediaType.dockerManifest,
];

/** Whether content of this type lists other manifests. */
export function isIndexType(type: string): boolean {
  return type === mediaType.ociIndex || type === mediaType.dockerManifestList;
}

/** Whether content of this type names a configuration and layers. */
export function isManifestType(type: string): boolean {
  return type === mediaType.ociManifest || type === mediaType.dockerManifest;
}

/**
 * Whether layers of this type are not meant to be pushed.
 *
 * The type decides, not the presence of `urls` (image-spec `layer.md`, "Non-Distributable Layers").
 */
export function isNonDistributable(type: string): boolean {
  return (
    type.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
    type === "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
  );
}

/** A `Content-Type` without its parameters, in lower case; `undefined` when there is none. */
export function parseContentType(header: string | undefined): string | undefined {
  const type = header?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}

const typeGrammar = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$/;
/** Of the type and of the subtype. */
const typeLimit = 127;

/** Whether `text` is a media type without parameters (RFC 6838 §4.2). */
export function isMediaType(text: string): boolean {
  const slash = text.indexOf("/");
  return slash <= typeLimit && text.length - slash - 1 <= typeLimit && typeGrammar.test(text);
}
