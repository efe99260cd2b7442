import {
  childrenOf,
  formatPlatform,
  isDigest,
  manifestMediaTypes,
  mediaType,
  ownValue,
  parseJson,
  parseManifest,
  parseObject,
  type Descriptor,
  type Digest,
  type JsonObject,
  type Manifest,
  type Index,
  type ManifestDocument,
  type Platform,
} from "@drayage/oci";

/** A manifest that an index lists. */
export interface ChildFacts {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly platform?: string | undefined;
}

/** What cleanup needs to know of the content of a manifest; it never changes. */
export interface ManifestFacts {
  readonly digest: Digest;
  readonly kind: "image" | "index" | "artifact";
  readonly children?: readonly ChildFacts[] | undefined;
  readonly subject?: Digest | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The configuration of an image, which says when it was made. */
  readonly config?: Digest | undefined;
  /** When it was made, in milliseconds since 1970, or `unknown` once that has been looked for; absent before. */
  readonly created?: number | "unknown" | undefined;
  /** Bytes of the manifest and of the blobs it names. */
  readonly size: number;
}

const configTypes: readonly string[] = [mediaType.ociConfig, mediaType.dockerConfig];
const createdAnnotation = "org.opencontainers.image.created";

/** The facts that a manifest states. @throws OciError MANIFEST_INVALID */
export function factsOf({ descriptor, bytes }: ManifestDocument): ManifestFacts {
  const manifest = parseManifest(bytes, descriptor.mediaType);
  const { manifests, blobs } = childrenOf(manifest);
  const kind = kindOf(manifest);
  const config = manifest.kind === "manifest" && kind === "image" ? manifest.config.digest : undefined;
  return {
    digest: descriptor.digest,
    kind,
    children: kind === "index" ? manifests.map(childFacts) : undefined,
    subject: manifest.subject?.digest,
    annotations: manifest.annotations,
    config,
    // What has a configuration is not as old as it says in passing.
    created:
      config === undefined ? (timeOf(manifest.annotations?.[createdAnnotation]) ?? "unknown") : undefined,
    size: blobs.reduce((sum, { size }) => sum + size, descriptor.size),
  };
}

/** The same facts once the image's configuration has been read, or could not be. */
export function withCreated(facts: ManifestFacts, text: string | undefined): ManifestFacts {
  const created = timeOf(text) ?? timeOf(facts.annotations?.[createdAnnotation]) ?? "unknown";
  return { ...facts, created };
}

/** Whether a manifest of that `artifactType`, as lists of referrers give it, is an artifact and no image. */
export function isArtifactType(artifactType: string | undefined): boolean {
  return artifactType !== undefined && !configTypes.includes(artifactType);
}

function kindOf(manifest: Manifest | Index): ManifestFacts["kind"] {
  if (manifest.kind === "index") return "index";
  const isImage = manifest.artifactType === undefined && configTypes.includes(manifest.config.mediaType);
  return isImage ? "image" : "artifact";
}

function childFacts({ digest, mediaType: type, artifactType, platform }: Descriptor): ChildFacts {
  // The one text instead of one for each of a hundred thousand manifests.
  const known = manifestMediaTypes.find((one) => one === type) ?? type;
  return { digest, mediaType: known, artifactType, platform: platformText(platform) };
}

/** What an image runs on; of attestations, build tools say that it is unknown. */
function platformText(platform: Platform | undefined): string | undefined {
  if (platform === undefined || platform.os === "unknown") return undefined;
  return formatPlatform(platform);
}

function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** The facts on one line of a file, without what is absent. */
export function formatFacts(facts: ManifestFacts): string {
  return JSON.stringify(facts);
}

/** The facts that {@link formatFacts} wrote, or nothing if the line is no such thing: it may have been cut off. */
export function parseFacts(line: string): ManifestFacts | undefined {
  const object = parseLine(line);
  if (object === undefined) return undefined;
  const { digest, kind, size } = object;
  if (typeof digest !== "string" || !isDigest(digest) || typeof size !== "number") return undefined;
  if (kind !== "image" && kind !== "index" && kind !== "artifact") return undefined;
  // A whole line is what was written: only the end of a file is ever cut off.
  return object as unknown as ManifestFacts;
}

function parseLine(line: string): JsonObject | undefined {
  try {
    const object = parseObject(parseJson(new TextEncoder().encode(line), "STORAGE_INVALID"));
    return object !== undefined && ownValue(object, "digest") !== undefined ? object : undefined;
  } catch {
    return undefined;
  }
}
