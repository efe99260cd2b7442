import { inspect } from "node:util";
import { createDockerHubApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two, type VendorAnswer } from "./vendor.ts";

const network = internet();
const login = "POST https://hub.docker.com/v2/auth/token";
const token = { json: { access_token: "canary-jwt" } };
const page = (number: number): string =>
  `GET https://hub.docker.com/v2/namespaces/team/repositories/app/tags?page_size=100&page=${number}`;
const manifests = "https://registry-1.docker.io/v2/team/app/manifests";
const head = `HEAD ${manifests}/v1`;
const remove = "DELETE https://hub.docker.com/v2/repositories/team/app/tags/v1/";

/** As in https://docs.docker.com/reference/api/hub/latest/operations/ListRepositoryTags/ */
function tag(name: string, more: object = {}): object {
  return {
    creator: 1234,
    full_size: 123_456,
    id: 12_345,
    images: [],
    last_updated: "2026-01-05T21:06:53.506400Z",
    name,
    repository: 5678,
    tag_last_pulled: null,
    tag_last_pushed: "2026-01-05T21:06:53.506400Z",
    tag_status: "active",
    v2: true,
    ...more,
  };
}

function at(digest: string): VendorAnswer {
  return {
    headers: {
      "docker-content-digest": digest,
      "content-type": "application/vnd.oci.image.manifest.v1+json",
      "content-length": "2",
    },
  };
}

function open(routes: Readonly<Record<string, VendorAnswer | readonly VendorAnswer[]>>) {
  const vendor = openVendor(network, {
    reference: "docker.io/team/app",
    credential: { username: "me", password: "canary-token" },
    routes: { [login]: token, ...routes },
  });
  return { vendor, api: createDockerHubApi(vendor.options) };
}

describe("tags", () => {
  test("have their times, one login for all pages, and a HEAD where the digest is not told", async () => {
    const next = "https://evil.example/?page=2";
    const pulled = { tag_last_pulled: "2026-02-01T00:00:00Z", digest: two };
    const { vendor, api } = open({
      [page(1)]: { json: { count: 2, next, previous: null, results: [tag("v1")] } },
      [page(2)]: { json: { count: 2, next: null, previous: null, results: [tag("v2", pulled)] } },
      [head]: at(one),
    });
    const pushed = Date.UTC(2026, 0, 5, 21, 6, 53, 506);
    expect(await listed(api)).toEqual([
      { digest: one, tags: [{ name: "v1", pushed }], imageSize: 123_456, pulled: undefined },
      { digest: two, tags: [{ name: "v2", pushed }], imageSize: 123_456, pulled: Date.UTC(2026, 1, 1) },
    ]);
    expect(vendor.requests).toEqual([login, page(1), page(2), head]);
    expect(vendor.bodies).toEqual([JSON.stringify({ identifier: "me", secret: "canary-token" })]);
    expect([...vendor.proofs]).toEqual([
      ["hub.docker.com", new Set(["none", "Bearer canary-jwt"])],
      ["registry-1.docker.io", new Set(["none"])],
    ]);
  });

  test("that are fewer than Docker Hub counts are not all", async () => {
    const { api } = open({
      [page(1)]: { json: { count: 2, next: null, results: [tag("v1", { digest: one })] } },
    });
    await expect(listed(api)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("one that goes meanwhile is no reason to leave it out", async () => {
    const { api } = open({
      [page(1)]: { json: { count: 1, next: null, results: [tag("v1")] } },
      [head]: { status: 404 },
    });
    await expect(listed(api)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("deleting", () => {
  test("a tag is looked at, and removed by the API", async () => {
    const { vendor, api } = open({ [head]: at(one), [remove]: { status: 204 } });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("deleted");
    expect(vendor.requests).toEqual([head, login, remove]);
  });

  test("a tag that has been moved stays, and one that is gone is absent", async () => {
    const { vendor, api } = open({ [head]: [at(two), { status: 404 }] });
    const moved = api.deleter.deleteTag("v1", { ifMatch: one });
    await expect(moved).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("absent");
    expect(vendor.requests).not.toContain(remove);
  });

  test("a token without the right is a refusal", async () => {
    const message = "access to the resource is forbidden with personal access token";
    const { api } = open({ [head]: at(one), [remove]: { status: 403, json: { message } } });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toEqual({ refused: "denied", message });
  });

  // "If the manifest is still referenced by a tag or another image, the registry will return 403 Forbidden."
  test("a manifest that something refers to is a refusal", async () => {
    const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] };
    const referrers = `GET https://registry-1.docker.io/v2/team/app/referrers/${one}`;
    const { api } = open({
      [referrers]: { headers: { "content-type": index.mediaType }, json: index },
      [`DELETE ${manifests}/${one}`]: { status: 403 },
    });
    expect(await api.deleter.deleteManifest(one)).toMatchObject({ refused: "denied" });
  });
});

test("a login that fails says nothing of the password, even if Docker Hub does", async () => {
  const { api } = open({ [login]: { status: 401, json: { message: "not a password: canary-token" } } });
  const error = await listed(api).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "UNAUTHORIZED", status: 401 });
  expect(inspect(error, { depth: 9 })).not.toContain("canary");
});

test("another registry is not Docker Hub", () => {
  const { options } = openVendor(network, { reference: "registry.example.com/team/app", routes: {} });
  expect(() => createDockerHubApi(options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});
