import {
  OciError,
  type ListedManifest,
  type StoredManifest,
  type TagPage,
  type CallOptions,
} from "@drayage/oci";
import { createOciDeleter } from "./oci.ts";
import type { Refusals } from "./refusal.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

/** What a repository of Artifact Registry must be able to do; one of a client can. */
export interface GarApiOptions extends Pick<VendorApiOptions, "registry"> {
  readonly repository: VendorApiOptions["repository"] & {
    listTagPages(options: CallOptions): AsyncIterable<TagPage>;
  };
}

// It enforces an order: tags, then what refers to a manifest, then the manifest. Referrers count as parents.
const refusals: Refusals = new Map([
  ["GOOGLE_MANIFEST_DANGLING_TAG", "tagged"],
  ["GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE", "referenced"],
  ["GOOGLE_MANIFEST_REFERRING_MANIFEST", "referenced"],
]);

/**
 * Artifact Registry and Container Registry: manifests with their times from the list of tags, which has more there than
 * the protocol asks for, and deletion by the protocol.
 *
 * @see https://cloud.google.com/artifact-registry/docs/docker/manage-images
 */
export function createGarApi({ registry, repository }: GarApiOptions): VendorApi {
  return {
    listing: {
      async *listStoredManifests({ signal } = {}) {
        for await (const { manifests } of repository.listTagPages({ signal })) {
          if (manifests === undefined) throw unextended(registry);
          yield* manifests.map(storedOf);
        }
      },
    },
    deleter: createOciDeleter(repository, { refusals }),
  };
}

function storedOf({ tags, uploaded, ...manifest }: ListedManifest): StoredManifest {
  return { ...manifest, pushed: uploaded, tags: tags.map((name) => ({ name })) };
}

function unextended(registry: string): OciError {
  return new OciError("RESPONSE_INVALID", `${registry} lists tags without their manifests`);
}
