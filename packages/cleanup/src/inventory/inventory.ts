import { isDigest, type Digest, type OciErrorCode, type Tag } from "@drayage/oci";
import type { ManifestKind } from "../policy.ts";

/** A manifest of a repository and what is known of it; times are milliseconds since 1970. */
export interface ManifestRecord {
  readonly digest: Digest;
  readonly kind: ManifestKind;
  /** The manifests an index lists, whether or not they are there. */
  readonly children?: readonly Digest[] | undefined;
  /** What it is a referrer of. */
  readonly subject?: Digest | undefined;
  readonly created?: number | undefined;
  readonly pushed?: number | undefined;
  /** The last pull; `never` where pulls are recorded and there was none. */
  readonly pulled?: number | "never" | undefined;
  /** What it refers to is not known. */
  readonly unreadable?: boolean | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Platforms of the image, or of the images an index lists, such as `linux/amd64`. */
  readonly platforms?: readonly string[] | undefined;
  /** Bytes of the manifest and of all blobs it names. */
  readonly size?: number | undefined;
}

/** A tag of a repository. */
export interface InventoryTag {
  readonly name: Tag;
  readonly digest: Digest;
  /** When it was set to this digest, in milliseconds since 1970. */
  readonly pushed?: number | undefined;
  /** The registry refuses to move or delete it. */
  readonly immutable?: boolean | undefined;
}

/** The state of one repository, as far as it is known. */
export interface Inventory {
  readonly repository: string;
  /** Whether every tag, and every manifest they lead to, is in here. */
  readonly complete: boolean;
  readonly manifests: readonly ManifestRecord[];
  readonly tags: readonly InventoryTag[];
  /** Digests that are running somewhere. */
  readonly inUse: readonly Digest[];
  readonly capabilities: Capabilities;
  /** Why it is not complete. */
  readonly problems?: readonly InventoryProblem[] | undefined;
}

/** What the registry can do. */
export interface Capabilities {
  /** Whether a tag can be removed without the manifest it points to. */
  readonly untag: boolean;
  /** Whether a manifest goes together with its last tag, as with ECR. */
  readonly lastTagTakesManifest?: boolean | undefined;
}

/** Something that could not be found out. */
export interface InventoryProblem {
  readonly code: OciErrorCode;
  readonly message: string;
}

/**
 * The digest that a tag's name links it to: `sha256-<hex>`, maybe with `.sig` or another suffix.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery
 */
export function subjectOfTag(name: Tag): Digest | undefined {
  const dash = name.indexOf("-");
  const dot = name.indexOf(".");
  if (dash < 0 || dot === name.length - 1) return undefined;
  const digest = `${name.slice(0, dash)}:${name.slice(dash + 1, dot < 0 ? undefined : dot)}`;
  return isDigest(digest) ? digest : undefined;
}
