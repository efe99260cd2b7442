import { ReadableStream } from "node:stream/web";
import { inspect } from "node:util";
import { digestOf } from "@drayage/oci";
import { createBlob, createImage, createIndex, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf, openEarlier, type Opened } from "../../fixture/earlier.ts";
import { HttpError, parseRepo, RegistryClientV2, UploadError } from "./index.ts";

const image = createImage();
const { digest, mediaType } = image.document.descriptor;
const text = new TextEncoder().encode("a blob");
const blob = createBlob(text);
const bearer = { bearer: { users: { me: "secret" }, anonymous: ["pull"] } };
const login = { username: "me", password: "secret" };

async function openWith(...rules: readonly ScriptRule[]): Promise<Opened> {
  const opened = await openEarlier({ script: rules });
  await opened.server.content.add("library/app", image, { tags: ["v1"] });
  opened.server.content.repository("library/app").blobs.set(blob.descriptor.digest, text);
  return opened;
}

describe("new RegistryClientV2", () => {
  it("has the earlier fields", () => {
    const client = new RegistryClientV2({ name: "mongo", ...login });
    expect(client).toMatchObject({
      version: 2,
      insecure: false,
      repo: parseRepo("docker.io/library/mongo"),
      acceptOCIManifests: true,
      acceptManifestLists: false,
      username: "me",
      password: "secret",
      scopes: ["pull"],
    });
  });

  it("does not print its password or token", () => {
    const client = new RegistryClientV2({
      name: "mongo",
      username: "me",
      password: "canary",
      token: "canary",
    });
    expect(inspect(client, { depth: 10, showHidden: true })).not.toContain("canary");
  });

  it("takes repo before name, and needs one of them", () => {
    const repo = parseRepo("quay.io/a/b");
    expect(new RegistryClientV2({ repo, name: "mongo" }).repo).toEqual(repo);
    expect(() => new RegistryClientV2({})).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it.each([
    [{ name: "mongo:4" }, "REFERENCE_INVALID"],
    [{ name: "mongo", scheme: "http" }, "REFERENCE_INVALID"],
    [{ name: "mongo", scopes: ["sing"] }, "OPTION_INVALID"],
  ] as const)("%j is refused", (options, code) => {
    expect(() => new RegistryClientV2(options)).toThrow(expect.objectContaining({ code }));
  });

  it("scheme comes before what the name says", () => {
    expect(new RegistryClientV2({ name: "localhost:5000/a", scheme: "https" }).repo.index.scheme).toBe(
      "https",
    );
    expect(new RegistryClientV2({ name: "quay.io/a", scheme: "http" }).repo.index.scheme).toBe("http");
  });

  it("userAgent is what requests say they come from", async () => {
    await using opened = await openEarlier({}, { userAgent: "me/1" });
    await opened.client.ping();
    expect(opened.server.ledger[0]?.headers["user-agent"]).toBe("me/1");
  });

  it("insecure is a field; certificates are checked all the same", () => {
    expect(new RegistryClientV2({ name: "quay.io/a", insecure: true }).insecure).toBe(true);
  });
});

describe("ping", () => {
  it("asks without a credential, and takes 200, 401 and 404", async () => {
    await using opened = await openEarlier({ auth: bearer }, login);
    const resp = await opened.client.ping();
    expect(resp.status).toBe(401);
    expect(resp.headers.get("www-authenticate")).toMatch(/^Bearer realm=/);
    expect(await resp.dockerErrors()).toMatchObject([{ code: "UNAUTHORIZED" }]);
    expect(opened.requests()).toEqual(["GET /v2/"]);
  });

  it("sends the headers it is given, and takes the statuses it is told", async () => {
    await using opened = await openEarlier({ auth: bearer });
    const headers = new Headers({ "X-Test": "1" });
    const error = await errorOf(() => opened.client.ping({ headers, expectStatus: [200] }));
    expect(error).toMatchObject({
      name: "HttpError",
      resp: { status: 401 },
      errors: [{ code: "UNAUTHORIZED" }],
    });
    expect(opened.server.ledger[0]?.headers["x-test"]).toBe("1");
  });
});

describe("supportsV2", () => {
  const apiVersion = { "docker-distribution-api-version": "registry/1.0, registry/2.0" };
  it.each([
    [{ status: 200 }, true],
    [{ status: 401 }, true],
    [{ status: 404 }, false],
    [{ status: 403 }, false],
    [{ status: 500 }, false],
    [{ status: 404, headers: apiVersion }, true],
  ])("%j: %s", async (answer, expected) => {
    await using opened = await openEarlier({ script: [{ path: "/v2/", answer }] });
    expect(await opened.client.supportsV2()).toBe(expected);
  });

  it("network errors are errors", async () => {
    await using opened = await openEarlier({ script: [{ path: "/v2/", reset: true }] });
    expect(await errorOf(() => opened.client.supportsV2())).toMatchObject({ code: "CONNECTION_FAILED" });
  });
});

describe("performLogin", () => {
  it("is a token for the client's scopes, or for the scope it is given", async () => {
    await using opened = await openEarlier({ auth: bearer }, { ...login, scopes: ["pull", "push"] });
    expect(await opened.client.performLogin()).toEqual({
      type: "Bearer",
      token: expect.stringMatching(/^access-/) as unknown,
    });
    expect(opened.requests()[1]).toContain("scope=repository%3Alibrary%2Fapp%3Apull%2Cpush");
    await opened.client.performLogin({ scope: "repository:library/other:pull" });
    expect(opened.requests().join(" ")).toContain("scope=repository%3Alibrary%2Fother%3Apull");
  });

  it("is the password where the registry wants that", async () => {
    await using opened = await openEarlier({ auth: { basic: { me: "secret" } } }, login);
    expect(await opened.client.performLogin()).toEqual({ type: "Basic", ...login });
  });

  it("is nothing where the registry wants nothing", async () => {
    await using opened = await openEarlier();
    expect(await opened.client.performLogin({ pingRes: await opened.client.ping() })).toEqual({
      type: "None",
    });
  });

  it("HttpError if the credential is refused", async () => {
    await using opened = await openEarlier({ auth: bearer }, { ...login, password: "wrong" });
    expect(await errorOf(() => opened.client.performLogin())).toMatchObject({
      name: "HttpError",
      code: "UNAUTHORIZED",
      resp: { status: 401 },
    });
  });
});

it("login fetches the token that calls then use, once for a scope", async () => {
  await using opened = await openEarlier({ auth: bearer }, login);
  await opened.server.content.add("library/app", image, { tags: ["v1"] });
  await opened.client.login();
  await opened.client.login();
  await opened.client.getManifest({ ref: "v1" });
  const kinds = opened.requests().map((request) => request.replace(/\?.*/, ""));
  expect(kinds).toEqual(["GET /v2/", "auth.test GET /token", "GET /v2/", "GET /v2/library/app/manifests/v1"]);
});

describe("tags", () => {
  async function openTagged(): Promise<Opened> {
    const opened = await openEarlier();
    await opened.server.content.add("library/app", image, { tags: ["a", "b", "c", "d", "e"] });
    return opened;
  }

  it("listTags is one page", async () => {
    await using opened = await openTagged();
    expect(await opened.client.listTags({ pageSize: 2, startingAfter: "b" })).toEqual({
      name: "library/app",
      tags: ["c", "d"],
    });
    expect(opened.requests()).toEqual(["GET /v2/library/app/tags/list?n=2&last=b"]);
  });

  it("listAllTags is all pages as one", async () => {
    await using opened = await openTagged();
    expect(await opened.client.listAllTags({ pageSize: 2 })).toEqual({
      name: "library/app",
      tags: ["a", "b", "c", "d", "e"],
    });
    expect(opened.requests()).toHaveLength(3);
  });

  it("listTagsPaginated is page after page, each asked for when it is wanted", async () => {
    await using opened = await openTagged();
    const pages: string[][] = [];
    for await (const { tags } of opened.client.listTagsPaginated({ pageSize: 2 })) {
      pages.push(tags);
      if (pages.length === 2) break;
    }
    expect(pages).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(opened.requests()).toHaveLength(2);
  });

  it("what Artifact Registry tells besides comes along, from every page", async () => {
    await using opened = await openEarlier();
    const entry = {
      imageSizeBytes: "1234",
      mediaType,
      tag: ["a"],
      timeCreatedMs: "1600000000000",
      timeUploadedMs: "1700000000000",
    };
    const other = digestOf(text);
    const link = '<?last=a>; rel="next"';
    const pages = [
      { name: "library/app", tags: ["a"], child: ["x"], manifest: { [digest]: entry } },
      { name: "library/app", tags: ["b"], child: ["y"], manifest: { [other]: { ...entry, tag: ["b"] } } },
    ];
    opened.server.script([
      { path: "*", nth: 1, answer: { status: 200, headers: { link }, body: JSON.stringify(pages[0]) } },
      { path: "*", nth: 2, answer: { status: 200, body: JSON.stringify(pages[1]) } },
    ]);
    expect(await opened.client.listAllTags()).toEqual({
      name: "library/app",
      tags: ["a", "b"],
      child: ["x", "y"],
      manifest: { [digest]: entry, [other]: { ...entry, tag: ["b"] } },
    });
  });

  it("HttpError where there is no repository", async () => {
    await using opened = await openEarlier();
    const expected = { name: "HttpError", code: "NAME_UNKNOWN", resp: { status: 404 } };
    expect(await errorOf(() => opened.client.listTags())).toMatchObject(expected);
    expect(await errorOf(() => opened.client.listAllTags())).toMatchObject(expected);
  });
});

describe("getManifest", () => {
  it("is the JSON, with the bytes and the digest in its answer", async () => {
    await using opened = await openWith();
    const { resp, manifest } = await opened.client.getManifest({ ref: "v1" });
    expect(manifest).toEqual(JSON.parse(new TextDecoder().decode(image.document.bytes)));
    expect(await resp.dockerBody()).toEqual(image.document.bytes);
    expect(resp.headers.get("docker-content-digest")).toBe(digest);
    expect(resp.headers.get("content-type")).toBe(mediaType);
    expect(await opened.client.getManifest({ ref: digest })).toMatchObject({ manifest });
  });

  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  const dockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
  const oci = "application/vnd.oci.image.manifest.v1+json";
  const ociIndex = "application/vnd.oci.image.index.v1+json";
  it.each([
    [{}, [docker, oci]],
    [{ acceptOCIManifests: false }, [docker]],
    [{ acceptManifestLists: true }, [docker, dockerList, oci, ociIndex]],
    [{ acceptManifestLists: true, acceptOCIManifests: false }, [docker, dockerList]],
  ])("%j asks for %j, by call and by client", async (options, types) => {
    await using opened = await openWith();
    await opened.client.getManifest({ ref: "v1", ...options });
    await using other = new RegistryClientV2({
      name: `${opened.server.host()}/library/app`,
      scheme: "http",
      client: { network: { lookup: opened.server.lookup } },
      ...options,
    });
    await other.getManifest({ ref: "v1" });
    const accepts = opened.server.ledger.map(({ headers }) => headers["accept"]);
    expect(accepts).toEqual([types.join(", "), types.join(", ")]);
  });

  it("takes an index although it did not ask for one, as Docker Hub sends it", async () => {
    await using opened = await openWith();
    await opened.server.content.add("library/app", createIndex({ manifests: [image] }), { tags: ["all"] });
    expect((await opened.client.getManifest({ ref: "all" })).manifest).toHaveProperty("manifests");
  });

  it("follows redirects, unless followRedirects is false", async () => {
    const location = `/v2/library/app/manifests/${digest}`;
    await using opened = await openWith({
      path: "/v2/library/app/manifests/v1",
      answer: { status: 302, headers: { location } },
    });
    expect((await opened.client.getManifest({ ref: "v1" })).resp.status).toBe(200);
    expect(
      await errorOf(() => opened.client.getManifest({ ref: "v1", followRedirects: false })),
    ).toMatchObject({
      name: "HttpError",
      resp: { status: 302 },
    });
  });

  it.each([
    [404, "MANIFEST_UNKNOWN"],
    [401, "UNAUTHORIZED"],
  ])("HttpError for %i", async (status, code) => {
    await using opened = await openWith({ path: "*", answer: { status } });
    const error = await errorOf(() => opened.client.getManifest({ ref: "v1" }));
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ code, resp: { status } });
  });

  it("InvalidManifestError for schema version 1", async () => {
    const body = JSON.stringify({ schemaVersion: 1, fsLayers: [] });
    await using opened = await openWith({ path: "*", answer: { status: 200, body } });
    expect(await errorOf(() => opened.client.getManifest({ ref: "v1" }))).toMatchObject({
      name: "InvalidManifestError",
    });
  });
});

describe("putManifest", () => {
  const manifestData = image.document.bytes;

  it("stores under a tag, and tells the digest and where it is", async () => {
    await using opened = await openWith();
    expect(await opened.client.putManifest({ manifestData, ref: "v2" })).toEqual({
      digest,
      location: `/v2/library/app/manifests/${digest}`,
    });
    expect(opened.server.content.repository("library/app").tags.get("v2")).toBe(digest);
  });

  it("stores by digest, and text as well as bytes", async () => {
    await using opened = await openWith();
    const asText = new TextDecoder().decode(manifestData);
    await opened.client.putManifest({ manifestData: asText, ref: digest, mediaType, schemaVersion: 2 });
    expect(opened.requests()).toEqual([`PUT /v2/library/app/manifests/${digest}`]);
  });

  it.each([
    ["another digest than the manifest's", { manifestData, ref: digestOf(text) }, "DIGEST_MISMATCH"],
    ["no ref", { manifestData, ref: "" }, "TAG_INVALID"],
    ["schema version 1", { manifestData, ref: "v2", schemaVersion: 1 }, "MANIFEST_INVALID"],
    ["no manifest", { manifestData: "{}", ref: "v2" }, "MANIFEST_INVALID"],
    ["another media type", { manifestData, ref: "v2", mediaType: "a/b" }, "MANIFEST_INVALID"],
  ])("UploadError for %s, before anything is sent", async (_what, options, code) => {
    await using opened = await openWith();
    const error = await errorOf(() => opened.client.putManifest(options));
    expect(error).toBeInstanceOf(UploadError);
    expect(error).toMatchObject({ code });
    expect(opened.requests()).toEqual([]);
  });

  it("UploadError with the HttpError as its cause if the registry refuses", async () => {
    await using opened = await openWith({ method: "PUT", path: "*", answer: { status: 403 } });
    expect(await errorOf(() => opened.client.putManifest({ manifestData, ref: "v2" }))).toMatchObject({
      name: "UploadError",
      code: "DENIED",
      cause: { name: "HttpError", resp: { status: 403 } },
    });
  });
});

describe("deleteManifest", () => {
  it("by digest, which takes its tags along", async () => {
    await using opened = await openWith();
    await opened.client.deleteManifest({ ref: digest });
    expect(opened.server.content.repository("library/app").manifests.size).toBe(0);
  });

  it("a tag alone", async () => {
    await using opened = await openWith();
    await opened.client.deleteManifest({ ref: "v1" });
    const { tags, manifests } = opened.server.content.repository("library/app");
    expect([tags.size, manifests.size]).toEqual([0, 1]);
  });

  it("takes an answer without JSON, as Artifact Registry gives", async () => {
    await using opened = await openWith({ method: "DELETE", path: "*", answer: { status: 202 } });
    await expect(opened.client.deleteManifest({ ref: digest })).resolves.toBeUndefined();
  });

  it("HttpError if it is not there", async () => {
    await using opened = await openWith();
    expect(await errorOf(() => opened.client.deleteManifest({ ref: "v9" }))).toMatchObject({
      name: "HttpError",
      resp: { status: 404 },
    });
  });
});

describe("blobs", () => {
  it("headBlob has the digest in its first answer and the length in its last", async () => {
    await using opened = await openWith();
    const ress = await opened.client.headBlob({ digest: blob.descriptor.digest });
    expect(ress[0]?.headers.get("docker-content-digest")).toBe(blob.descriptor.digest);
    expect(ress.at(-1)?.headers.get("content-length")).toBe("6");
  });

  it("headBlob: HttpError if it is not there, BadDigestError for what is no digest", async () => {
    await using opened = await openWith();
    const absent = digestOf(new Uint8Array(1));
    expect(await errorOf(() => opened.client.headBlob({ digest: absent }))).toMatchObject({
      name: "HttpError",
      code: "BLOB_UNKNOWN",
      resp: { status: 404 },
    });
    expect(await errorOf(() => opened.client.headBlob({ digest: "sha256:cafebabe" }))).toMatchObject({
      name: "BadDigestError",
    });
  });

  it("createBlobReadStream is a W3C stream", async () => {
    await using opened = await openWith();
    const { ress, stream } = await opened.client.createBlobReadStream({ digest: blob.descriptor.digest });
    expect(stream).toBeInstanceOf(ReadableStream);
    expect(await new Response(stream).text()).toBe("a blob");
    expect(ress[0]?.headers.get("docker-content-digest")).toBe(blob.descriptor.digest);
  });

  it.each([301, 302, 303, 307, 308])("createBlobReadStream follows %i", async (status) => {
    const { digest: wanted } = blob.descriptor;
    const location = `/storage/library/app/${wanted}`;
    await using opened = await openWith({
      path: `/v2/library/app/blobs/${wanted}`,
      answer: { status, headers: { location } },
    });
    const { stream } = await opened.client.createBlobReadStream({ digest: wanted });
    expect(await new Response(stream).text()).toBe("a blob");
  });

  it("TooManyRedirectsError for redirects without end", async () => {
    const { digest: wanted } = blob.descriptor;
    const path = `/v2/library/app/blobs/${wanted}`;
    await using opened = await openWith({ path, answer: { status: 307, headers: { location: path } } });
    expect(await errorOf(() => opened.client.createBlobReadStream({ digest: wanted }))).toMatchObject({
      name: "TooManyRedirectsError",
    });
  });

  it.each([
    ["bytes", () => text],
    ["a stream", () => new Blob([text]).stream()],
  ])("blobUpload sends %s", async (_what, content) => {
    await using opened = await openEarlier();
    const { digest: wanted, size } = blob.descriptor;
    await opened.client.blobUpload({ digest: wanted, contentLength: size, stream: content() });
    expect(opened.server.content.repository("library/app").blobs.get(wanted)).toEqual(text);
    expect(opened.requests().map((request) => request.split(" ")[0])).toEqual(["POST", "PUT"]);
  });

  it("blobUpload: UploadError with its reason, for content that is another and for refusals", async () => {
    await using opened = await openEarlier();
    const upload = { digest: blob.descriptor.digest, contentLength: 6 };
    const stream = new TextEncoder().encode("other!");
    expect(await errorOf(() => opened.client.blobUpload({ ...upload, stream }))).toMatchObject({
      name: "UploadError",
      cause: { name: "BadDigestError" },
    });
    opened.server.script([{ method: "POST", path: "*", answer: { status: 403 } }]);
    expect(await errorOf(() => opened.client.blobUpload({ ...upload, stream: text }))).toMatchObject({
      name: "UploadError",
      cause: { name: "HttpError", resp: { status: 403 } },
    });
  });
});

it("an abort rejects with its own reason", async () => {
  await using opened = await openWith();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const { client } = opened;
  const calls = [
    () => client.ping({ signal }),
    () => client.supportsV2({ signal }),
    () => client.login({ signal }),
    () => client.listTags({ signal }),
    () => client.listAllTags({ signal }),
    () => client.getManifest({ ref: "v1", signal }),
    () => client.putManifest({ ref: "v1", manifestData: image.document.bytes, signal }),
    () => client.deleteManifest({ ref: "v1", signal }),
    () => client.headBlob({ digest: blob.descriptor.digest, signal }),
    () => client.createBlobReadStream({ digest: blob.descriptor.digest, signal }),
    () => client.blobUpload({ digest: blob.descriptor.digest, stream: text, contentLength: 6, signal }),
  ];
  for (const call of calls) expect(await errorOf(call)).toBe(reason);
  expect(opened.requests()).toEqual([]);
});
