import type { Digest } from "./digest.ts";
import type { Tag } from "./name.ts";
import type { CallOptions, DeleteResult } from "./repository.ts";

/**
 * Whether a tag can be removed without the manifest that it points to: always, unless it is the manifest's last tag
 * (which then takes the manifest along), or never.
 */
export type Untagging = "always" | "unless-last" | "never";

/**
 * Why a registry keeps what it was asked to delete, where asking again changes nothing.
 *
 * - `referenced`: something that is still there needs it, such as an index
 * - `tagged`: tags still point to it
 * - `last`: it is the last one, which cannot be deleted alone
 * - `popular`: it has been pulled too often
 * - `immutable`: it is immutable, locked or retained by a rule of the registry
 * - `denied`: whoever asks may not delete it
 * - `unsupported`: the registry deletes nothing of this kind
 */
export type RefusalReason =
  | "referenced"
  | "tagged"
  | "last"
  | "popular"
  | "immutable"
  | "denied"
  | "unsupported";

/** An answer of a registry that will not delete something; an outcome, and no error. */
export interface Refusal {
  readonly refused: RefusalReason;
  /** In the registry's own words. */
  readonly message?: string | undefined;
}

/**
 * Deletes tags and manifests of one repository by whatever API its registry has for that.
 *
 * A `Repository` does so by the protocol; packages for vendors' APIs implement it for theirs. What is not there is
 * `absent`, which is success. What the registry refuses for good is a {@link Refusal}; what may succeed later throws.
 */
export interface ContentDeleter {
  readonly untagging: Untagging;
  /**
   * Removes the tag if it points to `ifMatch`, and nothing else; never called where `untagging` is `never`.
   *
   * @throws OciError PRECONDITION_FAILED if the tag points elsewhere, UNAUTHORIZED, TOOMANYREQUESTS, UNAVAILABLE, …
   */
  deleteTag(tag: Tag, options: CallOptions & { readonly ifMatch: Digest }): Promise<DeleteResult | Refusal>;
  /**
   * Removes the manifest together with the tags that still point to it, all of which are to go.
   *
   * @throws OciError UNAUTHORIZED, TOOMANYREQUESTS, UNAVAILABLE, …
   */
  deleteManifest(digest: Digest, options?: CallOptions): Promise<DeleteResult | Refusal>;
}
