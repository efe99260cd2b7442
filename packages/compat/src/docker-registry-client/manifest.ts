import {
  documentOf,
  isDigest,
  algorithmOf,
  OciError,
  parseJson,
  parseManifest,
  type ManifestDocument,
} from "@drayage/oci";
import {
  MEDIATYPE_MANIFEST_LIST_V2,
  MEDIATYPE_MANIFEST_V2,
  MEDIATYPE_OCI_MANIFEST_INDEX_V1,
  MEDIATYPE_OCI_MANIFEST_V1,
} from "@drayage/oci/migration";
import { translating } from "./translate.ts";

export type ByteArray = Uint8Array;

export interface ManifestV2Descriptor {
  mediaType: string;
  size: number;
  digest: string;
  urls?: string[];
}

export interface ManifestOCIDescriptor extends ManifestV2Descriptor {
  annotations?: Record<string, string>;
  artifactType?: string;
  data?: string;
}

interface PlatformEntry {
  platform?: {
    architecture: string;
    os: string;
    "os.version"?: string;
    "os.features"?: string[];
    variant?: string;
  };
}

export interface ManifestV2 {
  schemaVersion: 2;
  mediaType: "application/vnd.docker.distribution.manifest.v2+json";
  config: ManifestV2Descriptor;
  layers: ManifestV2Descriptor[];
}

export interface ManifestV2List {
  schemaVersion: 2;
  mediaType: "application/vnd.docker.distribution.manifest.list.v2+json";
  manifests: (ManifestV2Descriptor & PlatformEntry)[];
}

export interface ManifestOCI {
  schemaVersion: 2;
  mediaType?: "application/vnd.oci.image.manifest.v1+json";
  artifactType?: string;
  config: ManifestOCIDescriptor;
  layers: ManifestOCIDescriptor[];
  subject?: ManifestOCIDescriptor;
  annotations?: Record<string, string>;
}

export interface ManifestOCIIndex {
  schemaVersion: 2;
  mediaType?: "application/vnd.oci.image.index.v1+json";
  artifactType?: string;
  manifests: (ManifestOCIDescriptor & PlatformEntry)[];
  subject?: ManifestOCIDescriptor;
  annotations?: Record<string, string>;
}

export type Manifest = ManifestV2 | ManifestV2List | ManifestOCI | ManifestOCIIndex;

/** Which kinds of manifest to ask for. */
export interface AcceptOptions {
  readonly acceptManifestLists: boolean;
  readonly acceptOCIManifests: boolean;
}

/** The media types of an `Accept` header. */
export function acceptOf({ acceptManifestLists, acceptOCIManifests }: AcceptOptions): readonly string[] {
  return [
    MEDIATYPE_MANIFEST_V2,
    ...(acceptManifestLists ? [MEDIATYPE_MANIFEST_LIST_V2] : []),
    ...(acceptOCIManifests ? [MEDIATYPE_OCI_MANIFEST_V1] : []),
    ...(acceptOCIManifests && acceptManifestLists ? [MEDIATYPE_OCI_MANIFEST_INDEX_V1] : []),
  ];
}

/** A manifest as the plain JSON that it is. */
export function parseManifestJson({ bytes, descriptor }: ManifestDocument): Manifest {
  parseManifest(bytes, descriptor.mediaType);
  return parseJson(bytes, "MANIFEST_INVALID") as Manifest;
}

/** What is needed to store a manifest. */
export interface ManifestData {
  readonly manifestData: ByteArray | string;
  /** A tag, or the digest. */
  readonly ref: string;
  /** Manifests of other versions than 2 are gone. */
  readonly schemaVersion?: number | undefined;
  /** By default what the manifest says of itself, or what its content makes it. */
  readonly mediaType?: string | undefined;
}

/** The manifest that is meant, named by the algorithm of its `ref`. @throws OciError MANIFEST_INVALID, DIGEST_MISMATCH */
export function manifestDocumentOf(data: ManifestData): ManifestDocument {
  const { manifestData, ref, schemaVersion = 2 } = data;
  if (schemaVersion !== 2)
    throw new OciError("MANIFEST_INVALID", `schema version ${schemaVersion} is not supported`);
  const bytes = typeof manifestData === "string" ? new TextEncoder().encode(manifestData) : manifestData;
  const { mediaType } = parseManifest(bytes, data.mediaType);
  const document = documentOf(bytes, mediaType, { algorithm: isDigest(ref) ? algorithmOf(ref) : undefined });
  if (!isDigest(ref) || ref === document.descriptor.digest) return document;
  throw new OciError("DIGEST_MISMATCH", `the manifest is not ${ref}`);
}

/** The sha256 digest of a manifest that is given as text. @throws InvalidManifestError */
export async function digestFromManifestStr(text: string): Promise<string> {
  return translating(async () => {
    const bytes = new TextEncoder().encode(text);
    const { mediaType } = parseManifest(bytes);
    return documentOf(bytes, mediaType).descriptor.digest;
  });
}
