import {
  childrenOf,
  formatPlatform,
  isOciError,
  mapConcurrent,
  mediaType,
  parseImageConfig,
  parseManifest,
  readAll,
  type Annotations,
  type At,
  type BlobReader,
  type CallOptions,
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  type ManifestReader,
} from "@drayage/oci";

/** What one manifest says, with the configuration of the image if it is one. */
export interface Inspection {
  readonly descriptor: Descriptor;
  /** `os/architecture[/variant]`, as the index or else the configuration has it. */
  readonly platform?: string | undefined;
  /** Whether an index lists it although the repository does not have it. */
  readonly isMissing?: boolean | undefined;
  readonly artifactType?: string | undefined;
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Annotations | undefined;
  readonly created?: string | undefined;
  /** What a container of it runs: the entrypoint, then cmd. */
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Of the manifest, its configuration and its layers together, in bytes: what a pull brings at the most. */
  readonly size?: number | undefined;
  readonly layers?: readonly Descriptor[] | undefined;
  /** What an index lists. */
  readonly manifests?: readonly Inspection[] | undefined;
}

type Reader = ManifestReader & BlobReader;

/** How many requests are under way at a time, and how large a configuration may be. */
const limits = { concurrency: 6, configBytes: 8 * 1024 * 1024 } as const;

/** What is at `at`; of an index also what it lists, but not what an index in it lists. */
export async function inspectAt(repository: Reader, at: At, { signal }: CallOptions): Promise<Inspection> {
  const { bytes, descriptor } = await repository.getManifest(at, { signal });
  const manifest = parseManifest(bytes, descriptor.mediaType);
  if (manifest.kind === "manifest") return inspectImage(repository, descriptor, manifest, { signal });
  const { blobs } = childrenOf(manifest);
  const manifests = await mapConcurrent(
    manifest.manifests.filter(({ digest }) => !blobs.some((blob) => blob.digest === digest)),
    limits.concurrency,
    (entry, call) => inspectEntry(repository, entry, call),
    { signal },
  );
  return { descriptor, ...facts(manifest), layers: blobs.length > 0 ? blobs : undefined, manifests };
}

async function inspectEntry(repository: Reader, entry: Descriptor, call: CallOptions): Promise<Inspection> {
  const platform = entry.platform && formatPlatform(entry.platform);
  try {
    const { bytes, descriptor } = await repository.getManifest(entry.digest, call);
    const manifest = parseManifest(bytes, descriptor.mediaType);
    const found =
      manifest.kind === "manifest"
        ? await inspectImage(repository, descriptor, manifest, call)
        : { descriptor, ...facts(manifest) };
    return { ...found, platform: platform ?? found.platform };
  } catch (error) {
    // An index may list more than the repository holds.
    if (!isOciError(error, "MANIFEST_UNKNOWN")) throw error;
    return { descriptor: entry, platform, isMissing: true };
  }
}

async function inspectImage(
  repository: Reader,
  descriptor: Descriptor,
  manifest: Manifest,
  call: CallOptions,
): Promise<Inspection & { readonly platform?: string | undefined }> {
  const config = await readConfig(repository, manifest.config, call);
  return {
    descriptor,
    ...facts(manifest),
    size: sizeOf([descriptor, ...childrenOf(manifest).blobs]),
    layers: manifest.layers,
    ...(config && {
      platform: formatPlatform(config.platform),
      created: config.created,
      entrypoint: config.entrypoint,
      cmd: config.cmd,
      labels: config.labels,
    }),
  };
}

/** The configuration of an image; artifacts have others, of types of their own. */
async function readConfig(
  repository: Reader,
  config: Descriptor,
  { signal }: CallOptions,
): Promise<ImageConfig | undefined> {
  const isImage = config.mediaType === mediaType.ociConfig || config.mediaType === mediaType.dockerConfig;
  if (!isImage) return undefined;
  const { body } = await repository.getBlob(config.digest, { signal });
  return parseImageConfig(await readAll(body, { limit: limits.configBytes }));
}

function sizeOf(descriptors: readonly Descriptor[]): number {
  return descriptors.reduce((sum, { size }) => sum + size, 0);
}

function facts({ artifactType, subject, annotations }: Manifest | Index): Partial<Inspection> {
  return { artifactType, subject, annotations };
}
