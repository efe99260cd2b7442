import {
  atSide,
  bytesOf,
  mapConcurrent,
  observed,
  type Bytes,
  type CallOptions,
  type Descriptor,
  type OpenBlob,
  type PutBlobResult,
  type Source,
  type UploadMemory,
} from "@drayage/oci";
import { contentOf } from "./embedded.ts";
import type { CopyTarget } from "./options.ts";
import type { CopyEvent } from "./progress.ts";
import { inOrder, type Scheduler } from "./scheduler.ts";
import type { BlobShare } from "./share.ts";
import { onSide } from "./side.ts";

/** The two ends of a copy, and how to work between them. */
export interface Ends {
  readonly source: Source;
  readonly target: CopyTarget["repository"];
  readonly scheduler: Scheduler;
  readonly mountFrom?: string | undefined;
  readonly share?: BlobShare | undefined;
  readonly uploads?: UploadMemory | undefined;
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
  await mapConcurrent(
    inOrder(blobs),
    blobs.length,
    (blob, call) => transferBlob(blob, ends, { ...call, force }),
    { signal },
  );
}

async function transferBlob(blob: Descriptor, ends: Ends, { force, signal }: TransferOptions): Promise<void> {
  const { target, scheduler, share, uploads, report } = ends;
  const repository = target.name;
  const open = openFrom(blob, ends);
  const send = (mountFrom = ends.mountFrom): Promise<PutBlobResult> => {
    report({ kind: "blob-started", blob });
    return onSide("target", () => target.putBlob(blob, open, { mountFrom, force, uploads, signal }));
  };
  // Whoever waits for another copy to send the blob has no place meanwhile.
  const put = (mountFrom?: string) => scheduler.run(blob.size, () => send(mountFrom), { signal });
  const isShared = share !== undefined && repository !== undefined && force !== true;
  const result = await (isShared ? share.put(blob.digest, { repository, put, signal }) : put());
  report({ kind: "blob-done", blob, result });
}

/**
 * Opens the blob at the source; called by the target, and only if it needs the bytes.
 *
 * Also further on it is read from its start: only so can it be held against its digest before its last byte is sent.
 */
function openFrom(blob: Descriptor, { source, report }: Ends): OpenBlob {
  const embedded = contentOf(blob);
  return async (start, { signal } = {}) => {
    let offset = start;
    const body =
      embedded === undefined
        ? (await onSide("source", () => source.getBlob(blob.digest, { signal }))).body
        : bytesOf(embedded);
    return observed(start === 0 ? body : without(body, start), {
      onChunk(length) {
        offset += length;
        report({ kind: "blob-bytes", blob, offset, length });
      },
      // The target reads this body; what goes wrong in it is still the source's.
      onError: (error) => atSide(error, "source"),
    });
  };
}

/** `bytes` without the first `length` of them. */
async function* without(bytes: Bytes, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length;
  for await (const chunk of bytes) {
    if (chunk.byteLength > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
  }
}
