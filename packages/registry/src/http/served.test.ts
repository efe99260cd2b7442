import { once } from "node:events";
import { documentOf, mediaType, Secret, type Registry } from "@drayage/oci";
import { leaksOf } from "@drayage/testkit";
import { expect, test } from "vitest";
import { ask, dial, serve } from "../../fixture/serve.ts";
import { basicMethod } from "../auth/basic.ts";
import { createMemoryDriver } from "../drivers/memory.ts";
import type { ServedRequest } from "../options.ts";
import { createRegistry } from "../registry.ts";

const uploads = "/v2/a/blobs/uploads/";

async function open(registry: Registry = createRegistry(createMemoryDriver())) {
  const served: ServedRequest[] = [];
  const server = await serve(registry, { onResponse: (request) => served.push(request) });
  return { server, served };
}

test("onResponse is told once of every request what became of it", async () => {
  const { server, served } = await open();
  const { headers } = await ask(server, "POST", uploads, { headers: { "user-agent": "test/1" } });
  await ask(server, "PATCH", headers.location ?? "", { body: "01234", headers: { "x-request-id": "mine" } });
  const missing = await ask(server, "GET", "/v2/a/manifests/v1?ns=x");
  await expect.poll(() => served.length).toBe(3);
  const shared = { isComplete: true, subject: undefined, address: "127.0.0.1" };
  expect(served).toMatchObject([
    { ...shared, method: "POST", path: uploads, status: 202, received: 0, sent: 0, userAgent: "test/1" },
    { ...shared, id: "mine", method: "PATCH", path: headers.location, status: 202, received: 5, sent: 0 },
    {
      ...shared,
      id: missing.headers["x-request-id"],
      path: "/v2/a/manifests/v1",
      status: 404,
      sent: missing.body.byteLength,
      userAgent: undefined,
    },
  ]);
  for (const { duration } of served) expect(duration).toBeGreaterThan(0);
});

test("onResponse tells of clients that have gone, and how much they had taken or sent", async () => {
  const large = documentOf(Buffer.alloc(32 * 1024 * 1024), mediaType.ociManifest);
  const registry = createRegistry(createMemoryDriver());
  const { server, served } = await open({
    ...registry,
    repository: (name) => Object.assign(registry.repository(name), { getManifest: async () => large }),
  });
  const taking = await dial(server);
  taking.pause().write(`GET /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(taking, "readable");
  taking.destroy();
  await expect.poll(() => served.length).toBe(1);
  expect(served[0]).toMatchObject({ status: 200, isComplete: false });
  expect(served[0]?.sent).toBeLessThan(large.bytes.byteLength);

  const { location = "" } = (await ask(server, "POST", uploads)).headers;
  const sending = await dial(server);
  sending.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234`);
  const received = async () => (await ask(server, "GET", location)).headers["range"];
  setTimeout(() => sending.destroy(), 50);
  await expect.poll(received).toBe("0-4");
  const cut = () => served.find(({ method }) => method === "PATCH");
  await expect.poll(cut).toMatchObject({ status: undefined, isComplete: false, received: 5 });
});

test("an onResponse that throws ends nothing, and is told to onError", async () => {
  const told: unknown[] = [];
  const error = new Error("no room for the log");
  const server = await serve(createRegistry(createMemoryDriver()), {
    onResponse() {
      throw error;
    },
    onError: (...args) => told.push(args),
  });
  const { status, headers } = await ask(server, "GET", "/v2/?a");
  await expect
    .poll(() => told)
    .toEqual([[error, { id: headers["x-request-id"], method: "GET", path: "/v2/?a" }]]);
  expect([status, (await ask(server, "GET", "/v2/")).status]).toEqual([200, 200]);
});

test("nothing that proves who asks is told, nor any query (S25)", async () => {
  const canary = "c4n4ry-s3cret";
  const served: ServedRequest[] = [];
  const server = await serve(createRegistry(createMemoryDriver()), {
    ...basicMethod({
      logIn: async ({ username, password }) =>
        password.equals(new Secret(canary)) ? { identity: { subject: username } } : undefined,
    }),
    onResponse: (request) => served.push(request),
  });
  const basic = { authorization: `Basic ${Buffer.from(`me:${canary}`).toString("base64")}` };
  await ask(server, "GET", `/v2/?token=${canary}`, { headers: basic });
  await ask(server, "GET", "/v2/", { headers: { authorization: `Bearer ${canary}` } });
  await expect.poll(() => served.length).toBe(2);
  expect(served).toMatchObject([
    { status: 200, subject: "me" },
    { status: 401, subject: undefined },
  ]);
  expect(leaksOf([{ secret: canary, origins: [] }], { ledger: [], values: served })).toEqual([]);
});
