import {
  headerOf,
  OciError,
  ownValue,
  type CallOptions,
  type JsonObject,
  type StoredManifest,
} from "@drayage/oci";
import { createApi, jsonOf, type Ask } from "./api.ts";
import { credentialFinder, proofOf } from "./authorization.ts";
import { digestAt, parseRows, rowsAt, sizeAt, tagAt, textAt, timeAt } from "./field.ts";
import { numberedPages } from "./page.ts";
import { orRefusal, type Refusals } from "./refusal.ts";
import { moved } from "./throwaway.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

const hint = "the user or robot account needs to list and delete artifacts and tags of the project";

// https://github.com/goharbor/harbor/blob/main/src/lib/errors/const.go
const refusals: Refusals = new Map([
  ["VIOLATE_FOREIGN_KEY_CONSTRAINT", "referenced"],
  ["PRECONDITION", "immutable"],
]);

/**
 * Harbor by its own API: artifacts with their tags and times, untagged ones too, and deletion of tags, which the protocol
 * does not do there. Accessories such as signatures, and children of an index, go with what they belong to.
 *
 * @throws OciError NAME_INVALID for a repository without a project
 * @see https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export function createHarborApi(options: VendorApiOptions): VendorApi {
  const { registry, repository } = options;
  const place = placeOf(repository.name);
  const find = credentialFinder(options, ["pull", "delete"]);
  const ask = createApi({
    ...options,
    base: `https://${registry}/api/v2.0`,
    authorize: async (call) => proofOf(await find(call)),
    hint,
  });
  const remove = (path: string, call: CallOptions) =>
    orRefusal(async () => {
      const { status } = await ask({ method: "DELETE", path, expect: [200, 404] }, call);
      return status === 404 ? "absent" : "deleted";
    }, refusals);
  return {
    listing: {
      async *listStoredManifests({ signal } = {}) {
        for await (const row of rowsOf(ask, place, { signal })) yield storedOf(row);
      },
    },
    deleter: {
      untagging: "always",
      deleteManifest: (digest, call = {}) => remove(`${place}/${digest}`, call),
      async deleteTag(tag, { ifMatch, signal }) {
        // Harbor itself looks whether the tag is at that digest.
        const result = await remove(`${place}/${ifMatch}/tags/${encodeURIComponent(tag)}`, { signal });
        if (result !== "absent") return result;
        if ((await repository.headManifest(tag, { signal })) === undefined) return "absent";
        throw moved(tag);
      },
    },
  };
}

/** What is behind the project is one segment, escaped twice, as Harbor asks for. */
function placeOf(name: string): string {
  const slash = name.indexOf("/");
  if (slash < 0) throw new OciError("NAME_INVALID", `not a repository of a project: ${name}`);
  const repository = encodeURIComponent(encodeURIComponent(name.slice(slash + 1)));
  return `/projects/${encodeURIComponent(name.slice(0, slash))}/repositories/${repository}/artifacts`;
}

function rowsOf(ask: Ask, place: string, options: CallOptions): AsyncIterable<JsonObject> {
  let read = 0;
  return numberedPages(
    async (page, call) => {
      const query = `?page=${page}&page_size=100&with_tag=true&with_immutable_status=true`;
      const answer = await ask({ method: "GET", path: `${place}${query}`, expect: [200] }, call);
      const entries = parseRows(jsonOf(answer));
      const total = Number(headerOf(answer.headers, "x-total-count") ?? Number.NaN);
      if (Number.isNaN(total)) throw new OciError("RESPONSE_INVALID", "Harbor does not count its artifacts");
      read += entries.length;
      return { entries, hasNext: read < total, total };
    },
    (row) => digestAt(row, "digest"),
    options,
  );
}

function storedOf(row: JsonObject): StoredManifest {
  return {
    digest: digestAt(row, "digest"),
    mediaType: textAt(row, "manifest_media_type"),
    artifactType: textAt(row, "artifact_type"),
    imageSize: sizeAt(row, "size"),
    pushed: timeAt(row, "push_time"),
    pulled: pulledOf(row),
    tags: rowsAt(row, "tags").map((tag) => ({
      name: tagAt(tag, "name"),
      pushed: timeAt(tag, "push_time"),
      immutable: ownValue(tag, "immutable") === true,
    })),
  };
}

/** Pulls are recorded; the time of none is that of the year 1. */
function pulledOf(row: JsonObject): StoredManifest["pulled"] {
  return timeAt(row, "pull_time") ?? (textAt(row, "pull_time")?.startsWith("0001-") ? "never" : undefined);
}
