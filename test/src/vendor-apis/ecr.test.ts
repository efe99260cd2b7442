import { ECRClient } from "@aws-sdk/client-ecr";
import { createEcrApi } from "@drayage/vendor-apis";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internet } from "../network.ts";
import { listed, one, two } from "./vendor.ts";

const network = internet();
const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith("AWS_")))
    vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "canary-key");
  vi.stubEnv("AWS_MAX_ATTEMPTS", "1");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
});
afterEach(() => vi.unstubAllEnvs());

interface Call {
  readonly operation: string;
  readonly input: unknown;
}

/** The ECR API of one region: answers in their order. */
function open(...answers: readonly { readonly status?: number; readonly json: object }[]) {
  const calls: Call[] = [];
  network.use(
    http.post("https://api.ecr.eu-west-1.amazonaws.com/", async ({ request }) => {
      const operation = request.headers.get("x-amz-target")?.split(".").at(-1) ?? "";
      const { status = 200, json } = answers[calls.length] ?? { status: 500, json: {} };
      calls.push({ operation, input: await request.json() });
      return HttpResponse.json(json, { status });
    }),
  );
  return { calls, api: createEcrApi({ registry, repository: { name: "team/app" } }) };
}

const place = { registryId: "123456789012", repositoryName: "team/app" };
const describeTag = { operation: "DescribeImages", input: { ...place, imageIds: [{ imageTag: "v1" }] } };
const image = {
  registryId: "123456789012",
  repositoryName: "team/app",
  imageDigest: one,
  imageTags: ["v1", "latest"],
  imageSizeInBytes: 1234,
  imagePushedAt: 1_767_225_600,
  imageManifestMediaType: "application/vnd.oci.image.manifest.v1+json",
  artifactMediaType: "application/vnd.oci.image.config.v1+json",
  lastRecordedPullTime: 1_767_229_200,
};

describe("images", () => {
  test("are listed by the page, untagged ones too", async () => {
    const untagged = { imageDigest: two, imagePushedAt: 1_767_225_600 };
    const { calls, api } = open(
      { json: { imageDetails: [image], nextToken: "more" } },
      { json: { imageDetails: [untagged] } },
    );
    expect(await listed(api)).toEqual([
      {
        digest: one,
        tags: [{ name: "v1" }, { name: "latest" }],
        mediaType: image.imageManifestMediaType,
        artifactType: image.artifactMediaType,
        imageSize: 1234,
        pushed: 1_767_225_600_000,
        pulled: 1_767_229_200_000,
      },
      { digest: two, tags: [], pushed: 1_767_225_600_000 },
    ]);
    expect(calls).toEqual([
      { operation: "DescribeImages", input: { ...place, maxResults: 1000 } },
      { operation: "DescribeImages", input: { ...place, maxResults: 1000, nextToken: "more" } },
    ]);
  });

  test("a page that comes again ends in an error", async () => {
    const page = { json: { imageDetails: [image], nextToken: "more" } };
    const { calls, api } = open(page, page);
    await expect(listed(api)).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    expect(calls).toHaveLength(2);
  });

  test.each([
    ["RepositoryNotFoundException", 400, "NAME_UNKNOWN"],
    ["AccessDeniedException", 400, "DENIED"],
    ["ExpiredTokenException", 400, "UNAUTHORIZED"],
    ["ThrottlingException", 400, "TOOMANYREQUESTS"],
    ["ServerException", 500, "UNAVAILABLE"],
  ])("%s", async (type, status, code) => {
    const { api } = open({ status, json: { __type: type, message: "because" } });
    await expect(listed(api)).rejects.toMatchObject({ code, message: `${registry}: because` });
  });
});

describe("deleting", () => {
  const deleted = { json: { failures: [], imageIds: [{ imageDigest: one, imageTag: "v1" }] } };
  const failed = (failureCode: string, failureReason: string) => ({
    json: { imageIds: [], failures: [{ imageId: { imageDigest: one }, failureCode, failureReason }] },
  });

  test("a tag is looked at, and removed from its image", async () => {
    const { calls, api } = open({ json: { imageDetails: [image] } }, deleted);
    expect(api.deleter.untagging).toBe("unless-last");
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("deleted");
    expect(calls).toEqual([
      describeTag,
      { operation: "BatchDeleteImage", input: { ...place, imageIds: [{ imageTag: "v1" }] } },
    ]);
  });

  test("the last tag of an image would take it along, and stays", async () => {
    const { calls, api } = open({ json: { imageDetails: [{ ...image, imageTags: ["v1"] }] } });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toMatchObject({ refused: "last" });
    expect(calls).toEqual([describeTag]);
  });

  test("a tag that has been moved stays, and one that is gone is absent", async () => {
    const missing = { status: 400, json: { __type: "ImageNotFoundException", message: "not found" } };
    const { calls, api } = open({ json: { imageDetails: [image] } }, missing);
    const moved = api.deleter.deleteTag("v1", { ifMatch: two });
    await expect(moved).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(await api.deleter.deleteTag("v1", { ifMatch: one })).toBe("absent");
    expect(calls).toEqual([describeTag, describeTag]);
  });

  test("a manifest goes by its digest", async () => {
    const { calls, api } = open(deleted);
    expect(await api.deleter.deleteManifest(one)).toBe("deleted");
    expect(calls).toEqual([
      { operation: "BatchDeleteImage", input: { ...place, imageIds: [{ imageDigest: one }] } },
    ]);
  });

  test("what is not there is told as a failure, and absent", async () => {
    const { api } = open(failed("ImageNotFound", "Requested image not found"));
    expect(await api.deleter.deleteManifest(one)).toBe("absent");
  });

  test("what an index needs is refused", async () => {
    const reason = `Requested image referenced by manifest list: [${two}]`;
    const { api } = open(failed("ImageReferencedByManifestList", reason));
    expect(await api.deleter.deleteManifest(one)).toEqual({ refused: "referenced", message: reason });
  });

  test("any other failure is an error", async () => {
    const { api } = open(failed("KmsError", "no key"));
    await expect(api.deleter.deleteManifest(one)).rejects.toMatchObject({ code: "UNKNOWN" });
  });

  test("without the right to it is refused", async () => {
    const { api } = open({
      status: 400,
      json: { __type: "AccessDeniedException", message: "not authorized" },
    });
    expect(await api.deleter.deleteManifest(one)).toMatchObject({ refused: "denied" });
  });
});

test("a registry under another name takes a region, and a client may be given", async () => {
  const options = { registry: "images.example.com", repository: { name: "team/app" } };
  expect(() => createEcrApi(options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  const client = new ECRClient({ region: "eu-west-1" });
  const { calls } = open({ json: { imageDetails: [] } });
  expect(await listed(createEcrApi({ ...options, region: "eu-west-1", client }))).toEqual([]);
  const input = { repositoryName: "team/app", maxResults: 1000 };
  expect(calls).toEqual([{ operation: "DescribeImages", input }]);
  client.destroy();
});
