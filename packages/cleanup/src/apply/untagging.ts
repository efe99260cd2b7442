import { randomUUID } from "node:crypto";
import { isOciError, type CallOptions, type Deleter, type Untagging } from "@drayage/oci";

/**
 * Whether a repository's tags can be removed alone, or `undefined` if whoever asks may not delete there.
 *
 * It asks for the removal of a tag that is not there, by a name that nobody has: a registry that removes tags says that
 * it is absent, and one that does not says so (docker-registry 2.8 answers that a tag is no digest).
 *
 * @throws OciError CONNECTION_FAILED, TIMEOUT, UNAVAILABLE, …
 */
export async function findUntagging(
  target: Pick<Deleter, "deleteTag">,
  { signal }: CallOptions = {},
): Promise<Untagging | undefined> {
  try {
    await target.deleteTag(`drayage-probe-${randomUUID()}`, { signal });
    return "always";
  } catch (error) {
    if (isOciError(error, "UNSUPPORTED")) return "never";
    if (isOciError(error, "DENIED", "UNAUTHORIZED")) return undefined;
    throw error;
  }
}
