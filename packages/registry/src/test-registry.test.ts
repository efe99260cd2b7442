import { createImage, pushImage } from "@drayage/testkit";
import { MemoryRegistry } from "@drayage/oci";
import { expect, test } from "vitest";
import { ask } from "../fixture/serve.ts";
import { createTestRegistry } from "./test-registry.ts";

const image = createImage();

test("is a registry at a free port, which can be filled without HTTP", async () => {
  await using registry = await createTestRegistry();
  await using another = await createTestRegistry();
  expect(registry.url).toBe(`http://${registry.host}`);
  expect(registry.host).toMatch(/^127\.0\.0\.1:[0-9]+$/);
  expect(another.host).not.toBe(registry.host);
  await pushImage((await registry.registry()).repository("a"), image, { tags: ["v1"] });
  const found = await ask(registry, "GET", "/v2/a/manifests/v1");
  expect([found.status, found.body.equals(image.document.bytes)]).toEqual([200, true]);
  expect((await ask(another, "GET", "/v2/a/manifests/v1")).status).toBe(404);
});

test("takes what is pushed, also after 100 Continue", async () => {
  await using registry = await createTestRegistry();
  const { descriptor } = image.config;
  const [config] = image.blobs.filter((blob) => blob.descriptor.digest === descriptor.digest);
  const body = Buffer.concat(await Array.fromAsync((await config?.open(0)) ?? []));
  const target = `/v2/a/blobs/uploads/?digest=${descriptor.digest}`;
  const pushed = await ask(registry, "POST", target, { body, headers: { expect: "100-continue" } });
  expect(pushed.status).toBe(201);
});

test("serves what it is given, by the options of a handler", async () => {
  const served = new MemoryRegistry();
  await using registry = await createTestRegistry({ registry: served, authorize: async () => [] });
  expect(await registry.registry()).toBe(served);
  expect((await ask(registry, "GET", "/v2/a/tags/list")).status).toBe(401);
});

test("is gone in the end, whatever is still connected, and may be closed twice", async () => {
  const registry = await createTestRegistry();
  const response = await fetch(`${registry.url}/v2/`); // kept alive
  await response.text();
  await registry.close();
  await registry[Symbol.asyncDispose]();
  await expect(ask(registry, "GET", "/v2/")).rejects.toThrow("ECONNREFUSED");
});
