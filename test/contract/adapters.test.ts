import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  Agent,
  createServer,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@drayage/client";
import {
  bytesOf,
  digestOf,
  documentOf,
  mediaType,
  OciError,
  Secret,
  type Bytes,
  type Registry,
} from "@drayage/oci";
import {
  basicMethod,
  createExpressMiddleware,
  createFastifyPlugin,
  createFetchHandler,
  createMemoryDriver,
  createRegistry,
  emptyReply,
  type HandlerOptions,
  type ServedRequest,
} from "@drayage/registry";
import { conformanceContract, createImage, pushImage, repositoryContract } from "@drayage/testkit";
import express, { type ErrorRequestHandler } from "express";
import Fastify from "fastify";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { frameworks, startServer, type Mounted } from "./frameworks.ts";

const mebibyte = 1024 * 1024;

// Hono's server tells the console of every answer that it has to cut.
beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue(undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});
const uploads = "/v2/a/blobs/uploads/";

describe.each(frameworks)("%s", (name, mount) => {
  // The other two are these with other words.
  if (["Express 5", "Fastify", "Hono"].includes(name))
    repositoryContract({
      name: `client and registry over ${name}`,
      // No request of the distribution-spec asks for it.
      traits: { inventory: false },
      async open() {
        const mounted = await mount(createRegistry(createMemoryDriver()));
        const client = createClient();
        return {
          registry: client.registry(mounted.host),
          async close() {
            await client.close();
            await mounted.close();
          },
        };
      },
    });

  conformanceContract({
    name,
    async open() {
      const mounted = await mount(createRegistry(createMemoryDriver()));
      return { urls: [mounted.url], close: () => mounted.close() };
    },
  });

  const open = async (registry: Registry, options?: HandlerOptions): Promise<Mounted> => {
    const mounted = await mount(registry, options);
    onTestFinished(() => mounted.close());
    return mounted;
  };

  test("leaves all other paths, and the bodies of their requests, to the application", async () => {
    const { url } = await open(createRegistry(createMemoryDriver()));
    expect(await (await fetch(`${url}/hello`)).json()).toEqual({ hello: null });
    const body = JSON.stringify({ a: 1 });
    const headers = { "content-type": "application/json" };
    const posted = await fetch(`${url}/hello`, { method: "POST", body, headers });
    expect(await posted.json()).toEqual({ hello: 1 });
  });

  test("takes names as long as the distribution-spec lets them be", async () => {
    const { host } = await open(createRegistry(createMemoryDriver()));
    await using client = createClient();
    const long = `${"a".repeat(120)}/${"b".repeat(134)}`;
    const repository = client.registry(host).repository(long);
    const { document } = createImage();
    await pushImage(repository, createImage(), { tags: ["v1"] });
    expect((await repository.getManifest("v1")).descriptor.digest).toBe(document.descriptor.digest);
  });

  test("answers at the endpoints too, and everywhere with the headers of a registry", async () => {
    const endpoints = { "/token": { GET: async () => emptyReply(204, { "x-a": "b" }) } };
    const { url } = await open(createRegistry(createMemoryDriver()), { endpoints });
    const token = await fetch(`${url}/token?service=x`);
    expect([token.status, token.headers.get("x-a")]).toEqual([204, "b"]);
    // What Fastify cannot decode never comes to its plugins.
    const undecodable = name === "Fastify" ? [] : ["/v2/%FF"];
    for (const path of ["/v2", "/v2/", "/v2/nothing/here", ...undecodable]) {
      const response = await fetch(url + path);
      expect([path, response.headers.get("content-type")]).toEqual([path, "application/json"]);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
    }
  });

  test("answers only to the names that it is given (S28)", async () => {
    const { url, host } = await open(createRegistry(createMemoryDriver()), { allowedHosts: ["127.0.0.1"] });
    expect((await fetch(`${url}/v2/`)).status).toBe(200);
    const request = requestTo(host, "GET", "/v2/", { host: "rebound.example" });
    const response = await responseTo(request.end());
    expect(response.statusCode).toBe(403);
    request.destroy();
  });

  test("knows who asks, and from where", async () => {
    const served: ServedRequest[] = [];
    const accounts = {
      logIn: async ({ username, password }: { username: string; password: Secret }) =>
        password.equals(new Secret("pw")) ? { identity: { subject: username } } : undefined,
    };
    const { url } = await open(createRegistry(createMemoryDriver()), {
      ...basicMethod(accounts),
      onResponse: (request) => served.push(request),
    });
    expect((await fetch(`${url}/v2/`)).status).toBe(401);
    const authorization = `Basic ${Buffer.from("me:pw").toString("base64")}`;
    const response = await fetch(`${url}/v2/a/tags/list?n=1`, { headers: { authorization } });
    await response.text();
    await expect.poll(() => served.length).toBe(2);
    expect(served[0]).toMatchObject({ method: "GET", path: "/v2/", status: 401, subject: undefined });
    expect(served[1]).toMatchObject({
      id: response.headers.get("x-request-id"),
      path: "/v2/a/tags/list",
      status: 404,
      isComplete: true,
      subject: "me",
      sent: Number(response.headers.get("content-length")),
      // The standard says nothing of connections.
      address: name === "fetch" ? undefined : "127.0.0.1",
    });
  });

  test("a large body that is refused costs nobody the answer", async () => {
    const { host } = await open(createRegistry(createMemoryDriver()));
    const request = requestTo(host, "PUT", "/v2/a/manifests/v1", { "content-length": String(8 * mebibyte) });
    const answered = responseTo(request);
    const half = Buffer.alloc(4 * mebibyte + 1);
    request.on("error", () => undefined).write(half);
    const response = await answered;
    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  test("an upload is read no faster than it is stored", async () => {
    const stuck = Promise.withResolvers<void>();
    onTestFinished(() => stuck.resolve());
    const { host } = await open(slowly(stuck.promise));
    const location = await begin(host);
    const request = requestTo(host, "PATCH", location, { "content-type": "application/octet-stream" });
    request.on("error", () => undefined);
    let written = 0;
    const piece = Buffer.alloc(mebibyte);
    const isStalled = async (): Promise<boolean> =>
      Promise.race([once(request, "drain").then(() => false), delay(100).then(() => true)]);
    while (written < 128) {
      written++;
      if (!request.write(piece) && (await isStalled())) break;
    }
    expect(written).toBeLessThan(64);
    request.destroy();
  });

  test("a blob is read from storage no faster than it is taken", async () => {
    const progress = { read: 0, isEnded: false };
    const { host, url } = await open(endless(progress));
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) }).on("error", () => undefined);
    socket.pause();
    socket.write(`GET /v2/a/blobs/${digestOf(Buffer.alloc(0))} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = progress.read > 0 && progress.read === before;
          before = progress.read;
          return isStill;
        },
        { interval: 80 },
      )
      .toBe(true);
    expect(progress.read).toBeLessThan(64 * mebibyte);
    expect(progress.isEnded).toBe(false);
    socket.destroy();
    await expect.poll(() => progress.isEnded).toBe(true);
  });

  test("an upload goes on where it was when its client had gone", async () => {
    const registry = createRegistry(createMemoryDriver());
    const { host } = await open(registry);
    await using client = createClient();
    const content = randomBytes(2 * mebibyte);
    const location = await begin(host);
    const request = requestTo(host, "PATCH", location, { "content-type": "application/octet-stream" });
    request.on("error", () => undefined).write(content.subarray(0, mebibyte));
    const repository = client.registry(host).repository("a");
    const id = location.split("/").at(-1)?.split("?")[0] ?? "";
    await delay(50);
    request.destroy();
    const stored = registry.repository("a");
    const resume = async (): Promise<number> => (await stored.openUpload({ id })).offset;
    await expect.poll(resume).toBe(mebibyte);
    const session = await repository.openUpload({ id: location });
    await expect
      .poll(() => session.append(bytesOf(content.subarray(mebibyte)), { at: mebibyte }).catch(String))
      .toBe(2 * mebibyte);
    await session.commit(digestOf(content));
    const { body } = await repository.getBlob(digestOf(content));
    expect(Buffer.concat(await Array.fromAsync(body)).equals(content)).toBe(true);
  });

  test("what breaks in the middle of a blob is cut, and told to whoever runs the server", async () => {
    const errors: unknown[] = [];
    const { url } = await open(breaking(), { onError: (error) => errors.push(error) });
    const response = await fetch(`${url}/v2/a/blobs/${digestOf(Buffer.alloc(0))}`);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
    await expect.poll(() => errors).toMatchObject([{ code: "STORAGE_INVALID" }]);
  });

  test("a client that takes nothing any more does not keep a blob open", async () => {
    const progress = { read: 0, isEnded: false };
    const errors: unknown[] = [];
    const options = { idleTimeout: 50, onError: (error: unknown) => errors.push(error) };
    const { host, url } = await open(endless(progress), options);
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) }).on("error", () => undefined);
    socket.pause();
    socket.write(`GET /v2/a/blobs/${digestOf(Buffer.alloc(0))} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await expect.poll(() => progress.isEnded).toBe(true);
    socket.destroy();
  });

  test("a client that falls silent in the middle of a chunk is answered, and keeps what it has sent", async () => {
    const registry = createRegistry(createMemoryDriver());
    const { host } = await open(registry, { idleTimeout: 50 });
    const location = await begin(host);
    const request = requestTo(host, "PATCH", location, { "content-length": "10" });
    request.on("error", () => undefined).write("12345");
    const response = await responseTo(request);
    expect(response.statusCode).toBe(408);
    request.destroy();
    const id = location.split("/").at(-1)?.split("?")[0] ?? "";
    expect((await registry.repository("a").openUpload({ id })).offset).toBe(5);
  });
});

test("in Express, what has read a body before the registry is an error that says so", async () => {
  const app = express();
  app.use(express.raw({ type: "*/*" }));
  app.use(createExpressMiddleware(createRegistry(createMemoryDriver())));
  const seen: unknown[] = [];
  app.use(((error, _request, response, _next) => {
    seen.push(error);
    response.status(500).end();
  }) satisfies ErrorRequestHandler);
  const { url } = await start(app);
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  expect((await fetch(url + uploads, { method: "POST" })).status).toBe(202);
  const put = await fetch(`${url}/v2/a/manifests/v1`, { method: "PUT", body: "{}" });
  expect(put.status).toBe(500);
  expect(seen).toMatchObject([
    { code: "OPTION_INVALID", hint: "app.use() the registry before express.json() and the like" },
  ]);
});

test("in Express, a path that it is mounted at changes nothing", async () => {
  const app = express();
  app.use("/v2", createExpressMiddleware(createRegistry(createMemoryDriver())));
  const { url } = await start(app);
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  expect((await fetch(url + uploads, { method: "POST" })).headers.get("location")).toContain(uploads);
});

test("in Fastify, a prefix is refused", async () => {
  const app = Fastify();
  const plugin = createFastifyPlugin(createRegistry(createMemoryDriver()));
  await expect(app.register(plugin, { prefix: "/registry" })).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
});

test("in fetch, the URL tells which host is meant where no header does (S28)", async () => {
  const handle = createFetchHandler(createRegistry(createMemoryDriver()), {
    allowedHosts: ["registry.test"],
  });
  const statusOf = async (url: string): Promise<number> => (await handle(new Request(url))).status;
  expect(await statusOf("http://registry.test/v2/#a/b?c")).toBe(200);
  expect(await statusOf("https://registry.test:5000/v2/")).toBe(200);
  expect(await statusOf("http://rebound.test/v2/?x=http://registry.test/")).toBe(403);
});

test("in fetch, a body that somebody has read is refused", async () => {
  const handle = createFetchHandler(createRegistry(createMemoryDriver()));
  const request = new Request("http://registry.test/v2/a/manifests/v1", {
    method: "PUT",
    body: "{}",
    headers: { "content-type": mediaType.ociManifest },
  });
  await request.text();
  const response = await handle(request);
  expect([response.status, response.headers.get("content-type")]).toEqual([400, "application/json"]);
});

async function start(app: RequestListener): Promise<Mounted> {
  const mounted = await startServer(createServer(app));
  onTestFinished(() => mounted.close());
  return mounted;
}

async function begin(host: string): Promise<string> {
  const response = await fetch(`http://${host}${uploads}`, { method: "POST" });
  expect(response.status).toBe(202);
  return response.headers.get("location") ?? "";
}

function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });
}

function requestTo(
  host: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): ClientRequest {
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  return httpRequest(`http://${host}`, { method, path, headers, agent });
}

/** A registry whose uploads take their first bytes, and more only when `until` is there. */
function slowly(until: Promise<void>): Registry {
  const registry = createRegistry(createMemoryDriver());
  return {
    ...registry,
    repository(name, options) {
      const repository = registry.repository(name, options);
      const open = repository.openUpload.bind(repository);
      const openUpload: typeof open = async (wanted) => {
        const session = await open(wanted);
        return Object.assign(session, {
          async append(bytes: Bytes): Promise<number> {
            for await (const _chunk of bytes) await until;
            return 0;
          },
        });
      };
      return Object.assign(repository, { openUpload });
    },
  };
}

/** A registry with a blob whose end is far away. */
function endless(progress: { read: number; isEnded: boolean }): Registry {
  const chunk = Buffer.alloc(64 * 1024);
  return withBlob(1024 * mebibyte, async function* () {
    try {
      for (;;) {
        progress.read += chunk.byteLength;
        yield chunk;
      }
    } finally {
      progress.isEnded = true;
    }
  });
}

function breaking(): Registry {
  return withBlob(2 * mebibyte, async function* () {
    yield Buffer.alloc(mebibyte);
    throw new OciError("STORAGE_INVALID", "the disk has lost it");
  });
}

function withBlob(size: number, body: () => Bytes): Registry {
  const registry = createRegistry(createMemoryDriver());
  const { descriptor } = documentOf(Buffer.alloc(0), mediaType.octetStream);
  return {
    ...registry,
    repository: (name, options) =>
      Object.assign(registry.repository(name, options), {
        getBlob: async () => ({ descriptor: { ...descriptor, size }, body: body() }),
      }),
  };
}
