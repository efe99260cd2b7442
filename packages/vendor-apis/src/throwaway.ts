import { randomUUID } from "node:crypto";
import {
  bytesOf,
  createManifestDocument,
  digestOf,
  mediaType,
  OciError,
  type CallOptions,
  type ContentDeleter,
  type DeleteResult,
  type Digest,
  type ManifestDocument,
  type Refusal,
  type Tag,
} from "@drayage/oci";
import type { VendorRepository } from "./vendor-api.ts";

/** Where tags are removed by a manifest that is made for it. */
export interface ThrowawayOptions {
  readonly repository: VendorRepository;
  /** Deletes a manifest that was just pushed, which no tag but `tag` may point to; `absent` if it is not found. */
  readonly discard: (
    digest: Digest,
    options: CallOptions & { readonly tag: Tag | undefined },
  ) => Promise<DeleteResult | Refusal>;
}

/**
 * Removes one tag of several where a manifest goes with all its tags: points it to a manifest that nobody needs, and
 * deletes that one.
 *
 * Whether that is permitted is tried out first, once, with a manifest that no tag points to. Should it fail nevertheless,
 * the tag is put back.
 */
export function createThrowawayUntagging({
  repository,
  discard,
}: ThrowawayOptions): ContentDeleter["deleteTag"] {
  let rehearsal: Promise<DeleteResult | Refusal> | undefined;
  const rehearse = (): Promise<DeleteResult | Refusal> => {
    rehearsal ??= throwAway(undefined).catch((error: unknown) => {
      rehearsal = undefined;
      throw error;
    });
    return rehearsal;
  };
  const throwAway = async (
    tag: Tag | undefined,
    document: ManifestDocument = createThrowaway(),
  ): Promise<DeleteResult | Refusal> => {
    await putConfig(repository);
    // Not to be aborted: until it is answered, nobody knows where the tag is.
    await repository.putManifest(document, { tags: tag === undefined ? [] : [tag] });
    return shown(await discard(document.descriptor.digest, { tag }));
  };
  return async (tag, { ifMatch, signal }) => {
    const found = await repository.headManifest(tag, { signal });
    if (found === undefined) return "absent";
    if (found.digest !== ifMatch) throw moved(tag);
    const rehearsed = await rehearse();
    if (rehearsed !== "deleted") return rehearsed;
    const original = await repository.getManifest(ifMatch, { signal });
    const document = createThrowaway();
    let outcome: DeleteResult | Refusal | undefined;
    try {
      outcome = await throwAway(tag, document);
    } finally {
      if (outcome !== "deleted") await putBack(repository, tag, { original, thrown: document });
    }
    return outcome;
  };
}

/** Undoes it, but not where others have moved the tag to. */
async function putBack(
  repository: VendorRepository,
  tag: Tag,
  { original, thrown }: { readonly original: ManifestDocument; readonly thrown: ManifestDocument },
): Promise<void> {
  const found = await repository.headManifest(tag);
  const isOurs = found === undefined || found.digest === thrown.descriptor.digest;
  if (isOurs) await repository.putManifest(original, { tags: [tag] });
}

function shown(outcome: DeleteResult | Refusal): DeleteResult | Refusal {
  if (outcome !== "absent") return outcome;
  return {
    refused: "unsupported",
    message: "the registry does not list what was pushed to delete the tag with",
  };
}

const config = new TextEncoder().encode("{}");
const empty = { mediaType: mediaType.ociEmpty, digest: digestOf(config), size: config.byteLength };

async function putConfig(repository: Pick<VendorRepository, "putBlob">): Promise<void> {
  await repository.putBlob(empty, async (offset) => bytesOf(config.subarray(offset)));
}

/** A manifest like no other, of the kind that every registry takes. */
function createThrowaway(): ManifestDocument {
  return createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: { ...empty, mediaType: mediaType.ociConfig },
    layers: [empty],
    annotations: { "org.opencontainers.image.description": `to delete a tag with, ${randomUUID()}` },
  });
}

export function moved(tag: Tag): OciError {
  return new OciError("PRECONDITION_FAILED", `the tag ${tag} has been moved`);
}
