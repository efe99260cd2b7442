import {
  OciError,
  ownValue,
  type CallOptions,
  type ContentDeleter,
  type DeleteResult,
  type Digest,
  type ManifestInventory,
  type Refusal,
  type RefusalReason,
  type StoredManifest,
  type Tag,
} from "@drayage/oci";
import { createApi, errorOf, jsonOf, type ApiAnswer, type Ask } from "./api.ts";
import { bearerProofOf, credentialFinder } from "./authorization.ts";
import { digestAt, invalid, parseRow, parseRows, tagsAt, textAt, timeAt } from "./field.ts";
import { hasNextLink, numberedPages } from "./page.ts";
import { createThrowawayUntagging, moved, type ThrowawayOptions } from "./throwaway.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

export interface GhcrApiOptions extends VendorApiOptions {
  /** The API of an enterprise server, such as `https://github.example.com/api/v3`, for its own registry. */
  readonly apiUrl?: string | undefined;
  /**
   * Removes one tag of several by pointing it to a manifest that is made for it, and deleting that one: GitHub has no
   * other way. It is tried out first, and takes leave to push.
   */
  readonly throwaway?: boolean | undefined;
}

/** A version of a package is a manifest with all its tags. */
interface Version {
  readonly id: number;
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  readonly created: number | undefined;
}

const gitHubApi = "https://api.github.com";

// A token that may read a package but not administer it is told that there is none.
const hint =
  "it takes a classic token with read:packages and delete:packages, or a workflow's with packages: write, and the role admin on the package";

/**
 * GitHub's container registry by its Packages API, which lists untagged manifests too and alone deletes them.
 *
 * @throws OciError OPTION_INVALID for an `apiUrl` that is not the registry's own; NAME_INVALID
 * @see https://docs.github.com/rest/packages/packages
 */
export function createGhcrApi(options: GhcrApiOptions): VendorApi {
  const { repository, throwaway = false } = options;
  const ask = createApi({
    ...options,
    base: baseOf(options),
    hint,
    headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" },
    authorize: authorizer(options),
  });
  const versions = createVersions(ask, repository.name);
  const listing: ManifestInventory = {
    async *listStoredManifests(call = {}) {
      for await (const version of versions.list(call)) yield storedOf(version);
    },
  };
  const deleter: ContentDeleter = {
    untagging: throwaway ? "always" : "never",
    deleteTag: throwaway
      ? createThrowawayUntagging({ repository, discard: versions.discard })
      : () => Promise.resolve({ refused: "unsupported", message: "a version goes with all its tags" }),
    deleteManifest: (digest, call = {}) => versions.delete(digest, call),
  };
  return { listing, deleter };
}

function authorizer(options: GhcrApiOptions) {
  const find = credentialFinder(options, ["pull", "delete"]);
  return async (call: CallOptions) => bearerProofOf(await find(call));
}

/** One server's token is for that server's API. */
function baseOf({ registry, apiUrl }: GhcrApiOptions): string {
  if (registry === "ghcr.io") {
    if (apiUrl === undefined || apiUrl === gitHubApi) return gitHubApi;
    throw new OciError("OPTION_INVALID", "`apiUrl` is of another server than ghcr.io");
  }
  if (apiUrl !== undefined && /^https:\/\/[^@\s?#]+[^@\s?#/]$/.test(apiUrl)) return apiUrl;
  throw new OciError("OPTION_INVALID", `\`apiUrl\` has to be the https:// URL of the API of ${registry}`);
}

interface Versions {
  list(options: CallOptions): AsyncIterable<Version>;
  /** Deletes the version with that digest, unless it has a tag that it had not when the versions were listed. */
  delete(digest: Digest, options: CallOptions): Promise<DeleteResult | Refusal>;
  readonly discard: ThrowawayOptions["discard"];
}

function createVersions(ask: Ask, repository: string): Versions {
  const [owner = "", ...rest] = repository.split("/");
  if (rest.length === 0) throw new OciError("NAME_INVALID", `not a package of anybody: ${repository}`);
  let place: Promise<string> | undefined;
  let known: ReadonlyMap<Digest, Version> | undefined;

  /** Packages of organizations and of users have different paths. */
  const placeOf = async (options: CallOptions): Promise<string> => {
    place ??= ownerPath(ask, owner, options).catch((error: unknown) => {
      place = undefined;
      throw error;
    });
    return `${await place}/packages/container/${encodeURIComponent(rest.join("/"))}/versions`;
  };
  const pages = async function* (options: CallOptions): AsyncGenerator<Version, void, undefined> {
    const path = await placeOf(options);
    yield* numberedPages(
      async (page, call) => {
        const query = `?per_page=100&page=${page}&state=active`;
        const answer = await ask({ method: "GET", path: `${path}${query}`, expect: [200] }, call);
        return { entries: parseRows(jsonOf(answer)).map(parseVersion), hasNext: hasNextLink(answer.headers) };
      },
      ({ digest }) => digest,
      options,
    );
  };
  const list = async function* (options: CallOptions): AsyncGenerator<Version, void, undefined> {
    const found = new Map<Digest, Version>();
    for await (const version of pages(options)) {
      found.set(version.digest, version);
      yield version;
    }
    known = found;
  };
  const read = async (id: number, options: CallOptions): Promise<Version | undefined> => {
    const path = `${await placeOf(options)}/${id}`;
    const answer = await ask({ method: "GET", path, expect: [200, 404] }, options);
    return answer.status === 404 ? undefined : parseVersion(parseRow(jsonOf(answer)));
  };
  const remove = async ({ id }: Version, options: CallOptions): Promise<DeleteResult | Refusal> => {
    const path = `${await placeOf(options)}/${id}`;
    const answer = await ask({ method: "DELETE", path, expect: [204, 400, 403, 404, 422] }, options);
    if (answer.status === 204) return "deleted";
    if (answer.status === 403) return { refused: "denied", message: hint };
    if (answer.status !== 404) return refusalOf(answer);
    // GitHub says the same to those who may not delete it.
    return (await read(id, options)) === undefined ? "absent" : { refused: "denied", message: hint };
  };
  const removeWith = (version: Version, tags: readonly Tag[], options: CallOptions) => {
    const other = version.tags.find((tag) => !tags.includes(tag));
    if (other !== undefined) throw moved(other);
    return remove(version, options);
  };
  return {
    list,
    async delete(digest, options) {
      if (known === undefined) for await (const _version of list(options));
      const listed = known?.get(digest);
      const version = listed && (await read(listed.id, options));
      return listed && version ? removeWith(version, listed.tags, options) : "absent";
    },
    async discard(digest, { tag, ...options }) {
      for await (const version of pages(options)) {
        if (version.digest === digest) return removeWith(version, tag === undefined ? [] : [tag], options);
      }
      return "absent";
    },
  };
}

async function ownerPath(ask: Ask, owner: string, options: CallOptions): Promise<string> {
  const path = `/users/${encodeURIComponent(owner)}`;
  const type = textAt(parseRow(jsonOf(await ask({ method: "GET", path, expect: [200] }, options))), "type");
  return type === "Organization" ? `/orgs/${encodeURIComponent(owner)}` : path;
}

function parseVersion(row: ReturnType<typeof parseRow>): Version {
  const id = ownValue(row, "id");
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw invalid("a version without an id");
  const container = parseRow(ownValue(parseRow(ownValue(row, "metadata")), "container"));
  return {
    id,
    digest: digestAt(row, "name"),
    tags: tagsAt(container, "tags"),
    created: timeAt(row, "created_at"),
  };
}

function storedOf({ digest, tags, created }: Version): StoredManifest {
  return { digest, tags: tags.map((name) => ({ name })), pushed: created };
}

// GitHub gives no codes for these, only sentences:
// https://docs.github.com/packages/learn-github-packages/deleting-and-restoring-a-package
const sentences: readonly (readonly [words: RegExp, reason: RefusalReason])[] = [
  [/\blast (?:tagged )?version\b/i, "last"],
  [/\bdownloads\b/i, "popular"],
];

function refusalOf(answer: ApiAnswer): Refusal {
  const message = errorOf(answer)?.message ?? "";
  const reason = sentences.find(([words]) => words.test(message))?.[1];
  if (reason !== undefined) return { refused: reason, message };
  throw new OciError("UNKNOWN", `GitHub did not delete the version: ${message}`, { status: answer.status });
}
