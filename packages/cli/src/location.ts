import { OciError, parseReference, parseRegistry, type At, type Reference } from "@drayage/oci";

/** Other places that content can be, by the word before the colon; none of them can be used yet. */
const schemes = ["oci", "oci-archive", "docker-archive", "docker", "http", "https"] as const;

/**
 * The place that `text` names: `registry/repository[:tag][@digest]`.
 *
 * @throws OciError REFERENCE_INVALID, NAME_INVALID, DIGEST_INVALID, OPTION_INVALID for a place of another kind
 */
export function parseLocation(text: string): Reference {
  const scheme = schemes.find((word) => text.startsWith(`${word}:`));
  if (scheme !== undefined) {
    throw new OciError("OPTION_INVALID", `"${scheme}:" cannot be used as a location`, {
      hint: "write registry/repository[:tag][@digest]",
    });
  }
  return parseReference(text);
}

/** What to ask the repository for: the digest if there is one, else the tag, which is `latest` by default. */
export function atOf({ digest, tag }: Reference): At {
  return digest ?? tag ?? "latest";
}

/** What `ls` lists: a registry alone, or one of its repositories. */
export type Place = { readonly registry: string } | { readonly reference: Reference };

/** The registry or repository that `text` names; a host without a path is a registry. @throws OciError REFERENCE_INVALID */
export function parsePlace(text: string): Place {
  return text.includes("/") ? { reference: parseLocation(text) } : { registry: parseRegistry(text).registry };
}
