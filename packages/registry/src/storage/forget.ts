import { requiredContent, type Digest, type Index, type Manifest } from "@drayage/oci";
import { Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";
import { Referrers } from "./referrers.ts";
import { Uses } from "./uses.ts";

/** Removes what led from and to a manifest that has been removed, unless somebody has put it again meanwhile. */
export async function forgetManifest(
  place: Place,
  manifest: Manifest | Index,
  digest: Digest,
): Promise<void> {
  const manifests = new Manifests(place);
  const uses = new Uses(place);
  const { subject } = manifest;
  if (subject !== undefined) await new Referrers(place, manifests).remove(subject.digest, digest);
  const required = requiredContent(manifest);
  const content = [...required.blobs, ...required.manifests];
  await uses.remove(content, digest);
  if (await manifests.has(digest)) await uses.add(content, digest);
}
