/**
 * The annotations by which files are found again in an artifact; those of directories are ORAS's.
 *
 * @see https://oras.land/docs/how_to_guides/manifest_config
 */
export const annotation = {
  title: "org.opencontainers.image.title",
  created: "org.opencontainers.image.created",
  /** Says that a layer is a directory, which is packed as tar and gzip. */
  unpack: "io.deis.oras.content.unpack",
  /** What a packed directory hashes to before it is compressed. */
  unpackedDigest: "io.deis.oras.content.digest",
} as const;

/** What an artifact is that nobody has said anything about. */
export const unknownArtifact = "application/vnd.unknown.artifact.v1";
