import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, type Client } from "@drayage/client";
import { SmartRegistry, type Failure, type IRegistryConfig } from "@drayage/compat/smartregistry";
import { bytesOf, isOciError, mediaType, type Repository } from "@drayage/oci";
import { createMemoryDriver, createRegistry } from "@drayage/registry";
import { openS3Driver } from "@drayage/registry-s3";
import { createArtifact, createBlob, createImage, createS3Emulator, pushImage } from "@drayage/testkit";
import express, { type Response as ExpressResponse } from "express";
import express4 from "express-4";
import { describe, expect, onTestFinished, test } from "vitest";

const image = createImage({ layers: 2 });
const { digest } = image.document.descriptor;
const name = "library/nginx";
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** What a method gives, and what its counterpart does on the same content. */
interface Counterpart {
  /** As the table names them. */
  readonly uses: readonly string[];
  readonly run: (earlier: SmartRegistry, repository: Repository) => Promise<readonly [unknown, unknown]>;
}

const artifact = createArtifact({ subject: image.document.descriptor, artifactType: "application/x" });
const loose = createBlob(Buffer.from("0123456789"));
const looser = createBlob(Buffer.from("9876543210"));
const config = image.config.descriptor;
const t = "t";

/** What is expected of a row: the earlier library's methods, in the order of its documentation. */
const counterparts: Readonly<Record<string, Counterpart>> = {
  getManifest: {
    uses: ["repository.getManifest"],
    async run(earlier, repository) {
      const theirs = resultOf(await earlier.getManifest(name, "latest", t));
      return [theirs.data, Buffer.from((await repository.getManifest("latest")).bytes)];
    },
  },
  headManifest: {
    uses: ["repository.headManifest"],
    async run(earlier, repository) {
      const theirs = resultOf(await earlier.headManifest(name, "latest", t));
      const ours = await repository.headManifest("latest");
      return [theirs, { contentType: ours?.mediaType, digest: ours?.digest, size: ours?.size }];
    },
  },
  getBlob: {
    uses: ["repository.getBlob"],
    async run(earlier, repository) {
      const range = { start: 1, end: 5 };
      const theirs = resultOf(await earlier.getBlob(name, config.digest, t, range));
      const { body } = await repository.getBlob(config.digest, { range });
      return [theirs.data, Buffer.concat(await Array.fromAsync(body))];
    },
  },
  headBlob: {
    uses: ["repository.headBlob"],
    async run(earlier, repository) {
      const theirs = resultOf(await earlier.headBlob(name, config.digest, t));
      const ours = await repository.headBlob(config.digest);
      return [theirs, { digest: ours?.digest, size: ours?.size }];
    },
  },
  initiateUpload: {
    uses: ["repository.openUpload", "repository.mountBlob", "repository.putBlob"],
    async run(earlier, repository) {
      const begun = resultOf(await earlier.initiateUpload(name, t));
      const session = await repository.openUpload();
      const mounted = resultOf(await earlier.initiateUpload("copy", t, config.digest, name));
      const taken = await repository.mountBlob(loose.descriptor.digest, { from: "copy" });
      await repository.putBlob(loose.descriptor, loose.open);
      return [
        ["offset" in begun && begun.offset, "digest" in mounted && mounted.digest, undefined],
        [session.offset, config.digest, taken],
      ];
    },
  },
  uploadChunk: {
    uses: ["session.append", "session.status"],
    async run(earlier, repository) {
      const chunk = Buffer.from("0123");
      const theirs = resultOf(await earlier.uploadChunk(await uploadIn(earlier), chunk, "0-3", t));
      const session = await repository.openUpload();
      await session.append(bytesOf(chunk), { at: 0 });
      return [theirs.offset, await session.status()];
    },
  },
  completeUpload: {
    uses: ["session.commit", "session.cancel"],
    async run(earlier, repository) {
      const { digest: wanted } = loose.descriptor;
      const content = Buffer.from("0123456789");
      const theirs = resultOf(await earlier.completeUpload(await uploadIn(earlier), wanted, t, content));
      const session = await repository.openUpload();
      await session.append(bytesOf(content));
      const ours = await session.commit(wanted);
      await session.cancel();
      return [theirs.digest, ours.digest];
    },
  },
  putManifest: {
    uses: ["repository.putManifest"],
    async run(earlier, repository) {
      const { bytes } = image.document;
      const theirs = resultOf(await earlier.putManifest(name, "v1", bytes, mediaType.ociManifest, t));
      const ours = await repository.putManifest(image.document, { tags: ["v2"] });
      return [theirs.digest, ours.digest];
    },
  },
  listTags: {
    uses: ["repository.listTags"],
    async run(earlier, repository) {
      const theirs = resultOf(await earlier.listTags(name, t, { n: 10, last: "latest" }));
      return [theirs.tags, await Array.fromAsync(repository.listTags({ after: "latest" }))];
    },
  },
  getReferrers: {
    uses: ["repository.listReferrers"],
    async run(earlier, repository) {
      const theirs = resultOf(await earlier.getReferrers(name, digest, t));
      expect(theirs.manifests).toHaveLength(1);
      return [theirs.manifests, await Array.fromAsync(repository.listReferrers(digest))];
    },
  },
  deleteManifest: {
    uses: ["repository.deleteManifest"],
    async run(earlier, repository) {
      const theirs = await earlier.deleteManifest(name, artifact.document.descriptor.digest, t);
      return [isDeleted(theirs), (await repository.deleteManifest(digest)) === "deleted"];
    },
  },
  deleteBlob: {
    uses: ["repository.deleteBlob"],
    async run(earlier, repository) {
      for (const blob of [loose, looser]) await repository.putBlob(blob.descriptor, blob.open);
      const theirs = await earlier.deleteBlob(name, loose.descriptor.digest, t);
      return [isDeleted(theirs), (await repository.deleteBlob(looser.descriptor.digest)) === "deleted"];
    },
  },
  deleteTag: {
    uses: ["repository.deleteTag"],
    async run(earlier, repository) {
      const theirs = await earlier.deleteTag(name, "latest", t);
      return [isDeleted(theirs), (await repository.deleteTag("other")) === "deleted"];
    },
  },
};

/** The result, which must be none of a failure. */
function resultOf<Result extends object>(result: Result | Failure): Result {
  if ("errors" in result) throw new Error(JSON.stringify(result));
  return result;
}

function isDeleted(result: object): boolean {
  return "deleted" in result;
}

async function uploadIn(earlier: SmartRegistry): Promise<string> {
  const begun = resultOf(await earlier.initiateUpload(name, t));
  return "uploadId" in begun ? begun.uploadId : "";
}

async function open(config: Partial<IRegistryConfig> = {}): Promise<SmartRegistry> {
  const registry = new SmartRegistry({
    storage: createMemoryDriver(),
    serviceName: "my-registry",
    tokenRealm: "https://auth.example.com/token",
    loginCallback: async () => "t",
    authCallback: async () => true,
    ...config,
  });
  await registry.init();
  return registry;
}

async function serve(app: RequestListener): Promise<string> {
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function openClient(): Client {
  const client = createClient();
  onTestFinished(() => client.close());
  return client;
}

/** All of an image, as a client gets it. */
async function pull(repository: Repository): Promise<void> {
  const document = await repository.getManifest("latest");
  expect(document.descriptor.digest).toBe(digest);
  for (const { descriptor } of image.blobs) {
    const { body } = await repository.getBlob(descriptor.digest);
    for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
  }
}

describe("the documented use of SmartRegistry within Express", () => {
  /** Routes as that library shows them, in the syntax of Express 4. */
  function documented(registry: SmartRegistry): RequestListener {
    const app = express4();
    const tokenOf = (header = ""): string => header.replace("Bearer ", "");
    app.get("/v2/", (_request, response) => {
      response.status(200).json({});
    });
    app.get("/v2/:name(*)/manifests/:reference", async (request, response) => {
      const { name: repository = "", reference = "" } = request.params as Readonly<Record<string, string>>;
      const token = tokenOf(request.headers.authorization);
      const result = await registry.getManifest(repository, reference, token);
      if ("errors" in result) {
        response.status(404).json(result);
        return;
      }
      response.setHeader("Content-Type", result.contentType);
      response.setHeader("Docker-Content-Digest", result.digest);
      response.send(result.data);
    });
    app.get("/v2/:name(*)/blobs/:digest", async (request, response) => {
      const { name: repository = "", digest: blob = "" } = request.params as Readonly<Record<string, string>>;
      const result = await registry.getBlob(repository, blob, tokenOf(request.headers.authorization));
      if ("errors" in result) {
        response.status(404).json(result);
        return;
      }
      response.send(result.data);
    });
    return app;
  }

  test("serves an image to our client, and 404 for another", async () => {
    const registry = await open();
    await pushImage((await registry.registry()).repository(name), image, { tags: ["latest"] });
    const host = await serve(documented(registry));
    const repository = openClient().registry(host).repository(name);
    await pull(repository);
    const absent: unknown = await repository.getManifest("absent").catch((error: unknown) => error);
    expect(isOciError(absent, "MANIFEST_UNKNOWN")).toBe(true);
  });
});

/** What `*name` has matched, which the types of Express do not know beside other parameters. */
function nameIn(params: object): string {
  return "name" in params && Array.isArray(params.name) ? params.name.join("/") : "";
}

/** Every route of a push and a pull over the methods, in the syntax of Express 5. */
function routes(registry: SmartRegistry): RequestListener {
  const app = express();
  const tokenOf = (header = ""): string => header.replace("Bearer ", "");
  const fail = (response: ExpressResponse, { status, headers, errors }: Failure): void => {
    response.status(status).set(headers).json({ errors });
  };
  app.get("/v2/", (_request, response) => void response.json({}));
  app.get("/v2/*name/manifests/:reference", async ({ params, headers }, response) => {
    const token = tokenOf(headers.authorization);
    const result = await registry.getManifest(nameIn(params), params.reference, token);
    if ("errors" in result) return fail(response, result);
    response
      .set({ "content-type": result.contentType, "docker-content-digest": result.digest })
      .send(result.data);
  });
  app.get("/v2/*name/blobs/:digest", async ({ params, headers }, response) => {
    const token = tokenOf(headers.authorization);
    const result = await registry.getBlobStream(nameIn(params), params.digest, token, headers.range);
    if ("errors" in result) return fail(response, result);
    result.stream.pipe(response.set("content-length", String(result.size)));
  });
  app.put("/v2/*name/manifests/:reference", async (request, response) => {
    const { reference } = request.params;
    const token = tokenOf(request.headers.authorization);
    const type = request.headers["content-type"] ?? "";
    const result = await registry.putManifest(nameIn(request.params), reference, request, type, token);
    if ("errors" in result) return fail(response, result);
    response.status(201).set({ location: result.location, "docker-content-digest": result.digest }).end();
  });
  app.post("/v2/*name/blobs/uploads/", async ({ params, query, headers }, response) => {
    const { mount, from } = query as Readonly<Record<string, string | undefined>>;
    const token = tokenOf(headers.authorization);
    const result = await registry.initiateUpload(nameIn(params), token, mount, from);
    if ("errors" in result) return fail(response, result);
    response
      .status("uploadId" in result ? 202 : 201)
      .set("location", result.location)
      .end();
  });
  app.patch("/v2/*name/blobs/uploads/:id", async (request, response) => {
    const { authorization, "content-range": range } = request.headers;
    const result = await registry.uploadChunk(request.params.id, request, range, tokenOf(authorization));
    if ("errors" in result) return fail(response, result);
    response.status(202).set({ location: result.location, range: result.range }).end();
  });
  app.put("/v2/*name/blobs/uploads/:id", async (request, response) => {
    const token = tokenOf(request.headers.authorization);
    const { digest: wanted = "" } = request.query as Readonly<Record<string, string | undefined>>;
    const result = await registry.completeUpload(request.params.id, wanted, token, request);
    if ("errors" in result) return fail(response, result);
    response.status(201).set({ location: result.location, "docker-content-digest": result.digest }).end();
  });
  return app;
}

test("routes over every method are a registry that our client pushes to, in one piece and in chunks", async () => {
  const host = await serve(routes(await open()));
  const repository = openClient().registry(host).repository(name);
  await pushImage(repository, image, { tags: ["latest"] });
  await pull(repository);
  const other = createImage({ seed: 7 });
  for (const { descriptor, open: openBlob } of other.blobs) {
    const session = await repository.openUpload();
    await session.append(await openBlob(0));
    await session.commit(descriptor.digest);
  }
  await repository.putManifest(other.document, { tags: ["other"] });
  expect((await repository.getManifest("other")).descriptor).toEqual(other.document.descriptor);
});

test("a client without a token is told where to get one", async () => {
  const host = await serve(routes(await open({ authCallback: async (token) => token === "t" })));
  const response = await fetch(`http://${host}/v2/${name}/manifests/latest`);
  expect([response.status, response.headers.get("www-authenticate")]).toEqual([
    401,
    `Bearer realm="https://auth.example.com/token",service="my-registry",scope="repository:${name}:pull"`,
  ]);
  const headers = { authorization: "Bearer t" };
  expect((await fetch(`http://${host}/v2/${name}/manifests/latest`, { headers })).status).toBe(404);
});

describe("the table in the README of @drayage/registry", () => {
  const readme = read("packages/registry/README.md");
  const section = readme.slice(readme.indexOf("## Coming from @push.rocks/smartregistry"));
  const rows = [
    ...section.slice(0, section.indexOf("\n## ", 4)).matchAll(/^\| (`[^|]+) \| ([^|]+) \|$/gm),
  ].map(([, names = "", here = ""]) => ({ names: codesIn(names), here: codesIn(here) }));
  const rowOf = (wanted: string): readonly string[] =>
    rows.find(({ names }) => names.includes(wanted))?.here ?? [];

  test("has every method and every setting of that library once", () => {
    expect(rows.flatMap(({ names }) => names)).toEqual([
      "new SmartRegistry",
      "init",
      ...Object.keys(counterparts),
      "login",
      "getAuthChallenge",
      "accessKey",
      "accessSecret",
      "endpoint",
      "port",
      "useSsl",
      "region",
      "bucketName",
      "serviceName",
      "tokenRealm",
      "loginCallback",
      "authCallback",
    ]);
  });

  test.each(Object.entries(counterparts))(
    "%s and its counterpart do the same",
    async (method, { uses, run }) => {
      const codes = rowOf(method).map((code) => code.replace(/\(.*/, ""));
      expect(codes.filter((code) => /^(?:repository|session)\./.test(code))).toEqual(uses);
      const storage = createMemoryDriver();
      const earlier = await open({ storage });
      const repository = createRegistry(storage).repository(name);
      await pushImage(repository, image, { tags: ["latest", "other"] });
      await pushImage(repository, artifact);
      const [theirs, ours] = await run(earlier, repository);
      expect(ours).toEqual(theirs);
      expect(theirs).toBeDefined();
    },
  );

  test("the settings are those of a driver", async () => {
    const s3 = await createS3Emulator();
    onTestFinished(() => s3.close());
    const { endpoint, bucket, region, identity: credentials } = s3;
    const driver = await openS3Driver({ credentials, endpoint, region, bucket });
    await pushImage(createRegistry(driver).repository(name), image, { tags: ["latest"] });
    const { hostname, port } = new URL(endpoint);
    const earlier = await open({
      storage: {
        accessKey: credentials.accessKeyId,
        accessSecret: credentials.secretAccessKey,
        endpoint: hostname,
        port: Number(port),
        useSsl: false,
        region,
        bucketName: bucket,
      },
    });
    expect(await earlier.headManifest(name, "latest")).toMatchObject({ digest });
  });
});

function codesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}
