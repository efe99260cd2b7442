import { Secret } from "@drayage/oci";
import { createQuayApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two } from "./vendor.ts";

const network = internet();
const page = (number: number): string =>
  `GET https://quay.io/api/v1/repository/team/app/tag/?onlyActiveTags=true&limit=100&page=${number}`;
const reference = "quay.io/team/app";

/** As in https://docs.redhat.com/en/documentation/red_hat_quay/3/html/use_red_hat_quay/viewing-and-modifying-tags-api */
function tag(name: string, manifest_digest: string): object {
  const start_ts = 1_716_324_069;
  return {
    name,
    reversion: false,
    start_ts,
    manifest_digest,
    is_manifest_list: false,
    size: 2_275_314,
    last_modified: "Tue, 21 May 2024 20:41:09 -0000",
  };
}

const row = { imageSize: 2_275_314 };
const pushed = Date.UTC(2024, 4, 21, 20, 41, 9);

describe("tags", () => {
  test("are listed page by page, with the token that was given for it", async () => {
    const vendor = openVendor(network, {
      reference,
      credential: { username: "team+robot", password: "canary-robot" },
      routes: {
        [page(1)]: { json: { tags: [tag("v1", one)], page: 1, has_additional: true } },
        [page(2)]: { json: { tags: [tag("v2", two), tag("v1", one)], page: 2, has_additional: false } },
      },
    });
    const api = createQuayApi({ ...vendor.options, token: new Secret("canary-oauth") });
    expect(await listed(api)).toEqual([
      { ...row, digest: one, tags: [{ name: "v1", pushed }] },
      { ...row, digest: two, tags: [{ name: "v2", pushed }] },
    ]);
    expect(vendor.requests).toEqual([page(1), page(2)]);
    expect([...vendor.proofs]).toEqual([["quay.io", new Set(["Bearer canary-oauth"])]]);
  });

  test("of a public repository take no token", async () => {
    const routes = { [page(1)]: { json: { tags: [], page: 1, has_additional: false } } };
    const vendor = openVendor(network, { reference, routes });
    expect(await listed(createQuayApi(vendor.options))).toEqual([]);
    expect([...vendor.proofs]).toEqual([["quay.io", new Set(["none"])]]);
  });

  test("an empty page that is not the last is an error", async () => {
    const routes = { [page(1)]: { json: { tags: [], page: 1, has_additional: true } } };
    const { options } = openVendor(network, { reference, routes });
    await expect(listed(createQuayApi(options))).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });

  test("without the right to see them, the scope is named", async () => {
    const json = {
      status: 401,
      error_message: "Requires authentication",
      title: "invalid_token",
      error_type: "invalid_token",
    };
    const { options } = openVendor(network, { reference, routes: { [page(1)]: { status: 401, json } } });
    await expect(listed(createQuayApi(options))).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      hint: /repo:read/,
    });
  });
});

test("deletion is the protocol's", async () => {
  const manifests = "https://quay.io/v2/team/app/manifests";
  const head = {
    headers: {
      "docker-content-digest": one,
      "content-type": "application/vnd.oci.image.manifest.v1+json",
      "content-length": "2",
    },
  };
  const vendor = openVendor(network, {
    reference,
    routes: { [`HEAD ${manifests}/v1`]: head, [`DELETE ${manifests}/v1`]: { status: 202 } },
  });
  const { deleter } = createQuayApi(vendor.options);
  expect(await deleter.deleteTag("v1", { ifMatch: one })).toBe("deleted");
  expect(vendor.requests).toEqual([`HEAD ${manifests}/v1`, `DELETE ${manifests}/v1`]);
});
