import { isDigest, type Digest } from "./digest.ts";
import { OciError } from "./errors.ts";

/** A tag such as `v1.2`, at most 128 characters; checked by {@link parseTag} wherever it enters. */
export type Tag = string;

/** A manifest's name within its repository. */
export type At = Tag | Digest;

const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const componentPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const nameLimit = 255;

/** Whether `text` is a tag of the distribution-spec. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/**
 * The tag that `text` spells.
 *
 * @throws OciError TAG_INVALID
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new OciError("TAG_INVALID", `not a tag: "${text.slice(0, 200)}"`);
}

/**
 * The tag or digest that `text` spells.
 *
 * @throws OciError TAG_INVALID, or DIGEST_INVALID where there is a colon, which no tag has.
 */
export function parseAt(text: string): At {
  if (isDigest(text) || isTag(text)) return text;
  const code = text.includes(":") ? "DIGEST_INVALID" : "TAG_INVALID";
  throw new OciError(code, `neither a tag nor a digest: "${text.slice(0, 200)}"`);
}

/** Whether `text` is a repository name of the distribution-spec, at most 255 characters long. */
export function isRepositoryName(text: string): boolean {
  return text.length <= nameLimit && text.split("/").every((component) => componentPattern.test(component));
}

/**
 * `text`, once it is known to be a repository name.
 *
 * @throws OciError NAME_INVALID
 */
export function parseRepositoryName(text: string): string {
  if (isRepositoryName(text)) return text;
  throw new OciError("NAME_INVALID", `not a repository name: "${text.slice(0, 200)}"`);
}
