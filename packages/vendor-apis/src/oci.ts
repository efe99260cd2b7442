import type { CallOptions, ContentDeleter, Deleter, Untagging } from "@drayage/oci";
import { orRefusal, type Refusals } from "./refusal.ts";

/** How a registry deletes by the protocol. */
export interface OciDeleterOptions {
  /** Whether it removes tags; `always` by default, `never` where only digests are deleted. */
  readonly untagging?: Untagging | undefined;
  /** What its own names for errors mean, besides those of the specification. */
  readonly refusals?: Refusals | undefined;
}

/**
 * Deletes by the protocol, and tells what the registry refuses for good from what failed.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#content-management
 */
export function createOciDeleter(
  target: Pick<Deleter, "deleteManifest" | "deleteTag">,
  { untagging = "always", refusals }: OciDeleterOptions = {},
): ContentDeleter {
  return {
    untagging,
    deleteTag: (tag, options) => orRefusal(() => target.deleteTag(tag, options), refusals),
    deleteManifest: (digest, options: CallOptions = {}) =>
      orRefusal(() => target.deleteManifest(digest, options), refusals),
  };
}
