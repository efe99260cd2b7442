import {
  isDigest,
  parseManifest,
  requiredContent,
  type CallOptions,
  type Children,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type OciError,
} from "@drayage/oci";
import { readManifest } from "./read.ts";
import { transferBlobs, type Ends } from "./transfer.ts";
import { walk, type CopyContent, type Visit } from "./walk.ts";

/**
 * Sends the blobs that the target lacks for `document`, whatever it said before; resolves to what is to be
 * published before `document` is put again.
 *
 * @throws the target's `refusal` if it misses what `document` does not need
 */
export async function resend(
  { bytes, descriptor }: ManifestDocument,
  refusal: OciError,
  ends: Ends,
  { signal }: CallOptions,
): Promise<CopyContent> {
  const required = requiredContent(parseManifest(bytes, descriptor.mediaType));
  const missing = missingFrom(required, digestsIn(refusal.detail));
  if (missing.blobs.length + missing.manifests.length === 0) throw refusal;
  const visit = async (wanted: Descriptor, call: CallOptions): Promise<Visit> => ({
    document: await readManifest(ends.source, wanted, call),
    isPresent: false,
  });
  const below = await walk(missing.manifests, { visit, scheduler: ends.scheduler, signal });
  await transferBlobs([...missing.blobs, ...below.blobs], ends, { force: true, signal });
  return below;
}

/** What the refusal names; all that is required if it names nothing. */
function missingFrom(required: Children, named: ReadonlySet<Digest>): Children {
  if (named.size === 0) return required;
  const isNamed = ({ digest }: Descriptor) => named.has(digest);
  return { blobs: required.blobs.filter(isNamed), manifests: required.manifests.filter(isNamed) };
}

/** Every digest in a registry's `detail`, whose shape the distribution-spec leaves open. */
function digestsIn(detail: unknown): ReadonlySet<Digest> {
  const digests = new Set<Digest>();
  const queue: unknown[] = [detail];
  while (queue.length > 0) {
    const value = queue.pop();
    if (typeof value === "string" && isDigest(value)) digests.add(value);
    if (typeof value !== "object" || value === null) continue;
    const parts: readonly unknown[] = Object.values(value);
    for (const part of parts) queue.push(part);
  }
  return digests;
}
