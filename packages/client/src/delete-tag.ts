import {
  isOciError,
  parseTag,
  type CallOptions,
  type DeleteResult,
  type Digest,
  type Tag,
} from "@drayage/oci";
import { deleteResult } from "./delete-result.ts";
import type { Endpoint } from "./endpoint.ts";
import { headManifest, moved } from "./manifests.ts";
import { conditionsOf, manifestRoute } from "./put-manifest.ts";
import { deleteTagByThrowaway } from "./throwaway.ts";

export interface DeleteTagOptions extends CallOptions {
  /** Removes the tag only if it points to this digest; else PRECONDITION_FAILED. */
  readonly ifMatch?: Digest | undefined;
  /**
   * Where the registry deletes manifests but no tags, points the tag to a manifest that is made for it, and deletes
   * that one. It is tried out first, on tags that are made for it, and left alone where more is deleted than the tag;
   * should it fail nevertheless, the tag is put back. It takes leave to pull, push and delete, and some ten requests.
   */
  readonly throwaway?: boolean | undefined;
}

/** See `RepositoryClient.deleteTag`. */
export async function deleteTag(
  endpoint: Endpoint,
  tag: Tag,
  { throwaway, ...options }: DeleteTagOptions = {},
): Promise<DeleteResult> {
  try {
    return await deleteByName(endpoint, parseTag(tag), options);
  } catch (error) {
    if (throwaway !== true || !isOciError(error, "UNSUPPORTED")) throw error;
    return deleteTagByThrowaway(endpoint, tag, options);
  }
}

async function deleteByName(
  endpoint: Endpoint,
  tag: Tag,
  { ifMatch, signal }: Omit<DeleteTagOptions, "throwaway">,
): Promise<DeleteResult> {
  if (ifMatch !== undefined) {
    const found = await headManifest(endpoint, tag, { signal });
    if (found === undefined) return "absent";
    if (found.digest !== ifMatch) throw moved(tag);
  }
  const { status } = await endpoint.tell({
    method: "DELETE",
    to: manifestRoute(endpoint, tag),
    subject: "manifest",
    // Older servers know digests only, and say that a tag is none.
    expect: [200, 202, 204, 400, 404, 405],
    actions: ["delete"],
    headers: conditionsOf({ ifMatch }),
    signal,
  });
  const { name: registry, quirks } = endpoint.host;
  return deleteResult(status, { registry, what: "tags", refusals: [400, 405, quirks.deleteTag] });
}
