import { createGarApi } from "@drayage/vendor-apis";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { listed, one, openVendor, two, type VendorAnswer } from "./vendor.ts";

const network = internet();
const base = "https://europe-west4-docker.pkg.dev/v2/project/images/app";
const reference = "europe-west4-docker.pkg.dev/project/images/app";
const list = `GET ${base}/tags/list?n=10000`;

function open(routes: Readonly<Record<string, VendorAnswer | readonly VendorAnswer[]>>) {
  const vendor = openVendor(network, { reference, routes });
  return { vendor, api: createGarApi(vendor.options) };
}

describe("manifests", () => {
  test("come with their times in the list of tags, untagged ones too", async () => {
    const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
    const page = {
      child: [],
      manifest: {
        [one]: {
          imageSizeBytes: "1234",
          layerId: "",
          mediaType,
          tag: ["v1"],
          timeCreatedMs: "1767225600000",
          timeUploadedMs: "1767229200000",
        },
        [two]: {
          imageSizeBytes: "99",
          layerId: "",
          mediaType,
          tag: [],
          timeCreatedMs: "0",
          timeUploadedMs: "1767229200001",
        },
      },
      name: "project/images/app",
      tags: ["v1"],
    };
    const { vendor, api } = open({ [list]: { json: page } });
    expect(await listed(api)).toEqual([
      {
        digest: one,
        mediaType,
        imageSize: 1234,
        created: 1_767_225_600_000,
        pushed: 1_767_229_200_000,
        tags: [{ name: "v1" }],
      },
      { digest: two, mediaType, imageSize: 99, pushed: 1_767_229_200_001, tags: [] },
    ]);
    expect(vendor.requests).toEqual([list]);
  });

  test("a list without them is not the list of a Google registry", async () => {
    const { api } = open({ [list]: { json: { name: "project/images/app", tags: ["v1"] } } });
    await expect(listed(api)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
  });
});

test.each([
  ["GOOGLE_MANIFEST_DANGLING_TAG", "Manifest is still referenced by tag: v1", "tagged"],
  [
    "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE",
    `Manifest is still referenced by one or more parent images. e.g. ${two}`,
    "referenced",
  ],
  ["GOOGLE_MANIFEST_REFERRING_MANIFEST", "Manifest is still referenced", "referenced"],
])("%s is a refusal", async (code, message, refused) => {
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] };
  const { api } = open({
    [`GET ${base}/referrers/${one}`]: { headers: { "content-type": index.mediaType }, json: index },
    [`DELETE ${base}/manifests/${one}`]: { status: 400, json: { errors: [{ code, message }] } },
  });
  expect(await api.deleter.deleteManifest(one)).toEqual({ refused, message });
});
