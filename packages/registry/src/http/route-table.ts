import type { Route } from "@drayage/oci";
import { baseOperations } from "./base.ts";
import { blobOperations } from "./blobs.ts";
import { catalogOperations } from "./catalog.ts";
import type { Operations } from "./exchange.ts";
import { manifestOperations } from "./manifests.ts";
import { referrersOperations } from "./referrers.ts";
import { tagsOperations } from "./tags.ts";
import { uploadOperations, uploadsOperations } from "./uploads.ts";

/** What can be done at a route; one that is missing here does not compile. */
export function operationsOf(route: Route): Operations {
  switch (route.kind) {
    case "base":
      return baseOperations();
    case "catalog":
      return catalogOperations(route);
    case "tags":
      return tagsOperations(route);
    case "manifest":
      return manifestOperations(route);
    case "blob":
      return blobOperations(route);
    case "uploads":
      return uploadsOperations(route);
    case "upload":
      return uploadOperations(route);
    case "referrers":
      return referrersOperations(route);
  }
}
