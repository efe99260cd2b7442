import {
  digestMatches,
  documentOf,
  isDigest,
  mapConcurrent,
  OciError,
  algorithmOf,
  type At,
  type CallOptions,
  type Descriptor,
  type ManifestDocument,
  type Source,
  type Target,
} from "@drayage/oci";
import { contentOf } from "./embedded.ts";
import { onSide } from "./side.ts";

/** The manifest at `at`, which is what its descriptor says even if the source should not have looked. */
export async function getManifest(
  source: Source,
  at: At,
  { signal }: CallOptions,
): Promise<ManifestDocument> {
  const document = await onSide("source", () => source.getManifest(at, { signal }));
  const { digest } = document.descriptor;
  const isAsked = !isDigest(at) || at === digest;
  if (!isAsked || !digestMatches(digest, document.bytes)) {
    throw mismatch("DIGEST_MISMATCH", `manifest ${at} is not what its digest says`);
  }
  return document;
}

/**
 * The manifest that `descriptor` names, held against it; no request is made if the descriptor contains it.
 *
 * @throws OciError DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function readManifest(
  source: Source,
  descriptor: Descriptor,
  { signal }: CallOptions,
): Promise<ManifestDocument> {
  const { digest, size, mediaType } = descriptor;
  const embedded = contentOf(descriptor);
  if (embedded !== undefined) return documentOf(embedded, mediaType, { algorithm: algorithmOf(digest) });
  const document = await getManifest(source, digest, { signal });
  const actual = document.bytes.byteLength;
  if (actual !== size) throw mismatch("SIZE_MISMATCH", `manifest ${digest} has ${actual} bytes, not ${size}`);
  return document;
}

export function headManifest(
  target: Target,
  at: At,
  { signal }: CallOptions,
): Promise<Descriptor | undefined> {
  return onSide("target", () => target.headManifest(at, { signal }));
}

/** What the target has under all of `names`, if that is one and the same. */
export async function headEach(
  target: Target,
  names: readonly At[],
  { signal }: CallOptions,
): Promise<Descriptor | undefined> {
  const [first, ...others] = await mapConcurrent(
    names,
    names.length,
    (name, call) => headManifest(target, name, call),
    { signal },
  );
  return others.every((other) => other?.digest === first?.digest) ? first : undefined;
}

export function mismatch(code: "DIGEST_MISMATCH" | "SIZE_MISMATCH", problem: string): OciError {
  return new OciError(code, `source: ${problem}`, { side: "source" });
}
