import {
  includesEntityTag,
  OciError,
  parseEntityTags,
  type Digest,
  type Repository,
  type Tag,
} from "@drayage/oci";
import type { Call } from "./exchange.ts";

/** On what state of its tags a change depends, as repositories take it. */
export interface TagCondition {
  readonly ifMatch?: Digest | undefined;
  readonly ifNoneMatch?: "*" | undefined;
}

/**
 * What `If-Match` and `If-None-Match` ask of `tag` before a manifest is put.
 *
 * `If-Match` becomes the one digest that is there now, so that the repository can compare and set.
 *
 * @throws OciError PRECONDITION_FAILED, OPTION_INVALID
 */
export async function parsePutCondition(
  call: Call,
  repository: Repository,
  tag: Tag | undefined,
): Promise<TagCondition> {
  const noneOf = parseEntityTags(call.headers["if-none-match"]);
  if (noneOf !== undefined && noneOf !== "*") {
    throw new OciError("OPTION_INVALID", 'of If-None-Match only "*" is understood here');
  }
  return { ...(await parseDeleteCondition(call, repository, tag)), ifNoneMatch: noneOf };
}

/**
 * What `If-Match` asks of `tag` before it is removed or moved.
 *
 * @throws OciError PRECONDITION_FAILED
 */
export async function parseDeleteCondition(
  call: Call,
  repository: Repository,
  tag: Tag | undefined,
): Promise<{ readonly ifMatch?: Digest | undefined }> {
  const tags = parseEntityTags(call.headers["if-match"]);
  if (tags === undefined || tag === undefined) return {};
  const digest = (await repository.headManifest(tag))?.digest;
  if (digest !== undefined && includesEntityTag(tags, digest)) return { ifMatch: digest };
  throw new OciError("PRECONDITION_FAILED", `tag ${tag} is not where it was expected`);
}
