import { createAcrApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two, type VendorAnswer } from "./vendor.ts";

const network = internet();
const base = "https://contoso.azurecr.io";
const exchange = `POST ${base}/oauth2/token`;
const tags = `GET ${base}/acr/v1/apps/web/_tags?n=100`;
const manifests = `GET ${base}/acr/v1/apps/web/_manifests?n=100`;
const head = `HEAD ${base}/v2/apps/web/manifests/v1`;
const remove = `DELETE ${base}/acr/v1/apps/web/_tags/v1`;
const free = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
const locked = { ...free, deleteEnabled: false };

/** As in https://learn.microsoft.com/rest/api/containerregistry/tag/get-list */
function tag(name: string, digest: string, changeableAttributes: object = free): object {
  const time = "2026-03-06T06:17:21.0856539Z";
  return { name, digest, createdTime: time, lastUpdateTime: time, signed: false, changeableAttributes };
}

function manifest(
  digest: string,
  names: readonly string[] | undefined,
  changeableAttributes: object = free,
): object {
  return {
    digest,
    imageSize: 4321,
    createdTime: "2026-01-06T06:17:20.9983915Z",
    lastUpdateTime: "2026-01-06T06:17:20.9983915Z",
    architecture: "amd64",
    os: "linux",
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    ...(names === undefined ? {} : { tags: names }),
    changeableAttributes,
  };
}

const registry = { registry: "contoso.azurecr.io", imageName: "apps/web" };
const pushed = Date.UTC(2026, 2, 6, 6, 17, 21, 85);
const common = {
  mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  imageSize: 4321,
  pushed: Date.UTC(2026, 0, 6, 6, 17, 20, 998),
};

function at(digest: string): VendorAnswer {
  const type = "application/vnd.docker.distribution.manifest.v2+json";
  return { headers: { "docker-content-digest": digest, "content-type": type, "content-length": "2" } };
}

function open(
  routes: Readonly<Record<string, VendorAnswer | readonly VendorAnswer[]>>,
  credential: { username: string; password: string } | { refreshToken: string } = {
    refreshToken: "canary-refresh",
  },
) {
  const vendor = openVendor(network, {
    reference: "contoso.azurecr.io/apps/web",
    credential,
    routes: { [exchange]: { json: { access_token: "canary-access" } }, ...routes },
  });
  return { vendor, api: createAcrApi(vendor.options) };
}

describe("manifests", () => {
  test("have the times and locks of their tags, page by page", async () => {
    const marker = `</acr/v1/apps%2Fweb/_manifests?last=${encodeURIComponent(one)}&n=100&orderby=>; rel="next"`;
    const second = `${manifests}&last=${encodeURIComponent(one)}`;
    const { vendor, api } = open({
      [tags]: { json: { ...registry, tags: [tag("v1", one), tag("v2", one, locked)] } },
      [manifests]: {
        headers: { link: marker },
        json: { ...registry, manifests: [manifest(one, ["v1", "v2"])] },
      },
      [second]: { json: { ...registry, manifests: [manifest(two, undefined)] } },
    });
    const listedTags = [
      { name: "v1", pushed, immutable: false },
      { name: "v2", pushed, immutable: true },
    ];
    expect(await listed(api)).toEqual([
      { ...common, digest: one, tags: listedTags },
      { ...common, digest: two, tags: [] },
    ]);
    expect(vendor.requests).toEqual([exchange, tags, manifests, second]);
    expect(new URLSearchParams(vendor.bodies[0]).get("scope")).toBe("repository:apps/web:metadata_read");
    expect([...vendor.proofs]).toEqual([["contoso.azurecr.io", new Set(["none", "Bearer canary-access"])]]);
  });

  test("that are locked hold their tags", async () => {
    const { api } = open({
      [tags]: { json: { ...registry, tags: [tag("v1", one)] } },
      [manifests]: { json: { ...registry, manifests: [manifest(one, ["v1"], locked)] } },
    });
    expect((await listed(api))[0]?.tags).toEqual([{ name: "v1", pushed, immutable: true }]);
  });

  test("a tag that moves between the two lists has no time", async () => {
    const { api } = open({
      [tags]: { json: { ...registry, tags: [tag("v1", one)] } },
      [manifests]: { json: { ...registry, manifests: [manifest(two, ["v1"])] } },
    });
    expect((await listed(api))[0]?.tags).toEqual([{ name: "v1", immutable: false }]);
  });

  test("a page that leads to itself ends in an error", async () => {
    const link = `</acr/v1/apps%2Fweb/_tags?last=v1&n=100>; rel="next"`;
    const answer = { headers: { link }, json: { ...registry, tags: [tag("v1", one)] } };
    const { api } = open({ [tags]: answer, [`${tags}&last=v1`]: answer });
    await expect(listed(api)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });
});

test.each([
  [{ username: "token1", password: "canary" }, `Basic ${Buffer.from("token1:canary").toString("base64")}`, 0],
  [
    { username: "00000000-0000-0000-0000-000000000000", password: "canary-refresh" },
    "Bearer canary-access",
    1,
  ],
])("a password is shown as it is, unless it is a refresh token: %o", async (credential, proof, exchanges) => {
  const empty = { json: { ...registry, tags: [], manifests: [] } };
  const { vendor, api } = open({ [tags]: empty, [manifests]: empty }, credential);
  await listed(api);
  expect(vendor.requests.filter((request) => request === exchange)).toHaveLength(exchanges);
  expect(vendor.proofs.get("contoso.azurecr.io")).toContain(proof);
});

describe("deleting a tag", () => {
  test("takes a look, and a request with leave to delete", async () => {
    const { vendor, api } = open({ [head]: at(one), [remove]: { status: 202 } });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("deleted");
    expect(vendor.requests).toEqual([head, exchange, remove]);
    expect(new URLSearchParams(vendor.bodies[0]).get("scope")).toBe("repository:apps/web:delete");
  });

  test("does nothing where it has been moved", async () => {
    const { vendor, api } = open({ [head]: at(two) });
    const moved = api.deleter.deleteTag("v1", { ifMatch: one });
    await expect(moved).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(vendor.requests).toEqual([head]);
  });

  test("that is locked is a refusal", async () => {
    const message = "The operation is disallowed on this registry, repository or image.";
    const errors = [{ code: "REGISTRY_DISALLOWED_OPERATION", message }];
    const { api } = open({ [head]: at(one), [remove]: { status: 405, json: { errors } } });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toEqual({ refused: "immutable", message });
  });
});
