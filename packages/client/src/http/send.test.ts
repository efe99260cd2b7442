import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { digestOf, readAll } from "@drayage/oci";
import { createImage, testCertificate } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient, type Client } from "../client.ts";
import type { ClientOptions } from "../options.ts";
import { errorOf, openScripted } from "../../fixture/scripted.ts";

const impatient: ClientOptions = {
  retry: { attempts: 1 },
  timeouts: { connect: 50, headers: 50, idle: 50 },
};

/** A server on loopback and a client for it, both gone at the end. */
async function serve(
  server: Server | ReturnType<typeof createTcpServer>,
  options: ClientOptions = impatient,
) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client: Client = createClient(options);
  const { port } = server.address() as AddressInfo;
  return {
    repository: client.registry(`127.0.0.1:${port}`).repository("a"),
    async [Symbol.asyncDispose]() {
      await client.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
    },
  };
}

describe("C14 a server that does not go on", () => {
  it("with an answer is a TIMEOUT", async () => {
    await using opened = await serve(createServer(() => undefined));
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "TIMEOUT" });
  });

  it("with a body is a TIMEOUT", async () => {
    await using opened = await serve(
      createServer((_request, response) => void response.writeHead(200).write("{")),
    );
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "TIMEOUT" });
  });
});

describe("C14 a server that goes on for ever", () => {
  it("with a short body, byte by byte, is a TIMEOUT", async () => {
    const dripping = createServer((_request, response) => {
      response.writeHead(200, { "content-length": 60_000 });
      const timer = setInterval(() => response.write("{"), 10);
      response.on("close", () => clearInterval(timer));
    });
    const minRate = { bytes: 1_000_000, window: 50 };
    await using opened = await serve(dripping, { ...impatient, minRate });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "TIMEOUT" });
  });

  it("with interim answers is a RESPONSE_INVALID", async () => {
    const hinting = createTcpServer((socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 1);
      socket.on("error", () => undefined).on("close", () => clearInterval(timer));
    });
    await using opened = await serve(hinting, { retry: { attempts: 1 } });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "RESPONSE_INVALID" });
  });
});

it("a body without a least rate may take as long as it likes, an empty one too", async () => {
  const slow = createServer((_request, response) => {
    response.writeHead(404, { "content-length": 2 });
    response.write("{");
    setTimeout(() => response.end("}"), 20);
  });
  await using opened = await serve(slow, { retry: { attempts: 1 }, minRate: { bytes: 0, window: 0 } });
  expect(await opened.repository.headManifest("v1")).toBeUndefined();
  expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ status: 404, detail: "{}" });
});

it.each([
  ["a manifest in a content encoding", { "content-encoding": "gzip" }, "manifest"],
  ["a blob in a content encoding", { "content-encoding": "gzip", "content-length": 100_000 }, "blob"],
  ["a blob of unknown size", {}, "blob"],
])("%s frees its connection", async (_what, headers, kind) => {
  const unread = new Set<ServerResponse>();
  const endless = createServer(({ method }, response) => {
    response.writeHead(method === "HEAD" ? 403 : 200, headers);
    if (method === "HEAD") return void response.end();
    unread.add(response);
    response.on("close", () => unread.delete(response));
    response.write("x");
  });
  await using opened = await serve(endless, { retry: { attempts: 1 }, timeouts: { idle: 600_000 } });
  const { repository } = opened;
  const read = async () => {
    if (kind === "manifest") return repository.getManifest("v1");
    const { body } = await repository.getBlob(digestOf(new Uint8Array()));
    return readAll(body, { limit: 0 });
  };
  expect(await errorOf(read)).toMatchObject({ code: "RESPONSE_INVALID" });
  await expect.poll(() => unread.size).toBe(0);
});

describe("a connection that is being made", () => {
  /** Takes connections, and says nothing of what TLS wants to hear. */
  async function openMute() {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const server = createTcpServer((socket) => {
      reach();
      socket.on("error", () => undefined).on("close", () => resolve());
      socket.resume();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const url = `127.0.0.1:${port}`;
    return { url, reached, closed, [Symbol.asyncDispose]: async () => void server.close() };
  }

  const patient: ClientOptions = { timeouts: { connect: 600_000 }, retry: { attempts: 1 } };

  it("does not keep an abort waiting", async () => {
    await using mute = await openMute();
    await using client = createClient({ ...patient, hosts: { [mute.url]: { plainHttp: false } } });
    const controller = new AbortController();
    const { signal } = controller;
    const asked = errorOf(client.repository(`${mute.url}/a`).getManifest("v1", { signal }));
    await mute.reached;
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await asked).toBe(reason);
  });

  it("ends with the client", async () => {
    await using mute = await openMute();
    const client = createClient({ ...patient, hosts: { [mute.url]: { plainHttp: false } } });
    const asked = errorOf(client.repository(`${mute.url}/a`).getManifest("v1"));
    await mute.reached;
    await client.close();
    await mute.closed;
    expect(await asked).toMatchObject({ code: "CONNECTION_FAILED" });
  });

  it("ends with the client where a proxy makes it", async () => {
    await using mute = await openMute();
    const network = { proxy: { https: { url: `http://${mute.url}` } } };
    const client = createClient({ ...patient, network });
    const asked = errorOf(client.repository("registry.test/a").getManifest("v1"));
    await mute.reached;
    await client.close();
    await mute.closed;
    expect(await asked).toMatchObject({ code: "CONNECTION_FAILED" });
  });
});

it("C38 headers beyond 64 KiB are a LIMIT_EXCEEDED, and below are taken (attest-build-provenance#606)", async () => {
  const image = createImage({ layers: 1 });
  const answerWith = (length: number) =>
    createServer({ maxHeaderSize: 128 * 1024 }, (_request, response) => {
      response.writeHead(200, {
        "x-long": "x".repeat(length),
        "content-type": image.document.descriptor.mediaType,
      });
      response.end(image.document.bytes);
    });
  await using long = await serve(answerWith(40_000));
  expect(await long.repository.getManifest("v1")).toMatchObject({ descriptor: image.document.descriptor });
  await using tooLong = await serve(answerWith(70_000));
  expect(await errorOf(tooLong.repository.getManifest("v1"))).toMatchObject({ code: "LIMIT_EXCEEDED" });
});

it("a refused connection says where and what", async () => {
  const server = createTcpServer();
  const opened = await serve(server);
  const { port } = server.address() as AddressInfo;
  server.close();
  const error = await errorOf(opened.repository.getManifest("v1"));
  expect(error).toMatchObject({
    code: "CONNECTION_FAILED",
    method: "GET",
    url: `http://127.0.0.1:${port}/v2/a/manifests/v1`,
    retryable: true,
    cause: { code: "ECONNREFUSED" },
  });
});

describe("a connection that will fail again", () => {
  it("to a name that nobody has is tried once", async () => {
    const names: string[] = [];
    const client = createClient({
      retry: { minDelay: 1 },
      network: {
        lookup: (name, _options, callback) => {
          names.push(name);
          callback(Object.assign(new Error("none"), { code: "ENOTFOUND" }), "", 0);
        },
      },
    });
    const error = await errorOf(client.repository("registry.example/a").getManifest("v1"));
    await client.close();
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false, attempt: 1 });
    expect(names).toEqual(["registry.example"]);
  });

  it("because no name server could be asked is tried again", async () => {
    let count = 0;
    const client = createClient({
      retry: { minDelay: 1, maxDelay: 1, attempts: 3 },
      network: {
        lookup: (_name, _options, callback) => {
          count++;
          callback(Object.assign(new Error("none"), { code: "EAI_AGAIN" }), "", 0);
        },
      },
    });
    const error = await errorOf(client.repository("registry.example/a").getManifest("v1"));
    await client.close();
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: true });
    expect(count).toBe(3);
  });

  it("because https is spoken to http is tried once, and the error says so", async () => {
    await using opened = await openScripted({}, () => ({ hosts: {} }));
    const error = await errorOf(opened.repository.getManifest("v1"));
    expect(error).toMatchObject({
      code: "CONNECTION_FAILED",
      retryable: false,
      attempt: 1,
      cause: { code: "ERR_SSL_WRONG_VERSION_NUMBER" },
    });
    expect(error).toMatchObject({ hint: expect.stringContaining(".plainHttp permits http") as unknown });
  });

  it("because http is spoken to https says so too", async () => {
    await using opened = await openScripted({ tls: testCertificate });
    const error = await errorOf(opened.repository.getManifest("v1"));
    expect(error).toMatchObject({ hint: expect.stringContaining("it may speak https") as unknown });
  });
});

it("C40 proxies of the environment are not used", async () => {
  process.env["HTTP_PROXY"] = process.env["http_proxy"] = "http://127.0.0.1:1";
  try {
    await using opened = await openScripted();
    expect(await opened.repository.headManifest("v1")).toBeUndefined();
  } finally {
    delete process.env["HTTP_PROXY"];
    delete process.env["http_proxy"];
  }
});

it("asks for no encoding", async () => {
  await using opened = await openScripted();
  await opened.repository.headManifest("v1");
  expect(opened.server.ledger[0]?.headers).toMatchObject({
    "accept-encoding": "identity",
    "user-agent": "drayage",
  });
});

it("a download that is left unread, before or after its first chunk, frees its connection", async () => {
  const image = createImage({ layers: [{ size: 8 * 1024 * 1024 }] });
  await using opened = await openScripted();
  await opened.server.content.add("library/app", image);
  const { digest } = image.layers[0]?.descriptor ?? image.document.descriptor;
  const before = await opened.repository.getBlob(digest);
  await before.body[Symbol.asyncIterator]().return?.();
  const after = await opened.repository.getBlob(digest);
  for await (const chunk of after.body) if (chunk.byteLength > 0) break;
  await expect.poll(() => process.getActiveResourcesInfo().includes("TCPSocketWrap")).toBe(false);
});
