import { parseDigest } from "@drayage/oci";
import { createGhcrApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two, type VendorAnswer } from "./vendor.ts";

const network = internet();
const credential = { username: "me", password: "canary-token" };
const owner = "GET https://api.github.com/users/team";
const organization = { json: { login: "team", type: "Organization" } };
const versions = "https://api.github.com/orgs/team/packages/container/apps%2Fweb/versions";
const page = (number: number): string => `GET ${versions}?per_page=100&page=${number}&state=active`;

/** As in https://docs.github.com/rest/packages/packages#list-package-versions-for-a-package-owned-by-an-organization */
function version(id: number, name: string, tags: readonly string[]): object {
  return {
    id,
    name,
    url: `${versions}/${id}`,
    created_at: "2026-01-02T03:04:05Z",
    updated_at: "2026-02-02T03:04:05Z",
    metadata: { package_type: "container", container: { tags } },
  };
}

const both = { json: [version(1, one, ["v1", "latest"]), version(2, two, [])] };

function open(routes: Readonly<Record<string, VendorAnswer | readonly VendorAnswer[]>>) {
  const vendor = openVendor(network, {
    reference: "ghcr.io/team/apps/web",
    credential,
    routes: { [owner]: organization, [page(1)]: both, ...routes },
  });
  return { vendor, api: createGhcrApi(vendor.options) };
}

describe("versions of a package", () => {
  test("are manifests with all their tags, untagged ones too, page by page", async () => {
    const next = { link: `<https://evil.example/x?page=2>; rel="next"` };
    const { vendor, api } = open({
      [page(1)]: { headers: next, json: [version(1, one, ["v1", "latest"])] },
      [page(2)]: { json: [version(2, two, [])] },
    });
    const pushed = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(await listed(api)).toEqual([
      { digest: one, pushed, tags: [{ name: "v1" }, { name: "latest" }] },
      { digest: two, pushed, tags: [] },
    ]);
    expect(vendor.requests).toEqual([owner, page(1), page(2)]);
    expect([...vendor.proofs]).toEqual([["api.github.com", new Set(["Bearer canary-token"])]]);
  });

  test("of a user have a path of their own", async () => {
    const path = versions.replace("/orgs/", "/users/");
    const { vendor, api } = open({
      [owner]: { json: { login: "team", type: "User" } },
      [`GET ${path}?per_page=100&page=1&state=active`]: { json: [] },
    });
    expect(await listed(api)).toEqual([]);
    expect(vendor.requests).toHaveLength(2);
  });

  test.each([
    ["is no digest", { json: [{ ...version(1, one, []), name: "v1.0.0" }] }],
    ["has no metadata", { json: [{ ...version(1, one, []), metadata: null }] }],
    ["is no object", { json: [null] }],
  ])("one that %s is not passed over", async (_what, answer) => {
    const { api } = open({ [page(1)]: answer });
    await expect(listed(api)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });

  test("where GitHub knows no such package, the missing role is named", async () => {
    const { api } = open({ [page(1)]: { status: 404, json: { message: "Package not found." } } });
    await expect(listed(api)).rejects.toMatchObject({ code: "NAME_UNKNOWN", hint: /role admin/ });
  });

  test("a limit that is spent is waited for, whatever the clock says", async () => {
    const spent = {
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" },
      json: { message: "API rate limit exceeded" },
    };
    const secondary = {
      status: 403,
      headers: { "retry-after": "7" },
      json: { message: "secondary rate limit" },
    };
    const { vendor, api } = open({ [page(1)]: [spent, secondary, both] });
    expect(await listed(api)).toHaveLength(2);
    expect(vendor.pauses).toEqual([0, 7000]);
  });
});

describe("deleting a manifest", () => {
  const read = `GET ${versions}/1`;
  const remove = `DELETE ${versions}/1`;
  const asListed = { json: version(1, one, ["v1", "latest"]) };

  test("deletes its version, after one look at what tags it has now", async () => {
    const { vendor, api } = open({ [read]: asListed, [remove]: { status: 204 } });
    await listed(api);
    expect(await api.deleter.deleteManifest(one)).toBe("deleted");
    expect(vendor.requests).toEqual([owner, page(1), read, remove]);
  });

  test("a version that has got another tag stays", async () => {
    const { vendor, api } = open({ [read]: { json: version(1, one, ["v1", "v2"]) } });
    await expect(api.deleter.deleteManifest(one)).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(vendor.requests).not.toContain(remove);
  });

  test("one that is gone, or never was, is absent", async () => {
    const { vendor, api } = open({ [read]: { status: 404 } });
    expect(await api.deleter.deleteManifest(one)).toBe("absent");
    expect(await api.deleter.deleteManifest(parseDigest(`sha256:${"c".repeat(64)}`))).toBe("absent");
    expect(vendor.requests).not.toContain(remove);
  });

  test.each([
    [
      400,
      "You cannot delete the last tagged version of a package. You must delete the package instead.",
      "last",
    ],
    [
      400,
      "Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance.",
      "popular",
    ],
    [403, "Must have admin rights to Repository.", "denied"],
    [404, "Package not found.", "denied"],
  ])("%i %s", async (status, message, refused) => {
    const { api } = open({ [read]: asListed, [remove]: { status, json: { message } } });
    expect(await api.deleter.deleteManifest(one)).toMatchObject({ refused });
  });

  test("404 to a delete that was sent again means that the first one did it", async () => {
    const { api } = open({
      [read]: [asListed, { status: 404 }],
      [remove]: [{ status: 502 }, { status: 404, json: { message: "Package not found." } }],
    });
    expect(await api.deleter.deleteManifest(one)).toBe("absent");
  });

  test("what GitHub does not explain is an error", async () => {
    const { api } = open({ [read]: asListed, [remove]: { status: 400, json: { message: "Whatever" } } });
    await expect(api.deleter.deleteManifest(one)).rejects.toMatchObject({ code: "UNKNOWN" });
  });
});

test("tags are not removed, unless a throw-away is allowed", async () => {
  const { vendor, api } = open({});
  expect(api.deleter.untagging).toBe("never");
  expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toMatchObject({ refused: "unsupported" });
  expect(vendor.requests).toEqual([]);
});

test.each([
  ["ghcr.io", "https://github.example.com/api/v3"],
  ["containers.github.example.com", undefined],
  ["containers.github.example.com", "http://github.example.com"],
  ["containers.github.example.com", "https://user@github.example.com"],
])("the token of %s goes to no API at %s", (registry, apiUrl) => {
  const { options } = openVendor(network, { reference: "ghcr.io/team/web", routes: {} });
  expect(() => createGhcrApi({ ...options, registry, apiUrl })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});
