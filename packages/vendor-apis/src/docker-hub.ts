import {
  isDigest,
  mapConcurrent,
  OciError,
  ownValue,
  parseToken,
  type CallOptions,
  type JsonObject,
  type StoredManifest,
  type Tag,
  type Token,
} from "@drayage/oci";
import { createApi, jsonOf, type Ask } from "./api.ts";
import { bearer, credentialFinder, keepToken } from "./authorization.ts";
import { parseRow, rowsAt, sizeAt, tagAt, textAt, timeAt } from "./field.ts";
import { createOciDeleter } from "./oci.ts";
import { numberedPages } from "./page.ts";
import { orRefusal } from "./refusal.ts";
import { moved } from "./throwaway.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

const base = "https://hub.docker.com";
const hint = "it takes a user name with a personal access token that may read, write and delete";

/**
 * Docker Hub by its own API, which lists tags with their times and removes them; manifests are deleted by the protocol,
 * once no tag and no index has them. Untagged manifests are not listed.
 *
 * @see https://docs.docker.com/reference/api/hub/latest/
 * @see https://docs.docker.com/reference/api/registry/latest/operations/DeleteImageManifest/
 */
export function createDockerHubApi(options: VendorApiOptions): VendorApi {
  const { registry, repository } = options;
  if (registry !== "docker.io") throw new OciError("OPTION_INVALID", `${registry} is not Docker Hub`);
  const [namespace = "", name = "", ...rest] = repository.name.split("/");
  if (name === "" || rest.length > 0) {
    throw new OciError("NAME_INVALID", `not a repository of Docker Hub: ${repository.name}`);
  }
  const ask = createApi({ ...options, base, hint, authorize: authorizer(options) });
  const place = `${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  const byProtocol = createOciDeleter(repository);
  return {
    listing: {
      async *listStoredManifests({ signal } = {}) {
        const path = `/v2/namespaces/${place.replace("/", "/repositories/")}/tags`;
        for await (const rows of tagPages(ask, path, { signal })) {
          // The API's specification does not promise a digest.
          yield* await mapConcurrent(rows, 8, (row, call) => storedOf(row, { ...call, repository }), {
            signal,
          });
        }
      },
    },
    deleter: {
      untagging: "always",
      deleteManifest: (digest, call) => byProtocol.deleteManifest(digest, call),
      async deleteTag(tag, { ifMatch, signal }) {
        const found = await repository.headManifest(tag, { signal });
        if (found === undefined) return "absent";
        if (found.digest !== ifMatch) throw moved(tag);
        // Not in the specification of the API, but what its web page does, and Harbor's adapter:
        // https://github.com/goharbor/harbor/blob/main/src/pkg/reg/adapter/dockerhub/adapter.go
        const path = `/v2/repositories/${place}/tags/${encodeURIComponent(tag)}/`;
        return orRefusal(async () => {
          const { status } = await ask({ method: "DELETE", path, expect: [200, 202, 204, 404] }, { signal });
          return status === 404 ? "absent" : "deleted";
        });
      },
    },
  };
}

/** Chunks of rows, each of them there once. */
async function* tagPages(
  ask: Ask,
  path: string,
  options: CallOptions,
): AsyncGenerator<readonly JsonObject[], void, undefined> {
  let rows: JsonObject[] = [];
  const all = numberedPages(
    async (page, call) => {
      const query = `?page_size=100&page=${page}`;
      const answer = parseRow(
        jsonOf(await ask({ method: "GET", path: `${path}${query}`, expect: [200] }, call)),
      );
      const count = ownValue(answer, "count");
      return {
        entries: rowsAt(answer, "results"),
        hasNext: textAt(answer, "next") !== undefined,
        total: typeof count === "number" ? count : undefined,
      };
    },
    (row) => tagAt(row, "name"),
    options,
  );
  for await (const row of all) {
    if (rows.push(row) < 100) continue;
    yield rows;
    rows = [];
  }
  yield rows;
}

interface Lookup extends CallOptions {
  readonly repository: VendorApiOptions["repository"];
}

async function storedOf(row: JsonObject, { repository, signal }: Lookup): Promise<StoredManifest> {
  const tag = tagAt(row, "name");
  const known = textAt(row, "digest") ?? "";
  const digest = isDigest(known) ? known : (await repository.headManifest(tag, { signal }))?.digest;
  if (digest === undefined) throw gone(tag);
  const pushed = timeAt(row, "tag_last_pushed");
  return {
    digest,
    tags: [{ name: tag, pushed }],
    imageSize: sizeAt(row, "full_size"),
    pulled: timeAt(row, "tag_last_pulled"),
  };
}

function gone(tag: Tag): OciError {
  return new OciError("UNAVAILABLE", `the tag ${tag} went while the tags were listed`);
}

/** @see https://docs.docker.com/reference/api/hub/latest/operations/AuthCreateAccessToken/ */
function authorizer(options: VendorApiOptions) {
  const find = credentialFinder(options, ["pull", "delete"]);
  const ask = createApi({ ...options, base, hint });
  const tokenOf = keepToken((call) => logIn(ask, { ...call, find }), options.now);
  return async (call: CallOptions) => ((await find(call)) === undefined ? {} : bearer(await tokenOf(call)));
}

interface Login extends CallOptions {
  readonly find: ReturnType<typeof credentialFinder>;
}

async function logIn(ask: Ask, { find, signal }: Login): Promise<Token> {
  const credential = await find({ signal });
  if (credential?.type !== "basic") {
    throw new OciError(
      "CREDENTIAL_UNAVAILABLE",
      "Docker Hub's API takes no token but a personal access token",
      {
        hint,
      },
    );
  }
  const body = JSON.stringify({ identifier: credential.username, secret: credential.password.reveal() });
  const { bytes } = await ask(
    { method: "POST", path: "/v2/auth/token", body, expect: [200], isSecret: true },
    { signal },
  );
  return parseToken(bytes);
}
