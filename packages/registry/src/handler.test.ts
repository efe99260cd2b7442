import { MemoryRegistry, OciError, parseRoute, type OciErrorCode, type Registry } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createHandler } from "./handler.ts";
import { operationsOf } from "./http/route-table.ts";
import type { FailedRequest } from "./options.ts";
import { createRegistry } from "./registry.ts";
import { ask, registries, serve, speak } from "../fixture/serve.ts";

const digest = createImage().document.descriptor.digest;
const upload = "/v2/a/blobs/uploads/00000000-0000-0000-0000-000000000000";
const paths = [
  "/v2/",
  "/v2/_catalog",
  "/v2/a/tags/list",
  "/v2/a/manifests/v1",
  `/v2/a/blobs/${digest}`,
  "/v2/a/blobs/uploads/",
  upload,
  `/v2/a/referrers/${digest}`,
];

/** A registry of which everything fails with `error`. */
function failing(error: unknown): Registry {
  const fail = (): never => {
    throw error;
  };
  return { repository: fail, listRepositories: fail };
}

describe.each(registries)("every route over %s", (_name, create) => {
  test.each(["/v2/", "/v2"])("GET %s says that the distribution-spec is spoken", async (target) => {
    const server = await serve(create());
    const { status, headers, json } = await ask(server, "GET", target);
    expect([status, json]).toEqual([200, {}]);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "docker-distribution-api-version": "registry/2.0",
    });
    expect((await ask(server, "HEAD", target)).headers["content-length"]).toBe("2");
  });

  test.each(paths)(
    "%s answers every method, errors in JSON, and never as something to run (S19)",
    async (path) => {
      const server = await serve(create());
      for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]) {
        const { status, headers, codes } = await ask(server, method, path);
        expect([method, status < 500]).toEqual([method, true]);
        expect(headers).toMatchObject({
          "docker-distribution-api-version": "registry/2.0",
          "x-content-type-options": "nosniff",
        });
        expect(headers["x-request-id"]).toBeDefined();
        expect(headers["access-control-allow-origin"]).toBeUndefined();
        expect(headers["server"]).toBeUndefined();
        const isError = status >= 400;
        expect(headers["content-type"] ?? "").toMatch(isError ? /^application\/json$/ : "");
        expect(codes).toHaveLength(isError && method !== "HEAD" ? 1 : 0);
      }
    },
  );

  test.each(paths)("a method that %s does not know is 405 with those it does", async (path) => {
    const server = await serve(create());
    const known = Object.keys(operationsOf(parseRoute(path) ?? { kind: "base" }));
    const { status, headers, codes } = await ask(server, "TRACE", path);
    expect([status, codes, headers.allow]).toEqual([405, ["UNSUPPORTED"], [...known, "OPTIONS"].join(", ")]);
    const options = await ask(server, "OPTIONS", path);
    expect([options.status, options.headers.allow]).toEqual([204, headers.allow]);
  });

  test.each([
    "/",
    "/v1/",
    "/v2x",
    "/v2//",
    "/v2/a",
    "/v2//tags/list",
    "/v2/../v2/",
    "/v2/a/../b/tags/list",
    "/v2/a/./tags/list",
    "/v2/a%2Fb/tags/list",
    "/v2/%2e%2e/tags/list",
    "/v2/a//b/tags/list",
    "/v2/a/manifests/",
    "/v2/a/manifests/%2e%2e",
    "/v2/a/manifests/v1/",
    "/v2/a/tags/list/",
    "/v2/_oci/unknown",
  ])("%s is 404 without a redirect", async (target) => {
    const server = await serve(create());
    const { status, codes } = await ask(server, "GET", target);
    expect([status, codes]).toEqual([404, ["NAME_UNKNOWN"]]);
  });

  test.each(["A", "a_", "-a", "a..b", "a___b", "a/-b", "_a", "x".repeat(256)])(
    "the name %s is 400 NAME_INVALID on every route",
    async (name) => {
      const server = await serve(create());
      for (const path of [`tags/list`, `manifests/v1`, `blobs/${digest}`, `referrers/${digest}`]) {
        const { status, codes } = await ask(server, "GET", `/v2/${name}/${path}`);
        expect([path, status, codes]).toEqual([path, 400, ["NAME_INVALID"]]);
      }
      expect((await ask(server, "POST", `/v2/${name}/blobs/uploads/`)).codes).toEqual(["NAME_INVALID"]);
    },
  );

  test.each(["blobs", "manifests", "tags", "tags/list", "blobs/uploads", "a/manifests/b", "referrers"])(
    "a repository may be called %s",
    async (name) => {
      const registry = create();
      const image = createImage();
      await pushImage(registry.repository(name), image, { tags: ["v1"] });
      const server = await serve(registry);
      expect((await ask(server, "GET", `/v2/${name}/tags/list`)).json).toEqual({ name, tags: ["v1"] });
      expect((await ask(server, "GET", `/v2/${name}/manifests/v1`)).status).toBe(200);
      const config = image.config.descriptor.digest;
      expect((await ask(server, "GET", `/v2/${name}/blobs/${config}`)).status).toBe(200);
    },
  );

  test("an absolute-form target names no resource of ours", async () => {
    const server = await serve(create());
    const answer = await speak(
      server,
      "GET http://evil.example/v2/ HTTP/1.1",
      "Host: x",
      "Connection: close",
    );
    expect(answer).toMatch(/^HTTP\/1.1 404 /);
  });
});

test("pulling needs pull, changing needs push, removing needs delete; who pushes may also give an upload up (S4)", () => {
  const table = paths.map((path) => {
    const operations = operationsOf(parseRoute(path) ?? { kind: "base" });
    return Object.entries(operations).map(([method, { access }]) => `${method} ${access.join("+")}`);
  });
  const reading = ["GET pull", "HEAD pull"];
  expect(table).toEqual([
    ["GET ", "HEAD "],
    reading,
    reading,
    [...reading, "PUT pull+push", "DELETE delete"],
    [...reading, "DELETE delete"],
    ["POST pull+push"],
    ["GET pull+push", "HEAD pull+push", "PATCH pull+push", "PUT pull+push", "DELETE pull+push"],
    reading,
  ]);
});

test("the repository is opened for what the operation may do", async () => {
  const registry = createRegistry(createMemoryDriver());
  const accesses: unknown[] = [];
  const server = await serve({
    repository(name, options) {
      accesses.push(options?.access);
      return registry.repository(name, options);
    },
    listRepositories: (options) => registry.listRepositories(options),
  });
  await ask(server, "GET", "/v2/a/manifests/v1");
  await ask(server, "DELETE", "/v2/a/manifests/v1");
  expect(accesses).toEqual([["pull"], ["delete"]]);
});

test("a request id is taken over if it is one, else made", async () => {
  const server = await serve(new MemoryRegistry());
  const idOf = async (id: string) =>
    (await ask(server, "GET", "/v2/", { headers: { "x-request-id": id } })).headers["x-request-id"];
  expect(await idOf("Req-1.2_3")).toBe("Req-1.2_3");
  expect(await idOf("a b<script>")).toMatch(/^[0-9a-f-]{36}$/);
  expect(await idOf("x".repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
});

test.each<[OciErrorCode, number, string]>([
  ["BLOB_UNKNOWN", 404, "BLOB_UNKNOWN"],
  ["BLOB_UPLOAD_INVALID", 400, "BLOB_UPLOAD_INVALID"],
  ["BLOB_UPLOAD_UNKNOWN", 404, "BLOB_UPLOAD_UNKNOWN"],
  ["DIGEST_INVALID", 400, "DIGEST_INVALID"],
  ["DIGEST_MISMATCH", 400, "DIGEST_INVALID"],
  ["MANIFEST_BLOB_UNKNOWN", 400, "MANIFEST_BLOB_UNKNOWN"],
  ["MANIFEST_INVALID", 400, "MANIFEST_INVALID"],
  ["MANIFEST_UNKNOWN", 404, "MANIFEST_UNKNOWN"],
  ["NAME_INVALID", 400, "NAME_INVALID"],
  ["NAME_UNKNOWN", 404, "NAME_UNKNOWN"],
  ["SIZE_INVALID", 400, "SIZE_INVALID"],
  ["SIZE_MISMATCH", 400, "SIZE_INVALID"],
  ["UNAUTHORIZED", 401, "UNAUTHORIZED"],
  ["DENIED", 403, "DENIED"],
  ["UNSUPPORTED", 405, "UNSUPPORTED"],
  ["TOOMANYREQUESTS", 429, "TOOMANYREQUESTS"],
  ["TAG_INVALID", 400, "MANIFEST_INVALID"],
  ["PRECONDITION_FAILED", 412, "DENIED"],
  ["LIMIT_EXCEEDED", 413, "SIZE_INVALID"],
  ["STORAGE_FULL", 503, "UNKNOWN"],
  ["UNAVAILABLE", 503, "UNKNOWN"],
  ["STORAGE_INVALID", 500, "UNKNOWN"],
  ["RESPONSE_INVALID", 500, "UNKNOWN"],
])("%s is answered with %i and one of the codes of the distribution-spec: %s", async (code, status, said) => {
  const server = await serve(failing(new OciError(code, "because")));
  const answer = await ask(server, "GET", "/v2/a/manifests/v1");
  expect([answer.status, answer.codes]).toEqual([status, [said]]);
  const isLater = status === 503 || status === 429;
  expect(answer.headers["retry-after"] !== undefined).toBe(isLater);
});

test("a 429 says when to come back, in seconds", async () => {
  const server = await serve(failing(new OciError("TOOMANYREQUESTS", "slowly", { retryAfter: 1500 })));
  expect((await ask(server, "GET", "/v2/_catalog")).headers["retry-after"]).toBe("2");
});

test.each([
  new Error("cannot open /secret/path"),
  new OciError("STORAGE_INVALID", "damaged: /secret/path"),
  "a string",
])("what fails inside is told to whoever runs the server, and to nobody else", async (error) => {
  const told: [unknown, FailedRequest][] = [];
  const server = await serve(failing(error), { onError: (...about) => told.push(about) });
  const answer = await ask(server, "GET", "/v2/a/tags/list?n=1", { headers: { "x-request-id": "id1" } });
  expect(answer.status).toBe(500);
  expect(answer.body.toString()).not.toMatch(/secret|string|\.ts/);
  expect(told).toEqual([[error, { id: "id1", method: "GET", path: "/v2/a/tags/list?n=1" }]]);
});

test("what a client does wrong is not reported as a failure of ours", async () => {
  const told: unknown[] = [];
  const server = await serve(new MemoryRegistry(), { onError: (error) => told.push(error) });
  await ask(server, "GET", "/v2/a/manifests/v1");
  expect(told).toEqual([]);
});

describe("with allowedHosts", () => {
  const allowedHosts = ["localhost", "127.0.0.1", "[::1]", "Registry.example:5000"];

  test.each(["localhost", "LOCALHOST:1", "127.0.0.1:5000", "[::1]:5000", "registry.example:5000"])(
    "a request to %s is answered",
    async (host) => {
      const server = await serve(new MemoryRegistry(), { allowedHosts });
      expect((await ask(server, "GET", "/v2/", { headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "localhost.evil.example:5000",
    "evil.example:localhost",
    "registry.example",
    "[::2]:5000",
  ])(
    "a request to %s, which somebody may have led here, is 403 DENIED, and changes nothing (S28)",
    async (host) => {
      const registry = new MemoryRegistry();
      const server = await serve(registry, { allowedHosts });
      for (const [method, path] of [
        ["GET", "/v2/_catalog"],
        ["POST", "/v2/a/blobs/uploads/"],
        ["OPTIONS", "/v2/"],
        ["GET", "/elsewhere"],
      ] as const) {
        const { status, codes } = await ask(server, method, path, { headers: { host } });
        expect([path, status, codes]).toEqual([path, 403, ["DENIED"]]);
      }
    },
  );
});

test("no answer allows a page of another origin to read it (S28)", async () => {
  const server = await serve(new MemoryRegistry());
  for (const path of paths) {
    for (const method of ["GET", "OPTIONS", "PUT"]) {
      const headers = { origin: "https://evil.example", "access-control-request-method": "PUT" };
      const answer = await ask(server, method, path, { headers });
      const allowing = Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"));
      expect([method, path, allowing]).toEqual([method, path, []]);
    }
  }
});

test("ns, by which a proxy is told whom to ask, changes nothing here and is not claimed to", async () => {
  const registry = new MemoryRegistry();
  const image = createImage();
  await pushImage(registry.repository("a"), image, { tags: ["v1"] });
  const server = await serve(registry);
  const config = image.config.descriptor.digest;
  for (const path of ["manifests/v1", `blobs/${config}`, "tags/list", `referrers/${config}`]) {
    const [plain, asked] = [
      await ask(server, "GET", `/v2/a/${path}`),
      await ask(server, "GET", `/v2/a/${path}?ns=registry.example`),
    ];
    expect([path, asked.status, asked.body.equals(plain.body)]).toEqual([path, 200, true]);
    expect(asked.headers["oci-namespace"]).toBeUndefined();
  }
});

describe("with a publicUrl", () => {
  test("every Location begins with it, whatever Host and X-Forwarded-Host say (S20)", async () => {
    const registry = createRegistry(createMemoryDriver());
    await pushImage(registry.repository("a"), createImage(), { tags: ["v1"] });
    const server = await serve(registry, { publicUrl: "https://registry.example.com/" });
    const headers = { host: "evil.example", "x-forwarded-host": "evil.example" };
    const { document, config } = createImage();
    const answers = [
      await ask(server, "POST", "/v2/a/blobs/uploads/", { headers }),
      await ask(server, "POST", `/v2/a/blobs/uploads/?mount=${config.descriptor.digest}&from=a`, { headers }),
      await ask(server, "PUT", "/v2/a/manifests/v2", { headers, body: document.bytes }),
    ];
    for (const answer of answers) {
      expect(answer.headers.location).toMatch(/^https:\/\/registry\.example\.com\/v2\/a\//);
    }
  });

  test("a Location where the storage keeps a blob stays what it is", async () => {
    const locateBlob = async (): Promise<string> => "https://bucket.example/blob?signature=x";
    const registry = createRegistry(createMemoryDriver());
    const located: Registry = {
      ...registry,
      repository: (name) => Object.assign(registry.repository(name), { locator: { locateBlob } }),
    };
    const server = await serve(located, { publicUrl: "https://registry.example.com" });
    const { status, headers } = await ask(server, "GET", `/v2/a/blobs/${digest}`);
    expect([status, headers.location]).toEqual([307, "https://bucket.example/blob?signature=x"]);
  });

  test.each([
    "registry.example.com",
    "ftp://a",
    "https://",
    "https://a/path",
    "https://u:p@a",
    "https://a?b",
  ])("%s is none", (publicUrl) => {
    expect(() => createHandler(new MemoryRegistry(), { publicUrl })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
