import {
  isDigest,
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type Source,
  type Tag,
  type TagLister,
} from "@drayage/oci";
import { getManifest } from "./read.ts";
import { onSide } from "./side.ts";

/** How signatures and alike are found that belong to a manifest. */
export interface Attachments {
  /** Everything that refers to `subject`, by its `subject` field or by a tag. */
  of(subject: Descriptor, options: CallOptions): Promise<readonly Descriptor[]>;
  /** What has been found under tags: the tags it shall have, and its manifest. */
  tagged(digest: Digest): { readonly tags: readonly Tag[]; readonly document: ManifestDocument } | undefined;
}

/** Signatures, attestations and SBOMs as cosign tags them: `sha256-<hex of the subject>.sig`. */
const digestTag = /^(sha256|sha512)-([0-9a-f]{64,128})\.[A-Za-z0-9._-]+$/;

/**
 * The attachments of a source in both forms: referrers, and tags that are made of their subject's digest.
 *
 * The tags are listed once, when the first subject is asked for, and only if the source can list them.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function createAttachments(source: Source & Partial<TagLister>): Attachments {
  const found = new Map<Digest, { readonly tags: Tag[]; readonly document: ManifestDocument }>();
  let listing: Promise<ReadonlyMap<Digest, readonly Tag[]>> | undefined;

  const readTagged = async (tag: Tag, call: CallOptions): Promise<Descriptor> => {
    const document = await getManifest(source, tag, call);
    const { digest } = document.descriptor;
    const known = found.get(digest);
    if (known === undefined) found.set(digest, { tags: [tag], document });
    else known.tags.push(tag);
    return document.descriptor;
  };

  return {
    async of(subject, call) {
      const referrers = await onSide("source", () =>
        Array.fromAsync(source.listReferrers(subject.digest, { signal: call.signal })),
      );
      listing ??= onSide("source", () => digestTagsOf(source, call));
      const tagged: Descriptor[] = [];
      for (const tag of (await listing).get(subject.digest) ?? []) tagged.push(await readTagged(tag, call));
      return [...referrers, ...tagged];
    },
    tagged: (digest) => found.get(digest),
  };
}

async function digestTagsOf(
  source: Partial<TagLister>,
  { signal }: CallOptions,
): Promise<ReadonlyMap<Digest, readonly Tag[]>> {
  const bySubject = new Map<Digest, Tag[]>();
  if (source.listTags === undefined) return bySubject;
  for await (const tag of source.listTags({ signal })) {
    const [, algorithm = "", hex = ""] = digestTag.exec(tag) ?? [];
    const subject = `${algorithm}:${hex}`;
    if (!isDigest(subject)) continue;
    const tags = bySubject.get(subject);
    if (tags === undefined) bySubject.set(subject, [tag]);
    else tags.push(tag);
  }
  return bySubject;
}
