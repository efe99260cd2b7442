import {
  formatTokenForm,
  OciError,
  ownValue,
  parseObject,
  parseToken,
  type CallOptions,
  type Credential,
  type Digest,
  type HttpHeaders,
  type JsonObject,
  type StoredManifest,
  type StoredTag,
  type Tag,
  type Token,
} from "@drayage/oci";
import { createApi, jsonOf, type Ask } from "./api.ts";
import { bearer, credentialFinder, keepToken, proofOf, type FindCredential } from "./authorization.ts";
import { digestAt, parseRow, rowsAt, sizeAt, tagAt, tagsAt, textAt, timeAt } from "./field.ts";
import { createOciDeleter } from "./oci.ts";
import { markedPages, nextMarker } from "./page.ts";
import { orRefusal, type Refusals } from "./refusal.ts";
import { moved } from "./throwaway.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

const hint =
  "the identity needs the role AcrDelete, and may read metadata (AcrPull, or metadata/read of a token)";

// https://learn.microsoft.com/azure/container-registry/container-registry-image-lock
const refusals: Refusals = new Map([["REGISTRY_DISALLOWED_OPERATION", "immutable"]]);

/**
 * Azure Container Registry by its own API: manifests with their tags, times and locks, untagged ones too. Children of an
 * index are not protected by it, and referrers go with what they refer to.
 *
 * @see https://learn.microsoft.com/rest/api/containerregistry/
 */
export function createAcrApi(options: VendorApiOptions): VendorApi {
  const { registry, repository } = options;
  const base = `https://${registry}`;
  const place = `/acr/v1/${repository.name.split("/").map(encodeURIComponent).join("/")}`;
  const reading = createApi({ ...options, base, hint, authorize: authorizer(options, ["metadata_read"]) });
  const deleting = createApi({ ...options, base, hint, authorize: authorizer(options, ["delete"]) });
  const byProtocol = createOciDeleter(repository, { refusals });
  return {
    listing: {
      async *listStoredManifests({ signal } = {}) {
        const tags = await tagsOf(reading, place, { signal });
        for await (const row of rowsOf(reading, `${place}/_manifests`, { key: "manifests", signal })) {
          yield storedOf(row, tags);
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
        const path = `${place}/_tags/${encodeURIComponent(tag)}`;
        return orRefusal(async () => {
          const { status } = await deleting({ method: "DELETE", path, expect: [200, 202, 404] }, { signal });
          return status === 404 ? "absent" : "deleted";
        }, refusals);
      },
    },
  };
}

interface Tagged extends StoredTag {
  readonly digest: Digest;
}

async function tagsOf(ask: Ask, place: string, options: CallOptions): Promise<ReadonlyMap<Tag, Tagged>> {
  const tags = new Map<Tag, Tagged>();
  for await (const row of rowsOf(ask, `${place}/_tags`, { ...options, key: "tags" })) {
    const name = tagAt(row, "name");
    const pushed = timeAt(row, "lastUpdateTime");
    tags.set(name, { name, digest: digestAt(row, "digest"), pushed, immutable: isLocked(row) });
  }
  return tags;
}

interface Rows extends CallOptions {
  readonly key: "manifests" | "tags";
}

function rowsOf(ask: Ask, path: string, { key, signal }: Rows): AsyncIterable<JsonObject> {
  return markedPages(
    async (last, call) => {
      const query = last === undefined ? `?n=${pageSize}` : `?n=${pageSize}&last=${encodeURIComponent(last)}`;
      const answer = await ask({ method: "GET", path: `${path}${query}`, expect: [200] }, call);
      return { entries: rowsAt(parseRow(jsonOf(answer)), key), next: nextMarker(answer.headers) };
    },
    { signal },
  );
}

function storedOf(row: JsonObject, tags: ReadonlyMap<Tag, Tagged>): StoredManifest {
  const digest = digestAt(row, "digest");
  const immutable = isLocked(row);
  return {
    digest,
    mediaType: textAt(row, "mediaType"),
    imageSize: sizeAt(row, "imageSize"),
    pushed: timeAt(row, "createdTime"),
    tags: tagsAt(row, "tags").map((name) => {
      const known = tags.get(name);
      // It was moved between the two lists, and is said to be where it is now.
      if (known?.digest !== digest) return { name, immutable };
      return { name, pushed: known.pushed, immutable: known.immutable === true || immutable };
    }),
  };
}

function isLocked(row: JsonObject): boolean {
  const attributes = parseObject(ownValue(row, "changeableAttributes")) ?? {};
  return ownValue(attributes, "deleteEnabled") === false || ownValue(attributes, "writeEnabled") === false;
}

/** As many as Azure's own command asks for. */
const pageSize = 100;

/** What a refresh token goes by where only user names and passwords are kept. */
const refreshTokenUser = "00000000-0000-0000-0000-000000000000";

/**
 * A user's password as it is; for a refresh token what the registry itself gives for it.
 *
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
function authorizer(options: VendorApiOptions, actions: readonly string[]) {
  const find = credentialFinder(options, actions.includes("delete") ? ["delete"] : ["pull"]);
  const tokenOf = keepToken((call) => exchange(options, { ...call, actions, find }), options.now);
  return async (call: CallOptions): Promise<HttpHeaders> => {
    const credential = await find(call);
    return refreshTokenOf(credential) === undefined ? proofOf(credential) : bearer(await tokenOf(call));
  };
}

function refreshTokenOf(credential: Credential | undefined): string | undefined {
  if (credential?.type === "refresh-token") return credential.token.reveal();
  const isOne = credential?.type === "basic" && credential.username === refreshTokenUser;
  return isOne ? credential.password.reveal() : undefined;
}

interface Exchange extends CallOptions {
  readonly actions: readonly string[];
  readonly find: FindCredential;
}

async function exchange(options: VendorApiOptions, { actions, find, signal }: Exchange): Promise<Token> {
  const { registry, repository } = options;
  const refreshToken = refreshTokenOf(await find({ signal }));
  if (refreshToken === undefined)
    throw new OciError("CREDENTIAL_UNAVAILABLE", `${registry}: no token any more`);
  const scopes = [{ type: "repository", name: repository.name, actions }];
  const body = formatTokenForm({ service: registry, scopes }, { type: "refresh_token", refreshToken });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const ask = createApi({ ...options, base: `https://${registry}`, headers, hint });
  const { bytes } = await ask(
    { method: "POST", path: "/oauth2/token", body, expect: [200], isSecret: true },
    { signal },
  );
  return parseToken(bytes);
}
