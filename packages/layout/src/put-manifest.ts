import {
  childrenOf,
  digestMatches,
  OciError,
  parseManifest,
  parseTag,
  requiredContent,
  type CallOptions,
  type Descriptor,
  type Digest,
  type Index,
  type Manifest,
  type ManifestDocument,
  type ManifestReader,
  type PutManifestOptions,
  type Tag,
} from "@drayage/oci";
import type { Content } from "./content.ts";
import { findDigest, findTag, withManifest, withoutUnnamed, type LayoutIndex } from "./layout-index.ts";

/** A manifest that may be listed. */
export interface CheckedManifest {
  readonly manifest: Manifest | Index;
  readonly descriptor: Descriptor;
  readonly tags: readonly Tag[];
}

/**
 * What shall be listed, once it is known to be valid and all its content to be here.
 *
 * @throws OciError DIGEST_MISMATCH, MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, TAG_INVALID
 */
export async function checkManifest(
  { descriptor, bytes }: ManifestDocument,
  content: Pick<Content, "sizeOf">,
  { tags = [], signal }: PutManifestOptions,
): Promise<CheckedManifest> {
  signal?.throwIfAborted();
  const parsedTags = tags.map(parseTag);
  if (!digestMatches(descriptor.digest, bytes)) {
    throw new OciError("DIGEST_MISMATCH", `the manifest is not ${descriptor.digest}`);
  }
  const manifest = parseManifest(bytes, descriptor.mediaType);
  await requireContent(manifest, content);
  const stored = { mediaType: manifest.mediaType, digest: descriptor.digest, size: bytes.byteLength };
  return { manifest, descriptor: stored, tags: parsedTags };
}

/** Checks that the tags may be set. @throws OciError PRECONDITION_FAILED */
export function requireTags(
  index: LayoutIndex,
  tags: readonly Tag[],
  { ifMatch, ifNoneMatch }: PutManifestOptions,
): void {
  for (const tag of tags) {
    const digest = findTag(index, tag)?.digest;
    if (ifMatch !== undefined && digest !== ifMatch) throw moved(tag);
    if (ifNoneMatch !== undefined && digest !== undefined) throw moved(tag);
  }
}

/** `index` with the manifest, and without the children that reading it leads to. */
export async function listManifest(
  { manifest, descriptor, tags }: CheckedManifest,
  index: LayoutIndex,
  { reader, signal }: CallOptions & { readonly reader: ManifestReader },
): Promise<LayoutIndex> {
  const covered = new Set<Digest>();
  for (const { digest } of childrenOf(manifest).manifests) {
    const listed = findDigest(index, digest);
    if (listed === undefined) continue;
    const child = parseManifest((await reader.getManifest(digest, { signal })).bytes);
    // A referrer stays listed to be found, and so does what does not tell its own media type.
    if (child.subject === undefined && child.mediaType === listed.mediaType) covered.add(digest);
  }
  return withManifest(withoutUnnamed(index, covered), descriptor, tags);
}

export function moved(tag: Tag): OciError {
  return new OciError("PRECONDITION_FAILED", `tag ${tag} is not where it was expected`);
}

async function requireContent(manifest: Manifest | Index, content: Pick<Content, "sizeOf">): Promise<void> {
  const { blobs, manifests } = requiredContent(manifest);
  const missing: Digest[] = [];
  for (const { digest } of [...blobs, ...manifests]) {
    if ((await content.sizeOf(digest)) === undefined) missing.push(digest);
  }
  if (missing.length === 0) return;
  throw new OciError("MANIFEST_BLOB_UNKNOWN", `the layout lacks ${missing.join(", ")}`, {
    detail: { digests: missing },
  });
}
