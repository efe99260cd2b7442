import {
  mapConcurrent,
  observed,
  atSide,
  type CallOptions,
  type Descriptor,
  type OpenBlob,
  type Source,
  type Target,
} from "@drayage/oci";
import type { CopyEvent } from "./progress.ts";
import { onSide } from "./side.ts";

/** The two ends of a copy, and how to work between them. */
export interface Ends {
  readonly source: Source;
  readonly target: Target;
  readonly concurrency: number;
  readonly mountFrom?: string | undefined;
  readonly report: (event: CopyEvent) => void;
}

export interface TransferOptions extends CallOptions {
  /** Sends the blobs though the target may say that it has them. */
  readonly force?: boolean | undefined;
}

/** Makes the target have all of `blobs`. @throws OciError BLOB_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH */
export async function transferBlobs(
  blobs: readonly Descriptor[],
  ends: Ends,
  { force, signal }: TransferOptions = {},
): Promise<void> {
  await mapConcurrent(blobs, ends.concurrency, (blob, call) => transferBlob(blob, ends, { ...call, force }), {
    signal,
  });
}

async function transferBlob(blob: Descriptor, ends: Ends, { force, signal }: TransferOptions): Promise<void> {
  const { target, mountFrom, report } = ends;
  report({ kind: "blob-started", blob });
  const open = openFrom(blob, ends);
  const result = await onSide("target", () => target.putBlob(blob, open, { mountFrom, force, signal }));
  report({ kind: "blob-done", blob, result });
}

/** Opens the blob at the source; called by the target, and only if it needs the bytes. */
function openFrom(blob: Descriptor, { source, report }: Ends): OpenBlob {
  return async (start, { signal } = {}) => {
    let offset = start;
    const range = start === 0 ? undefined : { start };
    const { body } = await onSide("source", () => source.getBlob(blob.digest, { range, signal }));
    return observed(body, {
      onChunk(length) {
        offset += length;
        report({ kind: "blob-bytes", blob, offset });
      },
      // The target reads this body; what goes wrong in it is still the source's.
      onError: (error) => atSide(error, "source"),
    });
  };
}
