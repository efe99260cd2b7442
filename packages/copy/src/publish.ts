import {
  algorithmOf,
  documentOf,
  isOciError,
  mapConcurrent,
  OciError,
  type CallOptions,
  type ManifestDocument,
} from "@drayage/oci";
import { resend } from "./resend.ts";
import { onSide } from "./side.ts";
import type { Ends } from "./transfer.ts";
import type { PlannedManifest } from "./walk.ts";

export interface PublishOptions extends CallOptions {
  /** Takes the target's word when it lacks what was sent, instead of sending it once more. */
  readonly isLastTry?: boolean | undefined;
}

/**
 * Puts manifests stage by stage, so that what is published is whole at every moment.
 *
 * @throws OciError MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID, DIGEST_MISMATCH
 */
export async function publish(
  stages: readonly (readonly PlannedManifest[])[],
  ends: Ends,
  { isLastTry, signal }: PublishOptions = {},
): Promise<void> {
  for (const stage of stages) {
    await mapConcurrent(
      stage,
      stage.length,
      (manifest, call) => putManifest(manifest, ends, { ...call, isLastTry }),
      { signal },
    );
  }
}

async function putManifest(
  planned: PlannedManifest,
  ends: Ends,
  { isLastTry = false, signal }: PublishOptions,
): Promise<void> {
  const { tags = [] } = planned;
  const document = documentFrom(planned);
  const put = () =>
    ends.scheduler.run(
      document.descriptor.size,
      () => onSide("target", () => ends.target.putManifest(document, { tags, signal })),
      { signal },
    );
  try {
    await put();
  } catch (error) {
    // A registry that wrongly said it has something admits it here (such as an interrupted copy, oras-go#1212).
    if (isLastTry || !isOciError(error, "MANIFEST_BLOB_UNKNOWN")) throw error;
    const { stages } = await resend(document, error, ends, { signal });
    await publish(stages, ends, { isLastTry: true, signal });
    await put();
  }
  ends.report({ kind: "manifest-published", manifest: planned.descriptor, tags });
}

/** The manifest as it was planned; a plan may have been kept as a file, and changed there. */
function documentFrom({ descriptor, content }: PlannedManifest): ManifestDocument {
  const bytes = new TextEncoder().encode(content);
  const document = documentOf(bytes, descriptor.mediaType, { algorithm: algorithmOf(descriptor.digest) });
  if (document.descriptor.digest === descriptor.digest) return document;
  throw new OciError("DIGEST_MISMATCH", `the plan's manifest ${descriptor.digest} has been changed`);
}
