import { parseAnnotations, parseDescriptor, type Annotations, type Descriptor } from "./descriptor.ts";
import { digestOf, type DigestAlgorithm } from "./digest.ts";
import { OciError } from "./errors.ts";
import { ownValue, parseJsonDocument, parseObject, type JsonObject } from "./json.ts";
import { isIndexType, isManifestType, isMediaType, isNonDistributable, mediaType } from "./media-type.ts";

/** A manifest as it was received: the bytes are the truth, and what `descriptor` says holds for them. */
export interface ManifestDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** An image or artifact: a configuration and layers. */
export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Annotations | undefined;
}

/** A list of manifests, one per platform or for any other reason. */
export interface Index {
  readonly kind: "index";
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Annotations | undefined;
}

/** What a manifest needs beside itself: the manifests and blobs it names, its subject not among them. */
export interface Children {
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
}

/** How many descriptors one manifest may hold. */
const descriptorLimit = 10_000;
const knownKeys = [
  "schemaVersion",
  "mediaType",
  "artifactType",
  "config",
  "layers",
  "manifests",
  "subject",
  "annotations",
];

/**
 * What the bytes of a manifest say.
 *
 * The kind follows `mediaType`; a document that could be read as two kinds is refused, since two tools would
 * see two images (CVE-2021-41190, GHSA-qq97-vm5h-rrhg).
 *
 * @param type the media type it came with, if any; must agree with the document's own
 * @throws OciError MANIFEST_INVALID
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 * @example
 * const document = await repository.getManifest("latest");
 * const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
 */
export function parseManifest(bytes: Uint8Array, type?: string): Manifest | Index {
  const object = parseManifestObject(bytes);
  const kind = kindOf(object, type);
  const artifactType = ownValue(object, "artifactType");
  const subject = ownValue(object, "subject");
  const annotations = parseAnnotations(ownValue(object, "annotations"), "manifest");
  const common = {
    ...(typeof artifactType === "string" && artifactType !== "" ? { artifactType } : {}),
    ...(subject === undefined || subject === null ? {} : { subject: parseDescriptor(subject, "subject") }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  if (kind.isIndex) {
    return {
      kind: "index",
      mediaType: kind.mediaType,
      manifests: descriptors(object, "manifests"),
      ...common,
    };
  }
  const config = parseDescriptor(ownValue(object, "config"), "config");
  return {
    kind: "manifest",
    mediaType: kind.mediaType,
    config,
    layers: descriptors(object, "layers"),
    ...common,
  };
}

/** The bytes of `value` as JSON, with the descriptor that names them. */
export function createManifestDocument(
  value: Readonly<Record<string, unknown>> & { readonly mediaType: string },
  { algorithm }: { readonly algorithm?: DigestAlgorithm | undefined } = {},
): ManifestDocument {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return documentOf(bytes, value.mediaType, { algorithm });
}

/** `bytes` with the descriptor that names them, digest computed. */
export function documentOf(
  bytes: Uint8Array,
  type: string,
  { algorithm }: { readonly algorithm?: DigestAlgorithm | undefined } = {},
): ManifestDocument {
  return {
    bytes,
    descriptor: { mediaType: type, digest: digestOf(bytes, algorithm), size: bytes.byteLength },
  };
}

/** The manifests and blobs that `manifest` names, each digest once, in its order. */
export function childrenOf(manifest: Manifest | Index): Children {
  if (manifest.kind === "manifest") {
    return { manifests: [], blobs: distinct([manifest.config, ...manifest.layers]) };
  }
  const entries = distinct(manifest.manifests);
  return {
    manifests: entries.filter((entry) => !isBlobType(entry.mediaType)),
    // Build caches list layers and configurations in an index.
    blobs: entries.filter((entry) => isBlobType(entry.mediaType)),
  };
}

/** What must be in a repository before `manifest` is: its children without what is not meant to be distributed. */
export function requiredContent(manifest: Manifest | Index): Children {
  const { blobs, manifests } = childrenOf(manifest);
  return { manifests, blobs: blobs.filter((blob) => !isNonDistributable(blob.mediaType)) };
}

/**
 * What an artifact is: its `artifactType`, else for a manifest the type of its configuration.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export function artifactTypeOf(manifest: Manifest | Index): string | undefined {
  return manifest.artifactType ?? (manifest.kind === "manifest" ? manifest.config.mediaType : undefined);
}

/** How a referrers list describes `manifest`: with its artifact type and all its annotations. */
export function referrerOf(manifest: Manifest | Index, { mediaType, digest, size }: Descriptor): Descriptor {
  const artifactType = artifactTypeOf(manifest);
  const annotations = manifest.annotations;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function parseManifestObject(bytes: Uint8Array): JsonObject {
  const { value, ambiguousKeys } = parseJsonDocument(bytes, "MANIFEST_INVALID");
  const object = parseObject(value);
  if (object === undefined) throw invalid("is not an object");
  const twice = ambiguousKeys.filter((key) =>
    knownKeys.some((known) => known.toLowerCase() === key.toLowerCase()),
  );
  if (twice.length > 0) throw invalid(`has ${twice.join(", ")} more than once`);
  if (ownValue(object, "schemaVersion") !== 2) throw invalid("does not have schemaVersion 2");
  return object;
}

function kindOf(object: JsonObject, type: string | undefined): { mediaType: string; isIndex: boolean } {
  const own = ownValue(object, "mediaType");
  if (own !== undefined && typeof own !== "string") throw invalid("has a mediaType that is not text");
  const said = own === "" ? undefined : own;
  if (said !== undefined && type !== undefined && said !== type) {
    throw invalid(`came as ${type} but says it is ${said}`);
  }
  const hasManifests = Object.hasOwn(object, "manifests");
  const hasContent = Object.hasOwn(object, "config") || Object.hasOwn(object, "layers");
  if (hasManifests && hasContent) throw invalid("has both manifests and config or layers");
  if (!hasManifests && !hasContent) throw invalid("has neither manifests nor config and layers");
  const mediaTypeOf = said ?? type ?? (hasManifests ? mediaType.ociIndex : mediaType.ociManifest);
  const contradicts = hasManifests ? isManifestType(mediaTypeOf) : isIndexType(mediaTypeOf);
  if (contradicts) throw invalid(`is not what its media type says: ${mediaTypeOf}`);
  if (!isMediaType(mediaTypeOf)) throw invalid(`has no valid media type: "${mediaTypeOf.slice(0, 200)}"`);
  return { mediaType: mediaTypeOf, isIndex: hasManifests };
}

function descriptors(object: JsonObject, key: "layers" | "manifests"): readonly Descriptor[] {
  const list = ownValue(object, key) ?? [];
  if (!Array.isArray(list)) throw invalid(`has ${key} that are not a list`);
  if (list.length > descriptorLimit) throw invalid(`has more than ${descriptorLimit} ${key}`);
  return list.map((entry, index) => parseDescriptor(entry, `${key}[${index}]`));
}

function distinct(list: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(list.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

function isBlobType(type: string): boolean {
  return (
    type.startsWith("application/vnd.oci.image.layer.") ||
    type.startsWith("application/vnd.docker.image.rootfs.") ||
    type.startsWith("application/vnd.buildkit.cacheconfig.") ||
    type === mediaType.ociConfig ||
    type === mediaType.dockerConfig
  );
}

function invalid(problem: string): OciError {
  return new OciError("MANIFEST_INVALID", `manifest ${problem}`);
}
