import {
  formatTokenQuery,
  OciError,
  parseToken,
  type CallOptions,
  type JsonObject,
  type StoredManifest,
} from "@drayage/oci";
import { createApi, jsonOf, type Ask } from "./api.ts";
import { bearer, credentialFinder, keepToken, proofOf } from "./authorization.ts";
import { digestAt, parseRows, sizeAt, tagAt, textAt, timeAt } from "./field.ts";
import { createOciDeleter } from "./oci.ts";
import { markedPages, nextMarker } from "./page.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

export interface GitLabApiOptions extends VendorApiOptions {
  /** The instance that the registry belongs to, such as `https://gitlab.example.com`; known for `registry.gitlab.com`. */
  readonly instance?: string | undefined;
}

const hint =
  "it takes a deploy token with read_registry, a personal or project access token, or a job's CI_JOB_TOKEN";

/**
 * GitLab's registry by its own API, which lists tags with their times; deletion is by the protocol. It needs the registry's
 * metadata database, which GitLab.com has; untagged manifests are not listed.
 *
 * @throws OciError OPTION_INVALID without the `instance` of another registry than GitLab.com's
 * @see https://gitlab.com/gitlab-org/container-registry/-/blob/master/docs/spec/gitlab/api.md
 */
export function createGitLabApi(options: GitLabApiOptions): VendorApi {
  const { registry, repository } = options;
  const ask = createApi({ ...options, base: `https://${registry}`, authorize: authorizer(options), hint });
  return {
    listing: {
      async *listStoredManifests({ signal } = {}) {
        for await (const row of rowsOf(ask, repository.name, { signal })) yield storedOf(row);
      },
    },
    deleter: createOciDeleter(repository),
  };
}

function rowsOf(ask: Ask, name: string, options: CallOptions): AsyncIterable<JsonObject> {
  const place = `/gitlab/v1/repositories/${name.split("/").map(encodeURIComponent).join("/")}/tags/list/`;
  return markedPages(async (last, call) => {
    const query = last === undefined ? "?n=100" : `?n=100&last=${encodeURIComponent(last)}`;
    const answer = await ask({ method: "GET", path: `${place}${query}`, expect: [200] }, call);
    return { entries: parseRows(jsonOf(answer)), next: nextMarker(answer.headers) };
  }, options);
}

function storedOf(row: JsonObject): StoredManifest {
  const pushed = timeAt(row, "published_at") ?? timeAt(row, "updated_at") ?? timeAt(row, "created_at");
  return {
    digest: digestAt(row, "digest"),
    tags: [{ name: tagAt(row, "name"), pushed }],
    mediaType: textAt(row, "media_type"),
    imageSize: sizeAt(row, "size_bytes"),
  };
}

/** The instance's tokens, which are for its registry: https://docs.gitlab.com/administration/packages/container_registry/ */
function authorizer(options: GitLabApiOptions) {
  const { repository } = options;
  const find = credentialFinder(options, ["pull"]);
  const ask = createApi({
    ...options,
    base: instanceOf(options),
    authorize: async (call) => proofOf(await find(call)),
    hint,
  });
  const scopes = [{ type: "repository", name: repository.name, actions: ["pull"] }];
  const path = `/jwt/auth?${formatTokenQuery({ service: "container_registry", scopes })}`;
  const tokenOf = keepToken(
    async (call) =>
      parseToken((await ask({ method: "GET", path, expect: [200], isSecret: true }, call)).bytes),
    options.now,
  );
  return async (call: CallOptions) => bearer(await tokenOf(call));
}

/** One instance's password is for that instance. */
function instanceOf({ registry, instance }: GitLabApiOptions): string {
  if (registry === "registry.gitlab.com") {
    if (instance === undefined || instance === "https://gitlab.com") return "https://gitlab.com";
    throw new OciError("OPTION_INVALID", "`instance` is another one than that of registry.gitlab.com");
  }
  if (instance !== undefined && /^https:\/\/[^@\s?#]+[^@\s?#/]$/.test(instance)) return instance;
  throw new OciError(
    "OPTION_INVALID",
    `\`instance\` has to be the https:// URL of the GitLab of ${registry}`,
  );
}
