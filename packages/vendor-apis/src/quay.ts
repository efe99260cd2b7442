import { ownValue, type CallOptions, type JsonObject, type Secret, type StoredManifest } from "@drayage/oci";
import { createApi, jsonOf, type Ask } from "./api.ts";
import { bearer } from "./authorization.ts";
import { digestAt, parseRow, rowsAt, sizeAt, tagAt } from "./field.ts";
import { createOciDeleter } from "./oci.ts";
import { numberedPages } from "./page.ts";
import type { VendorApi, VendorApiOptions } from "./vendor-api.ts";

export interface QuayApiOptions extends Omit<VendorApiOptions, "credentials"> {
  /** Of an OAuth application of the organization, with the right to view its repositories; not needed for public ones. */
  readonly token?: Secret | undefined;
}

/**
 * Quay by its own API, which lists tags with their times; the passwords of robots are not good for it. What is deleted is
 * deleted by the protocol, and only tags are: manifests without one go by themselves, and are kept for a while.
 *
 * @see https://docs.quay.io/api/
 */
export function createQuayApi(options: QuayApiOptions): VendorApi {
  const { registry, repository, token } = options;
  const ask = createApi({
    ...options,
    base: `https://${registry}`,
    authorize: async () => (token === undefined ? {} : bearer(token.reveal())),
    hint: "it takes a token of an OAuth application with the scope repo:read",
  });
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
  const place = `/api/v1/repository/${name.split("/").map(encodeURIComponent).join("/")}/tag/`;
  return numberedPages(
    async (page, call) => {
      const path = `${place}?onlyActiveTags=true&limit=100&page=${page}`;
      const answer = parseRow(jsonOf(await ask({ method: "GET", path, expect: [200] }, call)));
      return { entries: rowsAt(answer, "tags"), hasNext: ownValue(answer, "has_additional") === true };
    },
    (row) => tagAt(row, "name"),
    options,
  );
}

function storedOf(row: JsonObject): StoredManifest {
  const seconds = ownValue(row, "start_ts");
  const pushed = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : undefined;
  return {
    digest: digestAt(row, "manifest_digest"),
    tags: [{ name: tagAt(row, "name"), pushed }],
    imageSize: sizeAt(row, "size"),
  };
}
