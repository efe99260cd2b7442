import type { StorageDriver } from "@drayage/oci";
import { collectingKey } from "./keys.ts";

/**
 * Whether garbage may be collected just now.
 *
 * Who begins to need content that is stored already says so first, then asks this, and touches the content if it
 * is so. A collector gives notice first, then looks what is needed, and removes only what nobody has touched since.
 * Whichever of both comes first is seen by the other.
 */
export async function isCollecting({ documents }: StorageDriver): Promise<boolean> {
  return (await documents.head(collectingKey)) !== undefined;
}
