import { Readable } from "node:stream";
import { OciError, parseDigest, type BlobContent, type Repository } from "@drayage/oci";
import { bufferOf, rangeOf, type RangeLike } from "./content.ts";
import type { BlobInfo, BlobPart, Deleted } from "./results.ts";

export interface WantedBlob {
  readonly digest: string;
  readonly range: RangeLike | undefined;
}

export async function getBlob(
  repository: Repository,
  { limit, ...wanted }: WantedBlob & { readonly limit: number },
): Promise<BlobPart & { readonly data: Buffer }> {
  const content = await open(repository, wanted);
  return { data: await bufferOf(content.body, { limit }), ...partOf(content) };
}

export async function getBlobStream(
  repository: Repository,
  wanted: WantedBlob,
): Promise<BlobPart & { readonly stream: Readable }> {
  const content = await open(repository, wanted);
  return { stream: Readable.from(content.body, { objectMode: false }), ...partOf(content) };
}

export async function headBlob(repository: Repository, digest: string): Promise<BlobInfo> {
  const found = await repository.headBlob(parseDigest(digest));
  if (found === undefined) throw blobUnknown();
  return { digest: found.digest, size: found.size };
}

export async function deleteBlob(repository: Repository, digest: string): Promise<Deleted> {
  const result = await repository.deleteBlob(parseDigest(digest));
  if (result === "absent") throw blobUnknown();
  return { deleted: true };
}

function open(repository: Repository, { digest, range }: WantedBlob): Promise<BlobContent> {
  return repository.getBlob(parseDigest(digest), { range: rangeOf(range) });
}

function partOf({ descriptor: { digest, size }, range }: BlobContent): BlobPart {
  return range === undefined ? { digest, size } : { digest, size, range };
}

function blobUnknown(): OciError {
  return new OciError("BLOB_UNKNOWN", "there is no such blob in this repository");
}
