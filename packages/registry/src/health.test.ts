import { OciError, type StorageDriver } from "@drayage/oci";
import { expect, test } from "vitest";
import { ask, serve } from "../fixture/serve.ts";
import { createMemoryDriver } from "./drivers/memory.ts";
import { healthEndpoints, type HealthOptions } from "./health.ts";
import { createRegistry } from "./registry.ts";

/** A driver whose document store fails at `broken`, and that counts what it is asked. */
function driverWith(broken: Partial<StorageDriver["documents"]> = {}) {
  const driver = createMemoryDriver();
  const calls: string[] = [];
  const documents: StorageDriver["documents"] = {
    ...driver.documents,
    get: (...args) => driver.documents.get(...args),
    list: (...args) => driver.documents.list(...args),
    head(...args) {
      calls.push("head");
      return driver.documents.head(...args);
    },
    put(...args) {
      calls.push("put");
      return driver.documents.put(...args);
    },
    delete(...args) {
      calls.push("delete");
      return driver.documents.delete(...args);
    },
    ...broken,
  };
  return { driver: { ...driver, documents }, calls };
}

async function open(driver: StorageDriver, options?: HealthOptions) {
  const told: unknown[] = [];
  const server = await serve(createRegistry(driver), {
    // Nobody has to say who he is.
    authenticate: async () => undefined,
    endpoints: healthEndpoints(driver, options),
    onError: (error) => told.push(error),
  });
  return { server, told };
}

test("/livez and /readyz answer whoever asks, and /readyz writes", async () => {
  const { driver, calls } = driverWith();
  const { server } = await open(driver);
  const live = await ask(server, "GET", "/livez");
  expect([live.status, live.json, calls]).toEqual([200, { status: "ok" }, []]);
  const ready = await ask(server, "GET", "/readyz?verbose");
  expect([ready.status, ready.json, calls]).toEqual([200, { status: "ok" }, ["put", "delete"]]);
  expect((await ask(server, "HEAD", "/readyz")).status).toBe(200);
  expect((await ask(server, "POST", "/readyz")).status).toBe(405);
});

test("/readyz is 503 while storage takes nothing, and says why only to whoever runs the server", async () => {
  const put = async (): Promise<never> => {
    throw new OciError("STORAGE_FULL", "no space on /dev/secret");
  };
  const { driver } = driverWith({ put });
  const { server, told } = await open(driver);
  const { status, body } = await ask(server, "GET", "/readyz");
  expect([status, body.toString()]).toEqual([503, expect.not.stringContaining("secret")]);
  expect(told).toMatchObject([{ code: "UNAVAILABLE", cause: { code: "STORAGE_FULL" } }]);
  expect((await ask(server, "GET", "/livez")).status).toBe(200);
});

test("/readyz is 503 when storage does not answer", async () => {
  const put: StorageDriver["documents"]["put"] = (_key, _bytes, { signal } = {}) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(new Error("gave up")));
    });
  const { driver } = driverWith({ put });
  const { server } = await open(driver, { timeout: 20 });
  expect((await ask(server, "GET", "/readyz")).status).toBe(503);
});

test("who asks often does not keep storage busy", async () => {
  let time = 0;
  const { driver, calls } = driverWith();
  const { server } = await open(driver, { now: () => time });
  await Promise.all([1, 2, 3].map(() => ask(server, "GET", "/readyz")));
  await ask(server, "GET", "/readyz");
  expect(calls).toEqual(["put", "delete"]);
  time += 1000;
  await ask(server, "GET", "/readyz");
  expect(calls).toEqual(["put", "delete", "put", "delete"]);
});

test("what is only read from need not be written to", async () => {
  const { driver, calls } = driverWith();
  const { server } = await open(driver, { isReadOnly: true });
  expect((await ask(server, "GET", "/readyz")).status).toBe(200);
  expect(calls).toEqual(["head"]);
});
