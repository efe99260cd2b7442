/** What `If-Match` or `If-None-Match` names: entity tags without their quotes, or anything at all. */
export type EntityTags = "*" | readonly string[];

/**
 * The entity tags of a condition header; weak ones count like strong ones, since ours are digests.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1
 * @example parseEntityTags('"sha256:…", W/"other"') // ["sha256:…", "other"]
 */
export function parseEntityTags(header: string | undefined): EntityTags | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === "*") return "*";
  return header.split(",").map(unquote);
}

/** Whether the condition names content of that digest. */
export function includesEntityTag(tags: EntityTags | undefined, digest: string): boolean {
  return tags === "*" || tags?.includes(digest) === true;
}

/** An `ETag` header. */
export function formatEntityTag(digest: string): string {
  return `"${digest}"`;
}

function unquote(text: string): string {
  const tag = text.trim().replace(/^W\//, "");
  const isQuoted = tag.length > 1 && tag.startsWith('"') && tag.endsWith('"');
  return isQuoted ? tag.slice(1, -1) : tag;
}
