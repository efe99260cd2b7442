import {
  digestOf,
  formatRoute,
  isDigest,
  mediaType,
  OciError,
  parseAt,
  parseContentType,
  parseDigest,
  parseManifest,
  type Descriptor,
  type Repository,
} from "@drayage/oci";
import { bufferOf, bytesOfContent, type Content } from "./content.ts";
import type { Deleted, ManifestContent, ManifestInfo, ReferrerList, Stored, TagList } from "./results.ts";

/** In bytes, as over HTTP. */
const manifestLimit = 4 * 1024 * 1024;
/** Of a list, unless fewer are asked for. */
const mostEntries = 10_000;

export async function getManifest(repository: Repository, reference: string): Promise<ManifestContent> {
  const { descriptor, bytes } = await repository.getManifest(parseAt(reference));
  return { data: Buffer.from(bytes), contentType: descriptor.mediaType, digest: descriptor.digest };
}

export async function headManifest(repository: Repository, reference: string): Promise<ManifestInfo> {
  const found = await repository.headManifest(parseAt(reference));
  if (found === undefined) throw new OciError("MANIFEST_UNKNOWN", "there is no such manifest");
  return { contentType: found.mediaType, digest: found.digest, size: found.size };
}

export interface PushedManifest {
  readonly reference: string;
  readonly content: Content;
  readonly contentType: string;
}

export async function putManifest(
  repository: Repository,
  { reference, content, contentType }: PushedManifest,
): Promise<Stored> {
  const at = parseAt(reference);
  const bytes = await bufferOf(bytesOfContent(content), { limit: manifestLimit });
  const manifest = parseManifest(bytes, parseContentType(contentType));
  const digest = isDigest(at) ? at : digestOf(bytes);
  const descriptor = { mediaType: manifest.mediaType, digest, size: bytes.byteLength };
  await repository.putManifest({ descriptor, bytes }, { tags: isDigest(at) ? [] : [at] });
  return { digest, location: formatRoute({ kind: "manifest", name: repository.name, reference: digest }) };
}

export async function deleteManifest(repository: Repository, digest: string): Promise<Deleted> {
  const result = await repository.deleteManifest(parseDigest(digest));
  if (result === "absent") throw new OciError("MANIFEST_UNKNOWN", "there is no such manifest");
  return { deleted: true };
}

export async function deleteTag(repository: Repository, tag: string): Promise<Deleted> {
  const result = await repository.deleteTag(tag);
  if (result === "absent") throw new OciError("MANIFEST_UNKNOWN", "there is no such tag");
  return { deleted: true };
}

/** Part of a list: so many entries, behind one of them. */
export interface Pagination {
  readonly n?: number | undefined;
  readonly last?: string | undefined;
}

export async function listTags(
  repository: Repository,
  { n = mostEntries, last }: Pagination = {},
): Promise<TagList> {
  const size = Math.min(n, mostEntries);
  const { name } = repository;
  const tags: string[] = [];
  for await (const tag of repository.listTags({ after: last, pageSize: size + 1 })) {
    if (tags.length >= size) return { name, tags, next: tags.at(-1) };
    tags.push(tag);
  }
  return { name, tags };
}

export async function getReferrers(
  repository: Repository,
  digest: string,
  artifactType?: string,
): Promise<ReferrerList> {
  const manifests: Descriptor[] = [];
  for await (const referrer of repository.listReferrers(parseDigest(digest), { artifactType })) {
    if (manifests.length === mostEntries) {
      throw new OciError("LIMIT_EXCEEDED", `more than ${mostEntries} referrers`);
    }
    manifests.push(referrer);
  }
  return { schemaVersion: 2, mediaType: mediaType.ociIndex, manifests };
}
