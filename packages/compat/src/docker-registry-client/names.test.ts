import { OciError } from "@drayage/oci";
import { describe, expect, it, test } from "vitest";
import * as earlier from "./index.ts";
import { translated } from "./translate.ts";

test("every name of the earlier library is there", () => {
  expect(Object.keys(earlier).toSorted()).toEqual([
    "ApiError",
    "BadDigestError",
    "DEFAULT_INDEX_NAME",
    "DEFAULT_INDEX_URL",
    "DEFAULT_LOGIN_SERVERNAME",
    "DEFAULT_TAG",
    "DEFAULT_USERAGENT",
    "DockerResponse",
    "DownloadError",
    "HttpError",
    "InternalError",
    "InvalidContentError",
    "InvalidManifestError",
    "MEDIATYPE_MANIFEST_LIST_V2",
    "MEDIATYPE_MANIFEST_V2",
    "MEDIATYPE_OCI_MANIFEST_INDEX_V1",
    "MEDIATYPE_OCI_MANIFEST_V1",
    "ManifestVerificationError",
    "RegistryApiError",
    "RegistryClientV2",
    "RegistryHttpError",
    "TooManyRedirectsError",
    "UploadError",
    "digestFromManifestStr",
    "isLocalhost",
    "parseIndex",
    "parseRepo",
    "parseRepoAndRef",
    "parseRepoAndTag",
    "splitIntoTwo",
    "urlFromIndex",
  ]);
});

describe("errors", () => {
  const classes = {
    ApiError: earlier.ApiError,
    BadDigestError: earlier.BadDigestError,
    DownloadError: earlier.DownloadError,
    InternalError: earlier.InternalError,
    InvalidContentError: earlier.InvalidContentError,
    InvalidManifestError: earlier.InvalidManifestError,
    ManifestVerificationError: earlier.ManifestVerificationError,
    TooManyRedirectsError: earlier.TooManyRedirectsError,
    UploadError: earlier.UploadError,
  };

  it.each(Object.entries(classes))("%s has its name, a cause and its code", (name, ErrorClass) => {
    const cause = new OciError("DENIED", "no");
    const error = new ErrorClass("failed", { cause: new earlier.ApiError("inner", { cause }) });
    expect(error).toBeInstanceOf(earlier.ApiError);
    expect(error).toMatchObject({ name, message: "failed", code: "DENIED" });
    expect(new ErrorClass("failed").code).toBeUndefined();
  });

  it("RegistryApiError and RegistryHttpError are other names", () => {
    expect(earlier.RegistryApiError).toBe(earlier.ApiError);
    expect(earlier.RegistryHttpError).toBe(earlier.HttpError);
  });

  it.each([
    ["DIGEST_MISMATCH", {}, "BadDigestError"],
    ["DIGEST_INVALID", {}, "BadDigestError"],
    ["SIZE_MISMATCH", {}, "DownloadError"],
    ["MANIFEST_INVALID", {}, "InvalidManifestError"],
    ["LIMIT_EXCEEDED", { status: 307 }, "TooManyRedirectsError"],
    ["UNSUPPORTED", { status: 405 }, "HttpError"],
    ["BLOB_UNKNOWN", {}, "HttpError"],
    ["CONNECTION_FAILED", {}, "OciError"],
    ["LIMIT_EXCEEDED", {}, "OciError"],
  ] as const)("%s %j becomes %s", (code, options, name) => {
    expect(translated(new OciError(code, "failed", options))).toMatchObject({ name, code });
  });

  it("anything else stays what it is", () => {
    const reason = new Error("aborted");
    expect(translated(reason)).toBe(reason);
  });

  it("an HttpError has the answer and what the registry reported", async () => {
    const registryErrors = [{ code: "TOO_LATE", message: "it is gone", detail: { tag: "t" } }];
    const error = translated(new OciError("DENIED", "failed", { status: 403, registryErrors }));
    expect(error).toMatchObject({ errors: registryErrors, resp: { status: 403 } });
    expect(error instanceof earlier.HttpError && (await error.resp.dockerErrors())).toEqual(registryErrors);
  });
});

describe("DockerResponse", () => {
  const responseOf = (body: string | null, status = 200) =>
    new earlier.DockerResponse(body, { status, headers: new Headers({ "x-a": "b" }) });

  it("is a Response whose body can be had as often as it is asked for", async () => {
    const resp = responseOf('{"a":1}');
    expect(resp).toBeInstanceOf(Response);
    expect(resp.headers.get("x-a")).toBe("b");
    expect(await resp.dockerBody()).toBe(await resp.dockerBody());
    expect(await resp.dockerJson<{ a: number }>()).toEqual({ a: 1 });
  });

  it("dockerJson: InvalidContentError for anything else", async () => {
    await expect(responseOf("<html>").dockerJson()).rejects.toThrow(earlier.InvalidContentError);
  });

  it.each([
    ["the standard's form", '{"errors":[{"code":"DENIED","message":"no"}]}'],
    ["one error", '{"error":{"code":"DENIED","message":"no"}}'],
    ["a bare error", '{"code":"DENIED","message":"no"}'],
  ])("dockerErrors reads %s", async (_form, body) => {
    expect(await responseOf(body).dockerErrors()).toEqual([{ code: "DENIED", message: "no" }]);
  });

  it("dockerThrowable is the error that the answer is", async () => {
    const resp = responseOf('{"errors":[{"code":"DENIED","message":"no"}]}', 403);
    const error = await resp.dockerThrowable("it failed");
    expect(error).toMatchObject({ name: "HttpError", message: "it failed\n    DENIED: no", resp });
  });

  it("dockerStream is the body, and an error without one", async () => {
    expect(await new Response(responseOf("body").dockerStream()).text()).toBe("body");
    expect(() => responseOf(null, 304).dockerStream()).toThrow(earlier.InvalidContentError);
  });
});

describe("digestFromManifestStr", () => {
  const text = (schemaVersion: number) =>
    JSON.stringify({
      schemaVersion,
      config: { mediaType: "a/b", digest: `sha256:${"a".repeat(64)}`, size: 1 },
      layers: [],
    });

  it("is the sha256 of the text", async () => {
    expect(await earlier.digestFromManifestStr(text(2))).toBe(
      "sha256:5227b8404107e3dfe402c3b6c69fdb3c64748876527990b577836a504da349c2",
    );
  });

  it.each(["", "{", text(1)])("%j is no manifest", async (bad) => {
    await expect(earlier.digestFromManifestStr(bad)).rejects.toThrow(earlier.InvalidManifestError);
  });
});

test("the parsers and constants are those of @drayage/oci/migration", () => {
  expect(earlier.parseRepoAndTag("docker.io/mongo:4")).toMatchObject({
    canonicalRef: "docker.io/mongo:4",
    remoteName: "library/mongo",
  });
  expect(earlier.DEFAULT_TAG).toBe("latest");
});
