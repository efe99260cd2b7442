import { blobDeviations } from "./blobs.ts";
import { deleteDeviations } from "./deletes.ts";
import { combined, type Deviation } from "./deviation.ts";
import { listDeviations } from "./lists.ts";
import { manifestDeviations } from "./manifests.ts";
import { mountDeviations } from "./mounts.ts";
import { referrerDeviations } from "./referrers.ts";
import { tokenDeviations } from "./tokens.ts";
import { uploadDeviations } from "./uploads.ts";

/** How a registry differs by its quirks; one for each registry, because it remembers the uploads. */
export function createDeviations(): Required<Deviation> {
  return combined([
    ...tokenDeviations,
    ...mountDeviations,
    ...uploadDeviations(),
    ...blobDeviations,
    ...manifestDeviations,
    ...deleteDeviations,
    ...listDeviations,
    ...referrerDeviations,
  ]);
}
