import {
  childrenOf,
  mapConcurrent,
  parseManifest,
  type CallOptions,
  type Digest,
  type Index,
  type Manifest,
} from "@drayage/oci";
import { manifestsPrefix, parseDigestKey } from "../storage/keys.ts";
import { inGroups, listKeys } from "../storage/list.ts";
import { Manifests } from "../storage/manifests.ts";
import type { Place } from "../storage/place.ts";

const concurrentReads = 16;
const groupSize = 64;

/** A manifest as it is stored. */
export interface StoredNode {
  readonly digest: Digest;
  readonly manifest: Manifest | Index;
  readonly size: number;
  readonly etag: string;
  readonly modified: number;
}

/**
 * Every manifest of a repository.
 *
 * One that cannot be read ends it all: nobody knows what it needs.
 *
 * @throws OciError STORAGE_INVALID, MANIFEST_INVALID
 */
export async function* readManifests(
  place: Place,
  { signal }: CallOptions,
): AsyncGenerator<StoredNode, void, undefined> {
  const manifests = new Manifests(place);
  const read = async (key: string): Promise<StoredNode | undefined> => {
    const digest = parseDigestKey(key);
    const found = await manifests.findStored(digest, { signal });
    if (found === undefined) return undefined;
    const { document, etag, modified } = found;
    const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
    return { digest, manifest, size: document.descriptor.size, etag, modified };
  };
  const keys = listKeys(place.driver.documents, manifestsPrefix(place.name), { signal });
  for await (const group of inGroups(keys, groupSize)) {
    for (const node of await mapConcurrent(group, concurrentReads, read, { signal })) {
      if (node !== undefined) yield node;
    }
  }
}

/** Everything that the manifest names. */
export function contentOf(manifest: Manifest | Index): readonly Digest[] {
  const { blobs, manifests } = childrenOf(manifest);
  return [...blobs, ...manifests].map(({ digest }) => digest);
}
