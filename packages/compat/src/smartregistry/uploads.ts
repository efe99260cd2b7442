import {
  formatRoute,
  formatUploadRange,
  isOciError,
  parseChunkRange,
  parseDigest,
  type Digest,
  type Repository,
  type UploadSession,
} from "@drayage/oci";
import { failureOf } from "@drayage/registry";
import { bytesOfContent, type Content } from "./content.ts";
import type { Deleted, Failure, Stored, Upload } from "./results.ts";
import { formatUploadId } from "./upload-id.ts";

export async function beginUpload(repository: Repository): Promise<Upload> {
  return uploadOf(repository, await repository.openUpload());
}

/** Takes a blob over from another repository; `undefined` if that has none of it. */
export async function mount(
  repository: Repository,
  { digest, from }: { readonly digest: Digest; readonly from: string },
): Promise<Stored | undefined> {
  try {
    const mounted = await repository.mountBlob(digest, { from });
    return mounted && storedAs(repository, mounted.digest);
  } catch (error) {
    if (isOciError(error, "BLOB_UNKNOWN", "NAME_UNKNOWN", "NAME_INVALID")) return undefined;
    throw error;
  }
}

export interface Chunk {
  readonly id: string;
  readonly data: Content;
  /** As the header `Content-Range` has it; without one it belongs behind what is there. */
  readonly contentRange: string | undefined;
}

export async function appendChunk(
  repository: Repository,
  { id, data, contentRange = "" }: Chunk,
): Promise<Upload | Failure> {
  const at = contentRange === "" ? undefined : parseChunkRange(contentRange).start;
  const session = await repository.openUpload({ id });
  return orOutOfOrder(repository, session, async () => {
    await session.append(bytesOfContent(data), { at });
    return uploadOf(repository, session);
  });
}

export async function finishUpload(
  repository: Repository,
  {
    id,
    digest: text,
    data,
  }: { readonly id: string; readonly digest: string; readonly data: Content | undefined },
): Promise<Stored | Failure> {
  const digest = parseDigest(text);
  const session = await repository.openUpload({ id, digest });
  return orOutOfOrder(repository, session, async () => {
    if (data !== undefined) await session.append(bytesOfContent(data));
    await session.commit(digest);
    return storedAs(repository, digest);
  });
}

export async function statusOf(repository: Repository, id: string): Promise<Upload> {
  return uploadOf(repository, await repository.openUpload({ id }));
}

export async function cancel(repository: Repository, id: string): Promise<Deleted> {
  const session = await repository.openUpload({ id });
  await session.cancel();
  return { deleted: true };
}

/** What `work` resolves to; if its bytes belong elsewhere, where the upload is. */
async function orOutOfOrder<Result>(
  repository: Repository,
  session: UploadSession,
  work: () => Promise<Result>,
): Promise<Result | Failure> {
  try {
    return await work();
  } catch (error) {
    if (!isOciError(error, "RANGE_INVALID")) throw error;
    await session.status();
    const { location, range } = uploadOf(repository, session);
    return { ...failureOf(error), headers: { location, range } };
  }
}

function uploadOf({ name }: Repository, { id, offset }: UploadSession): Upload {
  const uploadId = formatUploadId({ repository: name, id });
  const location = formatRoute({ kind: "upload", name, id: uploadId });
  return { uploadId, location, offset, range: formatUploadRange(offset) };
}

function storedAs({ name }: Repository, digest: Digest): Stored {
  return { digest, location: formatRoute({ kind: "blob", name, digest }) };
}
