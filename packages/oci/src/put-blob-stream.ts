import type { Bytes } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";
import { createDigester, type DigestAlgorithm, type Digester } from "./digest.ts";
import { mediaType } from "./media-type.ts";
import type { BlobWriter, CallOptions, UploadSession } from "./repository.ts";

export interface PutBlobStreamOptions extends CallOptions {
  /** Of the digest; sha256 by default. */
  readonly algorithm?: DigestAlgorithm | undefined;
  /** For the descriptor; registries do not keep it. */
  readonly mediaType?: string | undefined;
}

/** How long an upload that has failed is tried to be given up, in milliseconds. */
const patience = 10_000;

/**
 * The descriptor of a blob that is stored while it comes into being: its size and digest are not known before its end.
 *
 * The bytes are read once and hashed on their way; no more of them is held than one chunk of the upload. What can be
 * opened again is better off with `putBlob`, which sends nothing that is there already.
 *
 * @throws OciError DENIED, UNSUPPORTED, and whatever `UploadSession.append` and `commit` throw; the upload is given up
 * @example const layer = await putBlobStream(repository, process.stdin, { mediaType: mediaType.ociLayer })
 */
export async function putBlobStream(
  target: Pick<BlobWriter, "openUpload">,
  bytes: Bytes,
  { algorithm = "sha256", mediaType: type = mediaType.octetStream, signal }: PutBlobStreamOptions = {},
): Promise<Descriptor> {
  const session = await target.openUpload({ algorithm, signal });
  try {
    const digester = createDigester(algorithm);
    await session.append(hashed(bytes, digester), { signal });
    const { digest, size } = await session.commit(digester.digest(), { signal });
    return { mediaType: type, digest, size };
  } catch (error) {
    await giveUp(session);
    throw error;
  }
}

async function* hashed(bytes: Bytes, digester: Digester): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    digester.update(chunk);
    yield chunk;
  }
}

async function giveUp(session: UploadSession): Promise<void> {
  try {
    await session.cancel({ signal: AbortSignal.timeout(patience) });
  } catch {
    // A registry drops what nobody goes on with.
  }
}
