import {
  formatReference,
  OciError,
  parseReference,
  parseRegistry,
  type At,
  type Digest,
  type Reference,
  type Tag,
} from "@drayage/oci";

/** Other places that content can be, by the word before the colon; only `parseEnd` takes some of them. */
const schemes = ["oci", "oci-archive", "docker-archive", "docker", "http", "https"] as const;

/**
 * The place that `text` names: `registry/repository[:tag][@digest]`.
 *
 * @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID, OPTION_INVALID for a place of another kind
 */
export function parseLocation(text: string): Reference {
  const scheme = schemes.find((word) => text.startsWith(`${word}:`));
  if (scheme !== undefined) {
    throw new OciError("OPTION_INVALID", `"${scheme}:" cannot be used as a location here`, {
      hint: "write registry/repository[:tag][@digest]",
    });
  }
  refuseHost(text);
  return parseReference(text);
}

/** A host without a path would be read as the name of an image on Docker Hub. */
function refuseHost(text: string): void {
  const [name = ""] = text.split(/[:@]/, 1);
  if (text.includes("/") || (name !== "localhost" && !name.includes("."))) return;
  throw new OciError("REFERENCE_INVALID", `"${text}" is a registry, and no repository of it is named`, {
    hint: `write ${text}/REPOSITORY`,
  });
}

/** A repository, maybe with a digest. @throws OciError REFERENCE_INVALID with a tag */
export function parseUntagged(text: string): Reference {
  const reference = parseLocation(text);
  if (reference.tag === undefined) return reference;
  throw new OciError("REFERENCE_INVALID", `a tag is not expected here: "${text}"`);
}

/** A repository alone. @throws OciError REFERENCE_INVALID with a tag or a digest */
export function parseRepository(text: string): Reference {
  const reference = parseUntagged(text);
  if (reference.digest === undefined) return reference;
  throw new OciError("REFERENCE_INVALID", `a digest is not expected here: "${text}"`);
}

/** Content by its digest. @throws OciError REFERENCE_INVALID without one, or with a tag */
export function parseContent(text: string): Reference & { readonly digest: Digest } {
  const { digest, ...reference } = parseUntagged(text);
  if (digest !== undefined) return { ...reference, digest };
  throw new OciError("REFERENCE_INVALID", `the digest is missing: "${text}"`, {
    hint: `write ${text}@sha256:…`,
  });
}

/** A reference with a tag, a digest or both. */
export type ExplicitReference = Reference &
  ({ readonly tag: Tag } | { readonly tag?: undefined; readonly digest: Digest });

/** A manifest that is named on purpose, and not `latest` by default. @throws OciError REFERENCE_INVALID */
export function parseExplicit(text: string): ExplicitReference {
  const reference = parseLocation(text);
  const { tag, digest } = reference;
  if (tag !== undefined) return { ...reference, tag };
  if (digest !== undefined) return { ...reference, tag, digest };
  throw new OciError("REFERENCE_INVALID", `neither a tag nor a digest is named: "${text}"`, {
    hint: `write ${formatReference({ ...reference, tag: "latest" })} if that is meant`,
  });
}

/** What to ask the repository for: the digest if there is one, else the tag, which is `latest` by default. */
export function atOf({ digest, tag }: Reference): At {
  return digest ?? tag ?? "latest";
}

/** A registry alone, or one of its repositories. */
export type Place = { readonly registry: string } | { readonly reference: Reference };

/** The registry or repository that `text` names; a host without a path is a registry. @throws OciError REFERENCE_INVALID */
export function parsePlace(text: string): Place {
  const isHost = !text.slice(0, -1).includes("/");
  return isHost ? { registry: parseRegistry(text).registry } : { reference: parseRepository(text) };
}
