import { createHarborApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two, type VendorAnswer } from "./vendor.ts";

const network = internet();
const place = "https://harbor.example.com/api/v2.0/projects/team/repositories/apps%252Fweb/artifacts";
const page = (number: number): string =>
  `GET ${place}?page=${number}&page_size=100&with_tag=true&with_immutable_status=true`;
const head = "HEAD https://harbor.example.com/v2/team/apps/web/manifests/v1";

/** As in https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml, Artifact and Tag. */
function artifact(digest: string, more: object = {}): object {
  return {
    digest,
    type: "IMAGE",
    media_type: "application/vnd.oci.image.config.v1+json",
    manifest_media_type: "application/vnd.oci.image.manifest.v1+json",
    size: 1234,
    push_time: "2026-01-02T03:04:05.678Z",
    pull_time: "0001-01-01T00:00:00.000Z",
    tags: null,
    ...more,
  };
}

function counted(total: number, ...json: readonly object[]): VendorAnswer {
  return { headers: { "x-total-count": `${total}` }, json };
}

function open(routes: Readonly<Record<string, VendorAnswer | readonly VendorAnswer[]>>) {
  const vendor = openVendor(network, {
    reference: "harbor.example.com/team/apps/web",
    credential: { username: "robot$ci", password: "canary" },
    routes,
  });
  return { vendor, api: createHarborApi(vendor.options) };
}

describe("artifacts", () => {
  test("have tags with times of their own and locks, and say whether they were ever pulled", async () => {
    const tags = [
      {
        name: "v1",
        push_time: "2026-03-01T00:00:00Z",
        pull_time: "0001-01-01T00:00:00.000Z",
        immutable: true,
      },
    ];
    const pulled = { pull_time: "2026-04-01T00:00:00Z" };
    const { vendor, api } = open({
      [page(1)]: counted(2, artifact(one, { tags })),
      [page(2)]: counted(2, artifact(two, pulled)),
    });
    const common = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      imageSize: 1234,
      pushed: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    };
    expect(await listed(api)).toEqual([
      {
        ...common,
        digest: one,
        pulled: "never",
        tags: [{ name: "v1", pushed: Date.UTC(2026, 2, 1), immutable: true }],
      },
      { ...common, digest: two, pulled: Date.UTC(2026, 3, 1), tags: [] },
    ]);
    expect(vendor.requests).toEqual([page(1), page(2)]);
    const basic = `Basic ${Buffer.from("robot$ci:canary").toString("base64")}`;
    expect([...vendor.proofs]).toEqual([["harbor.example.com", new Set([basic])]]);
  });

  test.each([
    ["is another on the second page", [counted(2, artifact(one)), counted(3, artifact(two))], "UNAVAILABLE"],
    ["is more than what was read", [counted(2, artifact(one)), counted(2, artifact(one))], "UNAVAILABLE"],
    ["is not told", [{ json: [artifact(one)] }, { json: [] }], "RESPONSE_INVALID"],
  ])("are not taken for all where their count %s", async (_what, [first = {}, second = {}], code) => {
    const { api } = open({ [page(1)]: first, [page(2)]: second });
    await expect(listed(api)).rejects.toMatchObject({ code });
  });
});

describe("deleting", () => {
  const tag = `DELETE ${place}/${one}/tags/v1`;
  const manifest = `DELETE ${place}/${one}`;

  test("a tag is one request, which names the digest too", async () => {
    const { vendor, api } = open({ [tag]: {} });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("deleted");
    expect(vendor.requests).toEqual([tag]);
  });

  test("a tag that is at another digest by now stays", async () => {
    const { vendor, api } = open({
      [tag]: {
        status: 404,
        json: { errors: [{ code: "NOT_FOUND", message: "tag v1 attached to artifact 1 not found" }] },
      },
      [head]: {
        headers: {
          "docker-content-digest": two,
          "content-type": "application/vnd.oci.image.manifest.v1+json",
          "content-length": "2",
        },
      },
    });
    await expect(api.deleter.deleteTag("v1", { ifMatch: one })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    expect(vendor.requests).toEqual([tag, head]);
  });

  test("a tag that is nowhere is absent", async () => {
    const { api } = open({ [tag]: { status: 404 }, [head]: { status: 404 } });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("absent");
  });

  test("a manifest is one request", async () => {
    const { vendor, api } = open({ [manifest]: [{}, { status: 404 }] });
    expect(await api.deleter.deleteManifest(one)).toBe("deleted");
    expect(await api.deleter.deleteManifest(one)).toBe("absent");
    expect(vendor.requests).toEqual([manifest, manifest]);
  });

  test.each([
    [412, "VIOLATE_FOREIGN_KEY_CONSTRAINT", "the deleting artifact is referenced by others", "referenced"],
    [412, "PRECONDITION", "the tag is immutable, cannot be deleted", "immutable"],
    [403, "FORBIDDEN", "forbidden", "denied"],
  ])("%i %s is a refusal: %s", async (status, code, message, refused) => {
    const { api } = open({ [manifest]: { status, json: { errors: [{ code, message }] } } });
    expect(await api.deleter.deleteManifest(one)).toEqual({ refused, message });
  });

  test("without a proof it is an error", async () => {
    const { api } = open({
      [manifest]: { status: 401, json: { errors: [{ code: "UNAUTHORIZED", message: "unauthorized" }] } },
    });
    await expect(api.deleter.deleteManifest(one)).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      hint: /robot/,
    });
  });
});

test("a repository belongs to a project", () => {
  const { options } = openVendor(network, { reference: "harbor.example.com/web", routes: {} });
  expect(() => createHarborApi(options)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
});
