import type {
  BlobReader,
  CallOptions,
  ManifestReader,
  ReferrerLister,
  TagInventory,
  TagLister,
  TagPage,
} from "@drayage/oci";
import type { ManifestCache } from "./cache.ts";

/** What a repository must be able to do for its state to be found out; every `Repository` is. */
export interface InventorySource
  extends Pick<ManifestReader, "getManifest" | "headManifest">,
    Pick<BlobReader, "getBlob">,
    ReferrerLister,
    TagLister {
  readonly name: string;
  readonly inventory?: TagInventory | undefined;
  /** Pages of tags with what the registry tells of their manifests, as a client reads them. */
  readonly listTagPages?:
    | ((options: CallOptions & { readonly manifests?: boolean | undefined }) => AsyncIterable<TagPage>)
    | undefined;
  /** Whether the registry lists referrers itself, once that is known; if not, only tags lead to them. */
  readonly listsReferrers?: boolean | undefined;
}

/** What it takes to ask. */
export interface Asking extends CallOptions {
  readonly source: InventorySource;
  readonly cache: ManifestCache;
  readonly concurrency: number;
}
