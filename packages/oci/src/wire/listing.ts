import { isDigest, type Digest } from "../digest.ts";
import { OciError } from "../errors.ts";
import { ownValue, parseJson, parseObject, type JsonObject } from "../json.ts";
import { isRepositoryName, isTag, type Tag } from "../name.ts";
import { parseDigits } from "./digits.ts";

/** One page of the tags of a repository. */
export interface TagPage {
  /** The repository, as the server calls it. */
  readonly name?: string | undefined;
  readonly tags: readonly Tag[];
  /** How many entries were no tags: some registries list digests or `null` among them. */
  readonly skipped: number;
  /** The last parts of the names of repositories below this one, where the registry tells: Artifact Registry does. */
  readonly children?: readonly string[] | undefined;
  /** What Artifact Registry tells about every manifest besides. */
  readonly manifests?: readonly ListedManifest[] | undefined;
}

/** A manifest in a listing of Artifact Registry; times are milliseconds since 1970. */
export interface ListedManifest {
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  readonly mediaType?: string | undefined;
  /** Bytes of the whole image, its layers included. */
  readonly imageSize?: number | undefined;
  readonly uploaded?: number | undefined;
  readonly created?: number | undefined;
}

/** One page of the repositories of a registry. */
export interface CatalogPage {
  readonly repositories: readonly string[];
  /** How many entries were no repository names. */
  readonly skipped: number;
}

/**
 * A page of `tags/list`; no tags at all where they are missing or `null`.
 *
 * @throws OciError RESPONSE_INVALID
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 */
export function parseTagPage(body: Uint8Array): TagPage {
  const page = parsePage(body);
  const name = ownValue(page, "name");
  const children = ownValue(page, "child");
  const manifests = parseObject(ownValue(page, "manifest"));
  return {
    name: typeof name === "string" ? name : undefined,
    ...takeTags(parseEntries(page, "tags")),
    children: Array.isArray(children) ? children.filter(isName) : undefined,
    manifests: manifests && Object.entries(manifests).flatMap(parseListedManifest),
  };
}

/**
 * A page of `_catalog`.
 *
 * @throws OciError RESPONSE_INVALID
 * @see https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
export function parseCatalogPage(body: Uint8Array): CatalogPage {
  const entries = parseEntries(parsePage(body), "repositories");
  const repositories = entries.filter(isName);
  return { repositories, skipped: entries.length - repositories.length };
}

function parsePage(body: Uint8Array): JsonObject {
  const page = parseObject(parseJson(body, "RESPONSE_INVALID"));
  if (page === undefined) throw new OciError("RESPONSE_INVALID", "a list that is no JSON object");
  return page;
}

function parseEntries(page: JsonObject, key: string): readonly unknown[] {
  const entries = ownValue(page, key) ?? [];
  if (Array.isArray(entries)) return entries;
  throw new OciError("RESPONSE_INVALID", `a list whose "${key}" is no array`);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && isRepositoryName(value);
}

function isTagText(value: unknown): value is Tag {
  return typeof value === "string" && isTag(value);
}

function takeTags(entries: readonly unknown[]): { readonly tags: readonly Tag[]; readonly skipped: number } {
  const tags = entries.filter(isTagText);
  return { tags, skipped: entries.length - tags.length };
}

// https://cloud.google.com/artifact-registry/docs/docker: numbers are sent as text, and "0" where nothing is known.
function parseListedManifest([digest, value]: readonly [string, unknown]): readonly ListedManifest[] {
  const record = parseObject(value);
  if (!isDigest(digest) || record === undefined) return [];
  const tags = ownValue(record, "tag");
  const mediaType = ownValue(record, "mediaType");
  return [
    {
      digest,
      tags: takeTags(Array.isArray(tags) ? tags : []).tags,
      mediaType: typeof mediaType === "string" ? mediaType : undefined,
      imageSize: parsePositive(record, "imageSizeBytes"),
      uploaded: parsePositive(record, "timeUploadedMs"),
      created: parsePositive(record, "timeCreatedMs"),
    },
  ];
}

function parsePositive(record: JsonObject, key: string): number | undefined {
  const value = ownValue(record, key);
  const number = typeof value === "string" ? parseDigits(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** The body of a page of tags; with `manifests` it tells of them what Artifact Registry tells. */
export function formatTagPage({
  name,
  tags,
  manifests,
}: {
  readonly name: string;
  readonly tags: readonly Tag[];
  readonly manifests?: readonly ListedManifest[] | undefined;
}): string {
  const manifest = manifests && Object.fromEntries(manifests.map((each) => [each.digest, listedJson(each)]));
  return JSON.stringify({ name, tags, manifest });
}

function listedJson({ tags, mediaType, imageSize, uploaded, created }: ListedManifest): JsonObject {
  return {
    imageSizeBytes: imageSize?.toString(),
    mediaType,
    tag: tags,
    timeCreatedMs: created?.toString(),
    timeUploadedMs: uploaded?.toString(),
  };
}

/** The body of a page of repositories. */
export function formatCatalogPage({ repositories }: { readonly repositories: readonly string[] }): string {
  return JSON.stringify({ repositories });
}
