import { randomUUID } from "node:crypto";
import {
  bytesOf,
  createManifestDocument,
  digestOf,
  isOciError,
  mediaType,
  OciError,
  type CallOptions,
  type DeleteResult,
  type Digest,
  type ManifestDocument,
  type Tag,
} from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import { deleteManifest, findManifest, headManifest, moved, putManifest } from "./manifests.ts";
import { putBlob } from "./upload/put-blob.ts";

/**
 * Deletes a tag by deleting the manifest that it points to, once that is one which nobody needs.
 *
 * @throws OciError UNSUPPORTED where more is deleted by that than the tag, or less; PRECONDITION_FAILED
 */
export async function deleteTagByThrowaway(
  endpoint: Endpoint,
  tag: Tag,
  { ifMatch, signal }: CallOptions & { readonly ifMatch?: Digest | undefined },
): Promise<DeleteResult> {
  const document = await findManifest(endpoint, tag, { signal });
  if (document === undefined) return "absent";
  const { digest } = document.descriptor;
  if (ifMatch !== undefined && digest !== ifMatch) throw moved(tag);
  const { learned } = endpoint.host;
  await learned.inTurn("throwaway", async () => {
    if (learned.throwaway === undefined) await rehearse(endpoint, { signal });
  });
  if (learned.throwaway === false) throw unsupported(endpoint);
  await replaceAndDelete(endpoint, tag, { document, signal });
  return "deleted";
}

/**
 * Finds out, with manifests and tags of our own, what a delete takes with it; they are gone afterwards.
 *
 * @throws OciError UNSUPPORTED if they cannot be got rid of
 */
async function rehearse(endpoint: Endpoint, options: CallOptions): Promise<void> {
  const { learned, quirks } = endpoint.host;
  // It deletes none to which a tag points, or says of each that it is not there.
  if (quirks.deleteManifest === "untagged" || quirks.deleteManifest === 404) throw unsupported(endpoint);
  const stage: Stage = {
    moving: `drayage-rehearsal-${randomUUID()}`,
    staying: `drayage-rehearsal-${randomUUID()}`,
    kept: createThrowaway(),
    thrown: createThrowaway(),
  };
  await deleteManifest(endpoint, stage.thrown.descriptor.digest, options); // a registry that never deletes says so
  await putConfig(endpoint, options);
  try {
    learned.throwaway = await deletesNoMore(endpoint, stage, options);
  } finally {
    await clear(endpoint, stage);
  }
}

interface Stage {
  /** Points to `kept` first, then to `thrown`. */
  readonly moving: Tag;
  /** Points to `kept`. */
  readonly staying: Tag;
  readonly kept: ManifestDocument;
  readonly thrown: ManifestDocument;
}

async function deletesNoMore(
  endpoint: Endpoint,
  { moving, staying, kept, thrown }: Stage,
  { signal }: CallOptions,
): Promise<boolean> {
  await putManifest(endpoint, kept, { tags: [moving, staying], signal });
  await putManifest(endpoint, thrown, { tags: [moving], signal });
  await deleteManifest(endpoint, thrown.descriptor.digest, { signal });
  const isGone = (await headManifest(endpoint, moving, { signal })) === undefined;
  return isGone && (await isAt(endpoint, staying, { document: kept, signal }));
}

/** Removes what the rehearsal has made, even if its caller has left. */
async function clear(endpoint: Endpoint, { moving, staying, kept, thrown }: Stage): Promise<void> {
  for (const { descriptor } of [thrown, kept]) {
    try {
      await deleteManifest(endpoint, descriptor.digest);
    } catch (error) {
      if (!isOciError(error)) throw error;
    }
  }
  const found = await Promise.all([moving, staying].map((tag) => headManifest(endpoint, tag)));
  const left = [moving, staying].filter((_tag, index) => found[index] !== undefined);
  if (left.length === 0) return;
  endpoint.host.learned.throwaway = false;
  const message = `${endpoint.host.name} does not let go of what a tag points to: ${left.join(", ")} stay behind`;
  throw new OciError("UNSUPPORTED", message, { detail: { tags: left } });
}

async function replaceAndDelete(
  endpoint: Endpoint,
  tag: Tag,
  { document, signal }: CallOptions & { readonly document: ManifestDocument },
): Promise<void> {
  const thrown = createThrowaway();
  await putConfig(endpoint, { signal });
  try {
    // Not to be aborted: until it is answered, nobody knows where the tag is.
    await putManifest(endpoint, thrown, { tags: [tag], ifMatch: document.descriptor.digest });
    await deleteManifest(endpoint, thrown.descriptor.digest, { signal });
    const found = await headManifest(endpoint, tag, { signal });
    const isKept = await isAt(endpoint, document.descriptor.digest, { document, signal });
    if (found?.digest === thrown.descriptor.digest || !isKept) throw unsupported(endpoint);
  } catch (error) {
    await putBack(endpoint, tag, { document, thrown });
    throw error;
  }
}

/** Undoes it, even if the caller has left: the tag must not stay where it is, but where others have moved it. */
async function putBack(
  endpoint: Endpoint,
  tag: Tag,
  { document, thrown }: { readonly document: ManifestDocument; readonly thrown: ManifestDocument },
): Promise<void> {
  const found = await headManifest(endpoint, tag);
  const isOurs = found === undefined || found.digest === thrown.descriptor.digest;
  if (isOurs) await putManifest(endpoint, document, { tags: [tag] });
}

async function isAt(
  endpoint: Endpoint,
  at: Tag | Digest,
  { document, signal }: CallOptions & { readonly document: ManifestDocument },
): Promise<boolean> {
  return (await headManifest(endpoint, at, { signal }))?.digest === document.descriptor.digest;
}

const config = new TextEncoder().encode("{}");
const configDescriptor = { digest: digestOf(config), size: config.byteLength };

async function putConfig(endpoint: Endpoint, options: CallOptions): Promise<void> {
  const open = async (offset: number) => bytesOf(config.subarray(offset));
  await putBlob(endpoint, { mediaType: mediaType.ociEmpty, ...configDescriptor }, open, options);
}

/** A manifest like no other, of the kind that every registry takes. */
function createThrowaway(): ManifestDocument {
  return createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: { mediaType: mediaType.ociConfig, ...configDescriptor },
    layers: [{ mediaType: mediaType.ociEmpty, ...configDescriptor }],
    annotations: { "org.opencontainers.image.description": `to delete a tag with, ${randomUUID()}` },
  });
}

function unsupported({ host }: Endpoint): OciError {
  return new OciError("UNSUPPORTED", `${host.name} does not delete a tag together with its manifest alone`);
}
