import { text } from "node:stream/consumers";
import { bytesOf, digestOf, mediaType, OciError, type StorageDriver } from "@drayage/oci";
import { createMemoryDriver, createRegistry } from "@drayage/registry";
import { bytesOfBlob, createArtifact, createImage, createS3Emulator, pushImage } from "@drayage/testkit";
import { describe, expect, expectTypeOf, onTestFinished, test } from "vitest";
import { SmartRegistry, type Failure, type IRegistryConfig, type TAuthCallback } from "./index.ts";
import { endpointOf } from "./storage.ts";

const image = createImage({ layers: 1 });
const { digest } = image.document.descriptor;
const name = "library/nginx";
const content = Buffer.from("0123456789");

async function open(config: Partial<IRegistryConfig> = {}): Promise<SmartRegistry> {
  const registry = new SmartRegistry({
    storage: createMemoryDriver(),
    serviceName: "my-registry",
    tokenRealm: "https://auth.example.com/token",
    loginCallback: async ({ username }) => `token of ${username}`,
    authCallback: async (token) => token === "t",
    ...config,
  });
  await registry.init();
  return registry;
}

/** One that has the image as `v1`. */
async function openFilled(config: Partial<IRegistryConfig> = {}): Promise<SmartRegistry> {
  const registry = await open(config);
  await pushImage((await registry.registry()).repository(name), image, { tags: ["v1"] });
  return registry;
}

/** The result, which must be none of a failure. */
function resultOf<Result extends object>(result: Result | Failure): Result {
  if ("errors" in result) throw new Error(JSON.stringify(result));
  return result;
}

describe("pulling", () => {
  test("getManifest gives the bytes, their type and their digest", async () => {
    const registry = await openFilled();
    for (const reference of ["v1", digest]) {
      const result = resultOf(await registry.getManifest(name, reference, "t"));
      expect(result.data.equals(image.document.bytes)).toBe(true);
      expect(result).toMatchObject({ contentType: mediaType.ociManifest, digest });
    }
  });

  test("headManifest gives the type, the digest and the size", async () => {
    const registry = await openFilled();
    const { size } = image.document.descriptor;
    expect(await registry.headManifest(name, "v1", "t")).toEqual({
      contentType: mediaType.ociManifest,
      digest,
      size,
    });
  });

  test("getBlob gives the blob, or the part that is asked for in either way", async () => {
    const registry = await openFilled();
    const [layer] = image.layers;
    const { descriptor } = layer ?? image.config;
    const whole = Buffer.from(await bytesOfBlob(layer ?? image.config));
    const all = resultOf(await registry.getBlob(name, descriptor.digest, "t"));
    expect([all.data.equals(whole), all.size, all.range]).toEqual([true, whole.byteLength, undefined]);
    for (const range of [{ start: 1, end: 3 }, "bytes=1-3"]) {
      const part = resultOf(await registry.getBlob(name, descriptor.digest, "t", range));
      expect(part).toEqual({
        data: whole.subarray(1, 4),
        digest: descriptor.digest,
        size: whole.byteLength,
        range: { start: 1, end: 3 },
      });
    }
    const beyond = await registry.getBlob(name, descriptor.digest, "t", { start: whole.byteLength });
    expect(beyond).toMatchObject({ status: 416, errors: [expect.anything()] });
  });

  test("getBlob holds no more in memory than it may, and getBlobStream nothing", async () => {
    const registry = await openFilled({ maxBufferedBytes: 8 });
    const { descriptor } = image.config;
    expect(await registry.getBlob(name, descriptor.digest, "t")).toMatchObject({ status: 413 });
    const { stream, size } = resultOf(await registry.getBlobStream(name, descriptor.digest, "t"));
    expect((await text(stream)).length).toBe(size);
  });

  test("headBlob gives the digest and the size", async () => {
    const registry = await openFilled();
    const { descriptor } = image.config;
    expect(await registry.headBlob(name, descriptor.digest, "t")).toEqual({
      digest: descriptor.digest,
      size: descriptor.size,
    });
  });

  test.each([
    ["getManifest", (it: SmartRegistry) => it.getManifest(name, "v2", "t"), 404, "MANIFEST_UNKNOWN"],
    ["headManifest", (it: SmartRegistry) => it.headManifest(name, "v2", "t"), 404, "MANIFEST_UNKNOWN"],
    ["getBlob", (it: SmartRegistry) => it.getBlob(name, digestOf(content), "t"), 404, "BLOB_UNKNOWN"],
    ["headBlob", (it: SmartRegistry) => it.headBlob(name, digestOf(content), "t"), 404, "BLOB_UNKNOWN"],
    ["getBlob of no digest", (it: SmartRegistry) => it.getBlob(name, "latest", "t"), 400, "DIGEST_INVALID"],
    [
      "getManifest of no name",
      (it: SmartRegistry) => it.getManifest("UPPER", "v1", "t"),
      400,
      "NAME_INVALID",
    ],
    ["listTags of nothing", (it: SmartRegistry) => it.listTags("none", "t"), 404, "NAME_UNKNOWN"],
    [
      "deleteManifest",
      (it: SmartRegistry) => it.deleteManifest(name, digestOf(content), "t"),
      404,
      "MANIFEST_UNKNOWN",
    ],
    ["deleteTag", (it: SmartRegistry) => it.deleteTag(name, "v2", "t"), 404, "MANIFEST_UNKNOWN"],
    ["deleteBlob", (it: SmartRegistry) => it.deleteBlob(name, digestOf(content), "t"), 404, "BLOB_UNKNOWN"],
  ] as const)("%s: errors with the status to answer", async (_case, call, status, code) => {
    expect(await call(await openFilled())).toMatchObject({ status, errors: [{ code }] });
  });

  test("'errors' in a result tells it from a failure, for the compiler too", async () => {
    const registry = await openFilled();
    const result = await registry.getManifest(name, "v1", "t");
    if ("errors" in result) expectTypeOf(result).toEqualTypeOf<Failure>();
    else expectTypeOf(result.data).toEqualTypeOf<Buffer>();
    expect("errors" in result).toBe(false);
  });
});

describe("pushing", () => {
  test("in chunks, the last one with completeUpload", async () => {
    const registry = await open();
    const begun = resultOf(await registry.initiateUpload(name, "t"));
    const { uploadId = "" } = "uploadId" in begun ? begun : {};
    expect(begun).toMatchObject({ offset: 0, location: `/v2/${name}/blobs/uploads/${uploadId}` });
    const chunk = await registry.uploadChunk(uploadId, content.subarray(0, 4), "0-3", "t");
    expect(chunk).toMatchObject({ uploadId, offset: 4, range: "0-3" });
    const streamed = bytesOf(content.subarray(4, 8));
    expect(await registry.uploadChunk(uploadId, streamed, undefined, "t")).toMatchObject({ offset: 8 });
    expect(await registry.getUploadStatus(uploadId, "t")).toMatchObject({ offset: 8, range: "0-7" });
    const done = await registry.completeUpload(uploadId, digestOf(content), "t", content.subarray(8));
    expect(done).toEqual({
      digest: digestOf(content),
      location: `/v2/${name}/blobs/${digestOf(content)}`,
    });
    expect(resultOf(await registry.getBlob(name, digestOf(content), "t")).data).toEqual(content);
  });

  test("a chunk out of order is 416, and says where the upload is", async () => {
    const registry = await open();
    const { uploadId } = await begin(registry);
    await registry.uploadChunk(uploadId, content.subarray(0, 4), "0-3", "t");
    const late = await registry.uploadChunk(uploadId, content.subarray(6), "6-9", "t");
    expect(late).toMatchObject({
      status: 416,
      errors: [{ code: "BLOB_UPLOAD_INVALID" }],
      headers: { range: "0-3", location: `/v2/${name}/blobs/uploads/${uploadId}` },
    });
    expect(await registry.uploadChunk(uploadId, content, "x-y", "t")).toMatchObject({ status: 400 });
  });

  test("what is not what its digest says is refused, and the upload over", async () => {
    const registry = await open();
    const { uploadId } = await begin(registry);
    const other = digestOf(Buffer.from("other"));
    const wrong = await registry.completeUpload(uploadId, other, "t", content);
    expect(wrong).toMatchObject({ status: 400, errors: [{ code: "DIGEST_INVALID" }] });
    expect(await registry.getUploadStatus(uploadId, "t")).toMatchObject({ status: 404 });
  });

  test("an upload can be given up", async () => {
    const registry = await open();
    const { uploadId } = await begin(registry);
    expect(await registry.cancelUpload(uploadId, "t")).toEqual({ deleted: true });
    expect(await registry.uploadChunk(uploadId, content, "0-9", "t")).toMatchObject({
      status: 404,
      errors: [{ code: "BLOB_UPLOAD_UNKNOWN" }],
    });
  });

  test("another process goes on with an upload by its id", async () => {
    const storage = createMemoryDriver();
    const { uploadId } = await begin(await open({ storage }));
    const another = await open({ storage });
    const done = await another.completeUpload(uploadId, digestOf(content), "t", content);
    expect(done).toMatchObject({ digest: digestOf(content) });
  });

  test("an id belongs to its repository: no other name makes it good, and its right is asked for", async () => {
    const asked: string[] = [];
    const registry = await open({
      authCallback: async (_token, repository, action) => {
        asked.push(`${repository}:${action}`);
        return repository !== "secret";
      },
    });
    const { uploadId } = await begin(registry);
    const [, id = ""] = uploadId.split(".");
    const renamed = (repository: string) => `${Buffer.from(repository).toString("base64url")}.${id}`;
    expect(renamed(name)).toBe(uploadId);
    asked.length = 0;
    expect(await registry.uploadChunk(renamed("other"), content, "0-9", "t")).toMatchObject({ status: 404 });
    expect(await registry.uploadChunk(renamed("secret"), content, "0-9", "t")).toMatchObject({ status: 401 });
    expect(asked).toEqual(["other:push", "secret:push"]);
    for (const forged of ["", ".", id, renamed("UPPER"), renamed("../a"), `${uploadId}.x`, renamed("")]) {
      expect(await registry.uploadChunk(forged, content, "0-9", "t")).toMatchObject({ status: 404 });
    }
    expect(await registry.getUploadStatus(uploadId, "t")).toMatchObject({ offset: 0 });
  });

  test("putManifest by tag and by digest, as bytes or as text", async () => {
    const registry = await openFilled();
    const { bytes } = image.document;
    const location = `/v2/${name}/manifests/${digest}`;
    const type = mediaType.ociManifest;
    expect(await registry.putManifest(name, "v2", Buffer.from(bytes), type, "t")).toEqual({
      digest,
      location,
    });
    const asText = await registry.putManifest(name, digest, Buffer.from(bytes).toString(), type, "t");
    expect(asText).toEqual({ digest, location });
    expect(resultOf(await registry.listTags(name, "t")).tags).toEqual(["v1", "v2"]);
  });

  test.each([
    ["content that is not there", image.document.bytes, "MANIFEST_BLOB_UNKNOWN", 400],
    ["no JSON", Buffer.from("{"), "MANIFEST_INVALID", 400],
    ["more than 4 MiB", Buffer.alloc(4 * 1024 * 1024 + 1), "SIZE_INVALID", 413],
  ] as const)("putManifest of %s is refused", async (_case, bytes, code, status) => {
    const registry = await open();
    const put = await registry.putManifest("empty", "v1", bytes, mediaType.ociManifest, "t");
    expect(put).toMatchObject({
      status,
    });
    expect("errors" in put && put.errors.map((error) => error.code)).toContain(code);
  });
});

describe("mounting", () => {
  const { descriptor } = image.config;

  test("takes the blob over from where the token may pull", async () => {
    const registry = await openFilled();
    const mounted = await registry.initiateUpload("copy", "t", descriptor.digest, name);
    expect(mounted).toEqual({ digest: descriptor.digest, location: `/v2/copy/blobs/${descriptor.digest}` });
    expect("errors" in (await registry.headBlob("copy", descriptor.digest, "t"))).toBe(false);
  });

  test("is an upload otherwise, and what may not be pulled cannot be told from what is not there (S3)", async () => {
    const registry = await openFilled({
      authCallback: async (_token, repository) => repository !== name,
    });
    const results = [
      await registry.initiateUpload("copy", "t", descriptor.digest, name),
      await registry.initiateUpload("copy", "t", descriptor.digest, "empty"),
      await registry.initiateUpload("copy", "t", descriptor.digest, "NO NAME"),
      await registry.initiateUpload("copy", "t", descriptor.digest),
    ];
    for (const result of results)
      expect(Object.keys(result)).toEqual(["uploadId", "location", "offset", "range"]);
    expect(await registry.headBlob("copy", descriptor.digest, "t")).toMatchObject({ status: 404 });
  });
});

describe("listing and deleting", () => {
  test("listTags in pages", async () => {
    const registry = await openFilled();
    for (const tag of ["v2", "v3"]) {
      await registry.putManifest(name, tag, image.document.bytes, mediaType.ociManifest, "t");
    }
    expect(await registry.listTags(name, "t")).toEqual({ name, tags: ["v1", "v2", "v3"] });
    expect(await registry.listTags(name, "t", { n: 2 })).toEqual({ name, tags: ["v1", "v2"], next: "v2" });
    expect(await registry.listTags(name, "t", { n: 2, last: "v2" })).toEqual({ name, tags: ["v3"] });
  });

  test("getReferrers as an index, of all types or of one", async () => {
    const registry = await openFilled();
    const artifact = createArtifact({ subject: image.document.descriptor, artifactType: "application/x" });
    await pushImage((await registry.registry()).repository(name), artifact);
    const index = resultOf(await registry.getReferrers(name, digest, "t"));
    expect(index).toMatchObject({
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [{ digest: artifact.document.descriptor.digest, artifactType: "application/x" }],
    });
    expect(await registry.getReferrers(name, digest, "t", "application/y")).toMatchObject({ manifests: [] });
  });

  test("deleteTag leaves the manifest, deleteManifest its blobs, and deleteBlob takes one away", async () => {
    const registry = await openFilled();
    const blob = image.config.descriptor.digest;
    const deleted = { deleted: true };
    expect(await registry.deleteTag(name, "v1", "t")).toEqual(deleted);
    expect(await registry.headManifest(name, digest, "t")).toMatchObject({ digest });
    expect(await registry.deleteBlob(name, blob, "t")).toMatchObject({ errors: [{ code: "DENIED" }] });
    expect(await registry.deleteManifest(name, digest, "t")).toEqual(deleted);
    expect(await registry.deleteBlob(name, blob, "t")).toEqual(deleted);
    expect(await registry.headBlob(name, blob, "t")).toMatchObject({ status: 404 });
  });
});

describe("who may do what", () => {
  const calls: Readonly<
    Record<string, readonly [action: string, call: (it: SmartRegistry, token?: string) => Promise<object>]>
  > = {
    getManifest: ["pull", (it, token) => it.getManifest(name, "v1", token)],
    headManifest: ["pull", (it, token) => it.headManifest(name, "v1", token)],
    getBlob: ["pull", (it, token) => it.getBlob(name, digest, token)],
    getBlobStream: ["pull", (it, token) => it.getBlobStream(name, digest, token)],
    headBlob: ["pull", (it, token) => it.headBlob(name, digest, token)],
    listTags: ["pull", (it, token) => it.listTags(name, token)],
    getReferrers: ["pull", (it, token) => it.getReferrers(name, digest, token)],
    initiateUpload: ["push", (it, token = "") => it.initiateUpload(name, token)],
    uploadChunk: ["push", (it, token = "") => it.uploadChunk(someUpload, content, "0-9", token)],
    completeUpload: ["push", (it, token = "") => it.completeUpload(someUpload, digest, token)],
    getUploadStatus: ["push", (it, token = "") => it.getUploadStatus(someUpload, token)],
    cancelUpload: ["push", (it, token = "") => it.cancelUpload(someUpload, token)],
    putManifest: ["push", (it, token = "") => it.putManifest(name, "v1", "{}", "a/b", token)],
    deleteManifest: ["delete", (it, token = "") => it.deleteManifest(name, digest, token)],
    deleteBlob: ["delete", (it, token = "") => it.deleteBlob(name, digest, token)],
    deleteTag: ["delete", (it, token = "") => it.deleteTag(name, "v1", token)],
  };
  const someUpload = `${Buffer.from(name).toString("base64url")}.00000000-0000-4000-8000-000000000000`;
  const scope = (actions: string) =>
    `Bearer realm="https://auth.example.com/token",service="my-registry",scope="repository:${name}:${actions}"`;

  test.each(Object.entries(calls))(
    "%s asks the callback, and touches nothing without its true",
    async (_call, [action, call]) => {
      const asked: unknown[] = [];
      const registry = await openFilled({
        authCallback: async (...args) => {
          asked.push(args);
          return false;
        },
      });
      const refused = await call(registry, "t");
      expect(asked).toEqual([["t", name, action]]);
      const actions = action === "push" ? "pull,push" : action;
      expect(refused).toEqual({
        status: 401,
        errors: [{ code: "UNAUTHORIZED", message: "authentication is required" }],
        headers: { "www-authenticate": `${scope(actions)},error="insufficient_scope"` },
      });
      expect(await call(registry)).toMatchObject({ headers: { "www-authenticate": scope(actions) } });
      expect(asked[1]).toEqual(["", name, action]);
      expect((await (await registry.registry()).repository(name).headManifest("v1"))?.digest).toBe(digest);
    },
  );

  test("every method with a token is among these", async () => {
    const registry = await open();
    const others = ["constructor", "init", "registry", "login", "getAuthChallenge"];
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(registry));
    expect(methods.filter((method) => !others.includes(method)).toSorted()).toEqual(
      Object.keys(calls).toSorted(),
    );
  });

  test.each([
    ["nothing", async () => undefined],
    ["false, and not a promise of it", () => false],
    ["an identity", async () => ({ subject: "me" })],
    ["the text true", async () => "true"],
    ["1", async () => 1],
  ])("a callback that answers with %s allows nothing (S30)", async (_case, callback) => {
    const registry = await openFilled({ authCallback: callback as unknown as TAuthCallback });
    expect(await registry.getManifest(name, "v1", "t")).toMatchObject({ status: 401 });
  });

  test("a callback that throws without a token refuses; with one it has failed, and whoever runs the server is told (S30)", async () => {
    const told: unknown[] = [];
    const error = new Error("jwt malformed");
    const registry = await openFilled({
      authCallback: async () => {
        throw error;
      },
      onError: (failure) => told.push(failure),
    });
    expect(await registry.getManifest(name, "v1")).toMatchObject({ status: 401 });
    expect(told).toEqual([]);
    const failed = await registry.getManifest(name, "v1", "t");
    expect(failed).toEqual({
      status: 500,
      errors: [{ code: "UNKNOWN", message: "the registry failed" }],
      headers: {},
    });
    expect(told).toEqual([error]);
  });

  test("getAuthChallenge is exactly what clients of the token service expect", async () => {
    const registry = await open();
    expect(registry.getAuthChallenge(name, ["pull", "push"])).toBe(
      'Bearer realm="https://auth.example.com/token",service="my-registry",scope="repository:library/nginx:pull,push"',
    );
  });

  test("login gives the callback's token, and fails with it or without one", async () => {
    const registry = await open();
    expect(await registry.login({ username: "user", password: "pass" })).toBe("token of user");
    const error = new Error("wrong password");
    const refusing = await open({ loginCallback: () => Promise.reject(error) });
    await expect(refusing.login({ username: "user", password: "pass" })).rejects.toBe(error);
    const silent = await open({ loginCallback: async () => "" });
    await expect(silent.login({ username: "user", password: "pass" })).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
  });
});

describe("the storage", () => {
  test("is not there before init(), which may be tried again", async () => {
    let isBroken = true;
    const storage: StorageDriver = createMemoryDriver();
    const registry = new SmartRegistry({
      get storage() {
        if (isBroken) throw new OciError("UNAVAILABLE", "not yet");
        return storage;
      },
      serviceName: "s",
      tokenRealm: "r",
      loginCallback: async () => "t",
      authCallback: async () => true,
    });
    await expect(registry.getManifest(name, "v1")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(registry.init()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    isBroken = false;
    await registry.init();
    await registry.init();
    expect(await registry.getManifest(name, "v1")).toMatchObject({ status: 404 });
  });

  test("is a bucket by the seven settings of the earlier library", async () => {
    const s3 = await createS3Emulator();
    onTestFinished(() => s3.close());
    const { hostname, port } = new URL(s3.endpoint);
    const registry = await openFilled({
      storage: {
        accessKey: s3.identity.accessKeyId,
        accessSecret: s3.identity.secretAccessKey,
        endpoint: hostname,
        port: Number(port),
        useSsl: false,
        region: s3.region,
        bucketName: s3.bucket,
      },
    });
    expect(resultOf(await registry.getManifest(name, "v1", "t")).digest).toBe(digest);
    expect(s3.ledger.some(({ operation }) => operation === "PutObject")).toBe(true);
  });

  test.each([
    [{}, "https://s3.example.com:443"],
    [{ useSsl: false }, "http://s3.example.com:80"],
    [{ port: 9000 }, "https://s3.example.com:9000"],
    [{ port: 9000, useSsl: false }, "http://s3.example.com:9000"],
  ])("is reached over TLS unless told otherwise: %j", (settings, url) => {
    const all = {
      accessKey: "a",
      accessSecret: "b",
      bucketName: "c",
      endpoint: "s3.example.com",
      ...settings,
    };
    expect(endpointOf(all)).toBe(url);
  });

  test("that fails is a result that tells nothing, and told to whoever runs the server", async () => {
    const told: unknown[] = [];
    const driver = createMemoryDriver();
    const get = async (): Promise<never> => {
      throw new OciError("STORAGE_INVALID", "the disk is broken at /secret");
    };
    const registry = await open({
      storage: { ...driver, documents: Object.assign(driver.documents, { get, head: get }) },
      onError: (error) => told.push(error),
    });
    const failed = await registry.getManifest(name, "v1", "t");
    expect(failed).toMatchObject({ errors: [{ code: "UNKNOWN" }] });
    expect(JSON.stringify(failed)).not.toContain("secret");
    expect(told).toMatchObject([{ code: "STORAGE_INVALID" }]);
  });

  test("is shared with whatever else stands on it", async () => {
    const storage = createMemoryDriver();
    await pushImage(createRegistry(storage).repository(name), image, { tags: ["v1"] });
    const registry = await open({ storage });
    expect(resultOf(await registry.getManifest(name, "v1", "t")).digest).toBe(digest);
  });
});

async function begin(registry: SmartRegistry): Promise<{ readonly uploadId: string }> {
  const begun = resultOf(await registry.initiateUpload(name, "t"));
  if (!("uploadId" in begun)) throw new Error("no upload");
  return begun;
}
