import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { bytesOf, documentOf, mediaType } from "@drayage/oci";
import { testCertificate } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { ask, dial, responseTo } from "../../fixture/serve.ts";
import { createFilesystemDriver } from "../drivers/filesystem.ts";
import { createMemoryDriver } from "../drivers/memory.ts";
import { createHandler } from "../handler.ts";
import { listen, type RegistryServer } from "../listen.ts";
import { createRegistry } from "../registry.ts";

const uploads = "/v2/a/blobs/uploads/";

/** A connection on which a chunk of ten bytes has been asked for, and is still to be sent. */
async function beginChunk(server: RegistryServer, location: string): Promise<Socket> {
  const socket = await dial(server);
  socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`);
  await once(socket, "data");
  return socket;
}

describe("closing with a grace", () => {
  test("lets what is done in time be done", async () => {
    const server = await listen(createHandler(createRegistry(createMemoryDriver())));
    const { headers } = await ask(server, "POST", uploads);
    const socket = await beginChunk(server, headers.location ?? "");
    const closed = server.close({ grace: 10_000 });
    socket.write("0123456789");
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 202 [\s\S]*range: 0-9/i);
    await closed;
  });

  test("cuts what is not, and has stored by then what came of an upload", async () => {
    const directory = await mkdtemp(join(tmpdir(), "drayage-close-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const server = await listen(createHandler(createRegistry(createFilesystemDriver(directory))));
    const { location = "" } = (await ask(server, "POST", uploads)).headers;
    const socket = await beginChunk(server, location);
    const cut = new Promise((resolve) => socket.once("close", resolve));
    socket.write("01234");
    await server.close({ grace: 50 });
    await cut;
    // Another process, as far as the storage is concerned.
    const next = await listen(createHandler(createRegistry(createFilesystemDriver(directory))));
    onTestFinished(() => next.close());
    const status = await ask(next, "GET", location);
    expect([status.status, status.headers["range"]]).toEqual([204, "0-4"]);
    const { descriptor } = documentOf(Buffer.from("0123456789"), mediaType.octetStream);
    const rest = await ask(next, "PUT", `${location}?digest=${descriptor.digest}`, { body: "56789" });
    expect(rest.status).toBe(201);
  });

  test("resolves no sooner than the work of the last request has ended, though its connection has", async () => {
    const order: string[] = [];
    const work = Promise.withResolvers<void>();
    const server = await listen((_request, response, { waitUntil } = {}) => {
      waitUntil?.(work.promise);
      response.end();
    });
    await ask(server, "GET", "/");
    const closed = server.close().then(() => order.push("closed"));
    await ask(server, "GET", "/").catch(() => order.push("refused"));
    order.push("worked");
    work.resolve();
    await closed;
    expect(order).toEqual(["refused", "worked", "closed"]);
  });

  test("a later call may have less patience than the first", async () => {
    const server = await listen(() => undefined);
    const socket = await dial(server);
    socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const patient = server.close();
    await expect(server.close({ grace: 0 })).resolves.toBeUndefined();
    await patient;
  });
});

describe("over TLS", () => {
  const { cert, key } = testCertificate;

  test("the URL says so, and clients that trust the certificate are served", async () => {
    await using server = await listen(createHandler(createRegistry(createMemoryDriver())), {
      tls: { cert, key },
    });
    expect(server.url).toBe(`https://${server.host}`);
    const request = httpsRequest(`${server.url}/v2/`, {
      ca: cert,
      servername: "registry.test",
      agent: false,
    });
    expect((await responseTo(request.end())).statusCode).toBe(200);
  });

  test("closing cuts no answer, and does not wait for connections that are only kept alive", async () => {
    const content = Buffer.alloc(8 * 1024 * 1024);
    const registry = createRegistry(createMemoryDriver());
    const { descriptor } = documentOf(content, mediaType.octetStream);
    await registry.repository("a").putBlob(descriptor, async () => bytesOf(content));
    const server = await listen(createHandler(registry), { tls: { cert, key } });
    const agent = new Agent({ ca: cert, keepAlive: true });
    onTestFinished(() => agent.destroy());
    const path = `/v2/a/blobs/${descriptor.digest}`;
    const request = httpsRequest(server.url, { path, servername: "registry.test", agent });
    const response = await responseTo(request.end());
    const closed = server.close();
    expect((await buffer(response)).byteLength).toBe(content.byteLength);
    await closed;
  });

  test("closing does not wait for a client that never shakes hands", async () => {
    const server = await listen(() => undefined, { tls: { cert, key } });
    await dial(server);
    await expect(server.close()).resolves.toBeUndefined();
  });

  test.each([
    ["no certificate", { cert: "nonsense", key }],
    ["the key of another", { cert, key: "nonsense" }],
  ])("%s is refused before anybody listens", async (_case, tls) => {
    await expect(listen(() => undefined, { tls })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});
