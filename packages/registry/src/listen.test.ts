import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import {
  bytesOf,
  digestOf,
  documentOf,
  mediaType,
  MemoryRegistry,
  type Bytes,
  type CallOptions,
  type Registry,
  type Repository,
} from "@drayage/oci";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createHandler } from "./handler.ts";
import { listen, type RegistryServer } from "./listen.ts";
import { createRegistry } from "./registry.ts";
import { ask, dial, responseTo, serve, speak } from "../fixture/serve.ts";

const uploads = "/v2/a/blobs/uploads/";

/** A registry whose repositories differ from a new one's in what `change` says. */
function changed(change: () => Partial<Repository>): Registry {
  const registry = createRegistry(createMemoryDriver());
  return {
    repository(name) {
      const repository = registry.repository(name);
      return Object.assign(repository, change());
    },
    listRepositories: (options) => registry.listRepositories(options),
  };
}

/** A manifest that no system takes at once for a client that does not read. */
const large = documentOf(Buffer.alloc(32 * 1024 * 1024), mediaType.ociManifest);

async function startUpload(server: RegistryServer): Promise<string> {
  return (await ask(server, "POST", uploads)).headers.location ?? "";
}

/** Everything up to the end of the first head. */
async function headOf(socket: Socket): Promise<string> {
  let head = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    head += String(chunk);
    if (head.includes("\r\n\r\n")) break;
  }
  return head;
}

describe("listen", () => {
  test("tells where it listens, and takes no more requests when it is closed", async () => {
    const server = await listen(createHandler(new MemoryRegistry()));
    expect(server.url).toBe(`http://${server.host}`);
    expect(server.host).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await ask(server, "GET", "/v2/")).status).toBe(200);
    await server.close();
    await expect(ask(server, "GET", "/v2/")).rejects.toThrow("ECONNREFUSED");
  });

  test("closing twice is closing once, and leaving its scope closes it", async () => {
    let url = "";
    {
      await using server = await listen(createHandler(new MemoryRegistry()));
      url = server.url;
      await server.close();
    }
    expect(url).not.toBe("");
  });

  test("an address of IPv6 is bracketed", async () => {
    await using server = await listen(createHandler(new MemoryRegistry()), { host: "::1" });
    expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  test("a port that is taken rejects", async () => {
    await using server = await listen(createHandler(new MemoryRegistry()));
    const port = Number(new URL(server.url).port);
    await expect(listen(createHandler(new MemoryRegistry()), { port })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: `cannot listen on 127.0.0.1:${port}: EADDRINUSE`,
      cause: { code: "EADDRINUSE" },
    });
  });

  test("closing waits for the request under way, and not for a connection that is only kept alive", async () => {
    const opened = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const registry = changed(() => ({
      async *listTags() {
        opened.resolve();
        await go.promise;
        yield "v1";
      },
    }));
    const server = await listen(createHandler(registry));
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const request = httpRequest(`${server.url}/v2/a/tags/list?n=1`, { agent }).end();
    const answered = responseTo(request);
    await opened.promise;
    const closed = server.close();
    go.resolve();
    const response = await answered;
    expect(response.statusCode).toBe(200);
    response.resume();
    await closed;
  });

  test.each([
    ["half a request line", "GET /v2/ HT"],
    ["half its headers", "GET /v2/ HTTP/1.1\r\nHost:"],
    [
      "no body, which was refused unread",
      "PUT /v2/A/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
    ],
  ])("closing does not wait for a connection that has sent %s", async (_case, sent) => {
    const server = await listen(createHandler(new MemoryRegistry()));
    (await dial(server)).write(sent);
    await ask(server, "GET", "/v2/");
    await expect(server.close()).resolves.toBeUndefined();
  });

  test("closing cuts no answer that a slow client is still taking", async () => {
    const server = await listen(createHandler(changed(() => ({ getManifest: async () => large }))));
    const socket = await dial(server);
    socket.write("GET /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await once(socket, "readable");
    const closed = server.close();
    const answer = await buffer(socket);
    expect(answer.byteLength).toBeGreaterThan(large.bytes.byteLength);
    await closed;
  });

  test.each([
    ["is not HTTP", ["nonsense"], "400"],
    [
      "has a Content-Length and a Transfer-Encoding (S29)",
      ["POST /v2/ HTTP/1.1", "Host: x", "Content-Length: 1", "Transfer-Encoding: chunked"],
      "400",
    ],
    [
      "has two lengths (S29)",
      ["POST /v2/ HTTP/1.1", "Host: x", "Content-Length: 1", "Content-Length: 2"],
      "400",
    ],
    ["has a folded header (S29)", ["GET /v2/ HTTP/1.1", "Host: x", "A: b", " c"], "400"],
    ["has more than 32 KiB of headers", ["GET /v2/ HTTP/1.1", "Host: x", `A: ${"x".repeat(33_000)}`], "431"],
  ])("what %s is refused in JSON, and the connection closed", async (_case, lines, status) => {
    const server = await serve(new MemoryRegistry());
    const answer = await speak(server, ...lines);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('{"errors":[{"code":"UNSUPPORTED"');
  });

  test("a header of 30 KiB, such as a token for many scopes, is taken", async () => {
    const server = await serve(new MemoryRegistry());
    const headers = { authorization: `Bearer ${"x".repeat(30_000)}` };
    expect((await ask(server, "GET", "/v2/", { headers })).status).toBe(200);
  });
});

describe("a body", () => {
  test("is asked for with 100 Continue only once somebody wants it", async () => {
    const server = await serve(createRegistry(createMemoryDriver()));
    const location = await startUpload(server);
    const socket = await dial(server);
    socket.write(
      `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    );
    expect(await headOf(socket)).toMatch(/^HTTP\/1\.1 100 Continue/);
    socket.write("01234");
    expect(await headOf(socket)).toMatch(/^HTTP\/1\.1 202 /);
  });

  test.each([
    ["a chunk out of order", "PATCH", (location: string) => location, 416],
    ["a manifest that is too large", "PUT", () => "/v2/a/manifests/v1", 413],
    ["a manifest of no possible name", "PUT", () => "/v2/a/manifests/.v1", 400],
    ["a blob of no possible digest", "PUT", (location: string) => `${location}?digest=x`, 400],
  ])("of %s is never asked for", async (_case, method, pathOf, status) => {
    const server = await serve(createRegistry(createMemoryDriver()));
    const answer = await speak(
      server,
      `${method} ${pathOf(await startUpload(server))} HTTP/1.1`,
      "Host: x",
      "Content-Length: 100000000",
      "Content-Range: 1-100000000",
      "Expect: 100-continue",
    );
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/connection: close/i);
  });

  test("of which too much has come is answered before the rest has", async () => {
    const server = await serve(createRegistry(createMemoryDriver()), {
      limits: { manifestBytes: 4 },
      idleTimeout: 50,
    });
    const answer = await speak(
      server,
      "PUT /v2/a/manifests/v1 HTTP/1.1",
      "Host: x",
      "Transfer-Encoding: chunked",
      "",
      "5",
      "01234",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("of which too much has come is read on for a while, so that the client gets to the answer", async () => {
    const server = await serve(createRegistry(createMemoryDriver()), { limits: { manifestBytes: 4 } });
    const socket = await dial(server);
    const failures: unknown[] = [];
    socket.on("error", (error) => failures.push(error));
    socket.write(
      "PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n",
    );
    expect(await headOf(socket)).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000), Buffer.from("\r\n")]);
    for (let count = 0; count < 8; count++) socket.write(chunk);
    await new Promise((resolve) => socket.end("0\r\n\r\n", () => resolve(undefined)));
    await text(socket);
    expect(failures).toEqual([]);
  });

  test("of a single POST that the client cuts leaves no upload behind", async () => {
    const driver = createMemoryDriver();
    const server = await serve(createRegistry(driver));
    const digest = digestOf(Buffer.from("0123456789"));
    const socket = await dial(server);
    socket.write(`POST ${uploads}?digest=${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234`);
    const left = async () => (await driver.documents.list("uploads/", { limit: 9 })).keys.length;
    await expect.poll(left, { interval: 1 }).toBe(1);
    socket.destroy();
    await expect.poll(left, { interval: 1 }).toBe(0);
  });

  test.each([
    ["a manifest that is too large", "PUT", "/v2/a/manifests/v1", 413],
    ["an upload that is unknown", "PATCH", `${uploads}00000000-0000-0000-0000-000000000000`, 404],
    ["a path where there is nothing", "POST", "/v2/", 405],
  ])("of %s is not read, and the connection closed after the answer", async (_case, method, path, status) => {
    const server = await serve(createRegistry(createMemoryDriver()));
    const socket = await dial(server);
    const answer = text(socket);
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024);
    const push = (): void => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on("drain", push);
    push();
    expect(await answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(socket.bytesWritten).toBeLessThan(100_000_000);
  });

  test("of a GET is passed over, and the connection goes on", async () => {
    const server = await serve(new MemoryRegistry());
    const socket = await dial(server);
    socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    socket.write("GET /v2/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"]);
  });

  test.each(["Content-Length: 100", "Transfer-Encoding: chunked"])(
    "with %s that the client cuts keeps what has arrived",
    async (framing) => {
      const server = await serve(createRegistry(createMemoryDriver()));
      const location = await startUpload(server);
      const socket = await dial(server);
      const body = framing.startsWith("T") ? "5\r\n01234\r\n" : "01234";
      socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n${body}`, () => socket.end());
      await expect
        .poll(async () => (await ask(server, "GET", location)).headers["range"], { interval: 5 })
        .toBe("0-4");
      const rest = { body: "567", headers: { "content-range": "5-7" } };
      await expect
        .poll(async () => (await ask(server, "PATCH", location, rest)).status, { interval: 5 })
        .toBe(202);
      const digest = digestOf(Buffer.from("01234567"));
      expect((await ask(server, "PUT", `${location}?digest=${digest}`)).status).toBe(201);
    },
  );

  test.each([
    ["much", 100_000],
    ["little", 10],
  ])(
    "of which %s is missing is given up after the idle timeout, and what has arrived is kept (S11)",
    async (_case, length) => {
      const server = await serve(createRegistry(createMemoryDriver()), { idleTimeout: 50 });
      const location = await startUpload(server);
      const answer = await speak(
        server,
        `PATCH ${location} HTTP/1.1`,
        "Host: x",
        `Content-Length: ${length}`,
        "",
        "01234",
      );
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect((await ask(server, "GET", location)).headers["range"]).toBe("0-8");
    },
  );
});

describe("requests on one connection", () => {
  test("are served one at a time, since each could ask for the largest manifest", async () => {
    const go = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let calls = 0;
    const registry = changed(() => ({
      async headManifest() {
        calls++;
        asked.resolve();
        await go.promise;
        return large.descriptor;
      },
    }));
    const server = await serve(registry);
    const socket = await dial(server);
    const head = "HEAD /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n";
    socket.write(`${head}\r\n${head}\r\n${head}Connection: close\r\n\r\n`);
    await asked.promise;
    expect(calls).toBe(1);
    go.resolve();
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(Array(3).fill("HTTP/1.1 200"));
  });

  test("are not served when the connection has gone meanwhile", async () => {
    const go = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<AbortSignal | undefined>();
    let calls = 0;
    const registry = changed(() => ({
      async headManifest(_at, { signal }: CallOptions = {}) {
        calls++;
        asked.resolve(signal);
        await go.promise;
        return large.descriptor;
      },
    }));
    const server = await serve(registry);
    const socket = await dial(server);
    socket.write("HEAD /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2));
    const signal = await asked.promise;
    socket.destroy();
    await expect.poll(() => signal?.aborted, { interval: 1 }).toBe(true);
    go.resolve();
    await server.close();
    expect(calls).toBe(1);
  });
});

describe("a manifest", () => {
  test("that the client does not take is given up (S11)", async () => {
    const handler = createHandler(
      changed(() => ({ getManifest: async () => large })),
      { idleTimeout: 50 },
    );
    const ended = Promise.withResolvers<void>();
    await using server = await listen((request, response) => {
      response.once("close", ended.resolve);
      handler(request, response);
    });
    const socket = await dial(server);
    socket.pause();
    socket.write("GET /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await ended.promise;
    expect((await buffer(socket).catch(() => Buffer.of())).byteLength).toBeLessThan(large.bytes.byteLength);
  });
});

describe("a download", () => {
  const size = 64 * 1024 * 1024;

  /** A registry with one blob that is `size` bytes large and tells when its reader has left. */
  function endless(produced: { bytes: number }, left: () => void): Registry {
    async function* body(): Bytes {
      try {
        for (; produced.bytes < size; produced.bytes += 65_536) yield Buffer.alloc(65_536);
      } finally {
        left();
      }
    }
    const descriptor = { mediaType: "application/octet-stream", digest: digestOf(bytesToHash), size };
    return changed(() => ({ getBlob: async () => ({ descriptor, body: body() }) }));
  }
  const bytesToHash = Buffer.from("large");
  const path = `/v2/a/blobs/${digestOf(bytesToHash)}`;

  test("that the client abandons ends the reading", async () => {
    const left = Promise.withResolvers<void>();
    const produced = { bytes: 0 };
    const server = await serve(endless(produced, left.resolve));
    const socket = await dial(server);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await headOf(socket);
    socket.destroy();
    await left.promise;
    expect(produced.bytes).toBeLessThan(size);
  });

  test("goes no faster than the client takes it, and is given up when it takes nothing (S11)", async () => {
    const left = Promise.withResolvers<void>();
    const produced = { bytes: 0 };
    const server = await serve(endless(produced, left.resolve), { idleTimeout: 50 });
    const socket = await dial(server);
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await left.promise;
    expect(produced.bytes).toBeLessThan(size / 2);
  });

  test("that fails before its first byte gets a proper answer", async () => {
    const registry = changed(() => ({
      getBlob: async () => ({
        descriptor: { mediaType: "application/octet-stream", digest: digestOf(bytesToHash), size },
        body: failingAfter(0),
      }),
    }));
    const server = await serve(registry);
    expect((await ask(server, "GET", path)).status).toBe(500);
  });

  test("that fails half way is cut, so that nobody takes it for the whole", async () => {
    const registry = changed(() => ({
      getBlob: async () => ({
        descriptor: { mediaType: "application/octet-stream", digest: digestOf(bytesToHash), size },
        body: failingAfter(2),
      }),
    }));
    const server = await serve(registry);
    await expect(ask(server, "GET", path)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  async function* failingAfter(chunks: number): Bytes {
    yield* bytesOf(...Array.from({ length: chunks }, () => Buffer.alloc(100)));
    throw new Error("the disk broke");
  }
});
