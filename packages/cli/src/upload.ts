import {
  algorithmOf,
  createDigester,
  mediaType,
  OciError,
  type BlobWriter,
  type Bytes,
  type CallOptions,
  type Digest,
  type Digester,
  type PutBlobResult,
} from "@drayage/oci";
import { bytesOfInput, type Input } from "./input.ts";

/** What has become of content that was uploaded. */
export interface Uploaded {
  readonly digest: Digest;
  readonly size: number;
  readonly result: PutBlobResult;
}

interface UploadOptions extends CallOptions {
  /** What the content has to be; without it, it is what it is. */
  readonly expected?: Digest | undefined;
}

/**
 * Makes `input` a blob of `repository`. A file is not sent if the blob is there; a stream is sent as it comes, since
 * its digest is known at its end only.
 *
 * @throws OciError DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function uploadInput(
  repository: BlobWriter,
  input: Input,
  { expected, signal }: UploadOptions,
): Promise<Uploaded> {
  if (input.size === undefined) return uploadStream(repository, input.bytes, { expected, signal });
  const { size, open } = input;
  const digest = expected ?? (await digestOfBytes(bytesOfInput(input, { signal })));
  const descriptor = { mediaType: mediaType.octetStream, digest, size };
  const result = await repository.putBlob(descriptor, async (offset, call) => open(offset, call), { signal });
  return { digest, size, result };
}

async function uploadStream(
  repository: BlobWriter,
  bytes: Bytes,
  { expected, signal }: UploadOptions,
): Promise<Uploaded> {
  const algorithm = expected === undefined ? "sha256" : algorithmOf(expected);
  const digester = createDigester(algorithm);
  const session = await repository.openUpload({ algorithm, digest: expected, signal });
  try {
    const size = await session.append(digested(bytes, digester), { signal });
    const digest = digester.digest();
    if (expected !== undefined && digest !== expected) {
      throw new OciError("DIGEST_MISMATCH", `the content is ${digest}, not ${expected}`);
    }
    await session.commit(digest, { signal });
    return { digest, size, result: "uploaded" };
  } catch (error) {
    // A registry drops what nobody goes on with; this only saves it the waiting.
    if (signal?.aborted !== true) await session.cancel({ signal }).catch(() => undefined);
    throw error;
  }
}

async function digestOfBytes(bytes: Bytes): Promise<Digest> {
  const digester = createDigester("sha256");
  for await (const chunk of bytes) digester.update(chunk);
  return digester.digest();
}

async function* digested(bytes: Bytes, digester: Digester): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    digester.update(chunk);
    yield chunk;
  }
}
