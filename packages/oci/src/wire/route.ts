import { parseDigest } from "../digest.ts";
import { OciError } from "../errors.ts";
import { parseAt, parseRepositoryName, parseTag } from "../name.ts";
import { parseDigits } from "./digits.ts";
import { isVisibleAscii } from "./scan.ts";

/**
 * What a request under `/v2/` is about.
 *
 * `name`, `reference`, `digest`, `mount`, `from`, `last`, `tags` and `digestAlgorithm` are the text as it was
 * sent: whoever serves the request parses them, because a wrong one is answered 400 or 404 depending on the
 * method. `n` is `NaN` where it was sent but is no whole number, and `Infinity` where it is beyond 2^53-1.
 */
export type Route =
  | { readonly kind: "base" }
  | ({ readonly kind: "catalog" } & PageQuery)
  | TagsRoute
  | ManifestRoute
  | { readonly kind: "blob"; readonly name: string; readonly digest: string }
  | UploadsRoute
  | UploadRoute
  | ReferrersRoute;

/** Which part of a listing is asked for. */
export interface PageQuery {
  /** At most this many entries. */
  readonly n?: number | undefined;
  /** Only what sorts after this entry. */
  readonly last?: string | undefined;
}

/** The tags of a repository. */
export interface TagsRoute extends PageQuery {
  readonly kind: "tags";
  readonly name: string;
  /** Whether the manifests are asked for too, which is an extension of ours. */
  readonly manifests?: boolean | undefined;
}

/** One manifest, by tag or digest. */
export interface ManifestRoute {
  readonly kind: "manifest";
  readonly name: string;
  readonly reference: string;
  /** Tags to set with a manifest that is put by digest. */
  readonly tags?: readonly string[] | undefined;
}

/** The place where uploads start; the query asks for a mount or a single-request upload. */
export interface UploadsRoute {
  readonly kind: "uploads";
  readonly name: string;
  readonly mount?: string | undefined;
  readonly from?: string | undefined;
  readonly digest?: string | undefined;
  readonly digestAlgorithm?: string | undefined;
}

/** One upload session. */
export interface UploadRoute {
  readonly kind: "upload";
  readonly name: string;
  readonly id: string;
  /** With it, a PUT closes the session. */
  readonly digest?: string | undefined;
  /** What else the query held, still encoded. */
  readonly query?: string | undefined;
}

/** The manifests whose subject is `digest`, of any of the given types. */
export interface ReferrersRoute {
  readonly kind: "referrers";
  readonly name: string;
  readonly digest: string;
  readonly artifactTypes?: readonly string[] | undefined;
  /** Only what sorts after this digest. */
  readonly last?: string | undefined;
}

/**
 * The route that a raw request target (path and query) names; `undefined` where there is nothing, which is a 404.
 *
 * The path is matched from its right end and never cleaned or decoded, so that repositories may be called
 * `a/blobs/b` and nothing can climb out of them; only a digest may spell its colon `%3A`.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
 * @example parseRoute("/v2/library/nginx/tags/list?n=10") // { kind: "tags", name: "library/nginx", n: 10 }
 */
export function parseRoute(target: string): Route | undefined {
  const queryStart = target.indexOf("?");
  const path = queryStart < 0 ? target : target.slice(0, queryStart);
  const query = queryStart < 0 ? "" : target.slice(queryStart + 1);

  if (path === "/v2" || path === "/v2/") return { kind: "base" };
  if (!path.startsWith("/v2/")) return undefined;
  if (path === "/v2/_catalog") return { kind: "catalog", ...parsePageQuery(query) };

  const segments = path.slice("/v2/".length).split("/");
  if (segments.at(-1) === "" && segments.at(-2) === "uploads") segments.pop();
  const last = decodeColon(segments.pop() ?? "");
  if (isUnclean(last) || segments.some(isUnclean)) return undefined;
  return parseUploads(segments, last, query) ?? parseNamed(segments, last, query);
}

function parseUploads(segments: readonly string[], last: string, query: string): Route | undefined {
  const name = last === "uploads" ? nameBefore(segments, "blobs") : undefined;
  if (name === undefined) return undefined;
  const parameters = new URLSearchParams(query);
  return {
    kind: "uploads",
    name,
    mount: parameters.get("mount") ?? undefined,
    from: parameters.get("from") ?? undefined,
    digest: parameters.get("digest") ?? undefined,
    digestAlgorithm: parameters.get("digest-algorithm") ?? undefined,
  };
}

/** Everything else below a repository: what it is stands before the last segment. */
function parseNamed(segments: readonly string[], last: string, query: string): Route | undefined {
  const uploads = nameBefore(segments, "blobs", "uploads");
  if (uploads !== undefined) return parseUpload(uploads, last, query);
  const manifests = nameBefore(segments, "manifests");
  if (manifests !== undefined) return parseManifest(manifests, last, query);
  const blobs = nameBefore(segments, "blobs");
  if (blobs !== undefined) return { kind: "blob", name: blobs, digest: last };
  const referrers = nameBefore(segments, "referrers");
  if (referrers !== undefined) return parseReferrers(referrers, last, query);
  const tags = nameBefore(segments, "tags");
  if (tags !== undefined && last === "list") return parseTags(tags, query);
  return undefined;
}

function parseUpload(name: string, id: string, query: string): Route {
  const rest = query
    .split("&")
    .filter((pair) => pair !== "" && pair !== "digest" && !pair.startsWith("digest="));
  return {
    kind: "upload",
    name,
    id,
    digest: new URLSearchParams(query).get("digest") ?? undefined,
    query: rest.length === 0 ? undefined : rest.join("&"),
  };
}

function parseTags(name: string, query: string): Route {
  const wantsManifests = new URLSearchParams(query).get("manifests") === "true";
  return { kind: "tags", name, ...parsePageQuery(query), ...(wantsManifests ? { manifests: true } : {}) };
}

function parseManifest(name: string, reference: string, query: string): Route {
  const tags = new URLSearchParams(query).getAll("tag");
  return { kind: "manifest", name, reference, tags: tags.length === 0 ? undefined : tags };
}

function parseReferrers(name: string, digest: string, query: string): Route {
  const parameters = new URLSearchParams(query);
  // Media types contain "+", which many clients send as it is; they never contain a space.
  const types = parameters.getAll("artifactType").map((type) => type.replaceAll(" ", "+"));
  const last = parameters.get("last") ?? undefined;
  return { kind: "referrers", name, digest, artifactTypes: types.length === 0 ? undefined : types, last };
}

function parsePageQuery(query: string): PageQuery {
  const parameters = new URLSearchParams(query);
  const n = parameters.get("n");
  return {
    n: n === null ? undefined : (parseDigits(n) ?? NaN),
    last: parameters.get("last") ?? undefined,
  };
}

/** The repository that is left when `segments` end in `keywords`; `undefined` if they do not, or nothing is. */
function nameBefore(segments: readonly string[], ...keywords: readonly string[]): string | undefined {
  const length = segments.length - keywords.length;
  if (length < 1 || keywords.some((keyword, index) => segments[length + index] !== keyword)) return undefined;
  return segments.slice(0, length).join("/");
}

/** Segments that proxies and URL parsers may understand differently: nothing of ours is called so. */
function isUnclean(segment: string): boolean {
  return segment === "" || segment === "." || segment === ".." || segment.includes("%");
}

function decodeColon(segment: string): string {
  return segment.replace(/%3a/i, ":");
}

/**
 * The path and query of a route; the only place that builds a path under `/v2/`.
 *
 * @throws OciError NAME_INVALID, TAG_INVALID, DIGEST_INVALID, OPTION_INVALID
 * @example formatRoute({ kind: "manifest", name: "library/nginx", reference: "latest" }) // "/v2/library/nginx/manifests/latest"
 */
export function formatRoute(route: Route): string {
  switch (route.kind) {
    case "base":
      return "/v2/";
    case "catalog":
      return `/v2/_catalog${formatPageQuery(route)}`;
    case "tags":
      return formatTags(route);
    case "manifest":
      return formatManifest(route);
    case "blob":
      return `${formatName(route.name)}/blobs/${parseDigest(route.digest)}`;
    case "uploads":
      return formatUploads(route);
    case "upload":
      return formatUpload(route);
    case "referrers":
      return formatReferrers(route);
  }
}

function formatName(name: string): string {
  return `/v2/${parseRepositoryName(name)}`;
}

function formatTags(route: TagsRoute): string {
  const query = formatPageQuery(route);
  const extension = route.manifests === true ? `${query === "" ? "?" : "&"}manifests=true` : "";
  return `${formatName(route.name)}/tags/list${query}${extension}`;
}

function formatManifest(route: ManifestRoute): string {
  const tags = (route.tags ?? []).map((tag): Parameter => ["tag", parseTag(tag)]);
  return `${formatName(route.name)}/manifests/${parseAt(route.reference)}${formatQuery(tags)}`;
}

function formatUploads(route: UploadsRoute): string {
  const { mount, from, digest, digestAlgorithm } = route;
  const query = formatQuery([
    ["mount", mount === undefined ? undefined : parseDigest(mount)],
    ["from", from === undefined ? undefined : parseRepositoryName(from)],
    ["digest", digest === undefined ? undefined : parseDigest(digest)],
    ["digest-algorithm", digestAlgorithm],
  ]);
  return `${formatName(route.name)}/blobs/uploads/${query}`;
}

function formatUpload(route: UploadRoute): string {
  const { id, query, digest } = route;
  if (!/^[A-Za-z0-9._~=-]+$/.test(id) || isUnclean(id))
    throw new OciError("OPTION_INVALID", `not an upload id: "${id}"`);
  if (query !== undefined && !/^[A-Za-z0-9._~=&%:/+-]*$/.test(query))
    throw new OciError("OPTION_INVALID", "not a query that an upload can carry");
  const closing = formatQuery([["digest", digest === undefined ? undefined : parseDigest(digest)]]);
  const parts = [query ?? "", closing.slice(1)].filter((part) => part !== "");
  const path = `${formatName(route.name)}/blobs/uploads/${id}`;
  return parts.length === 0 ? path : `${path}?${parts.join("&")}`;
}

function formatReferrers(route: ReferrersRoute): string {
  const types = (route.artifactTypes ?? []).map(
    (type): Parameter => ["artifactType", parseArtifactType(type)],
  );
  const query = formatQuery([...types, ["last", route.last]]);
  return `${formatName(route.name)}/referrers/${parseDigest(route.digest)}${query}`;
}

function parseArtifactType(text: string): string {
  if (isVisibleAscii(text)) return text;
  throw new OciError("OPTION_INVALID", `not an artifact type: "${text.slice(0, 200)}"`);
}

function formatPageQuery({ n, last }: PageQuery): string {
  if (n !== undefined && (!Number.isSafeInteger(n) || n < 0))
    throw new OciError("OPTION_INVALID", `not a number of entries: ${n}`);
  return formatQuery([
    ["n", n === undefined ? undefined : String(n)],
    ["last", last],
  ]);
}

type Parameter = readonly [name: string, value: string | undefined];

function formatQuery(parameters: readonly Parameter[]): string {
  const pairs = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value.toWellFormed())}`],
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
