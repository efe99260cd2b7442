import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { createClient, type Client } from "@drayage/client";
import { copy } from "@drayage/copy";
import type { Registry } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";
import { createImage, createIndex, createRequestLog, pushImage, type RequestLog } from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

interface Side {
  readonly registry: Registry;
  readonly server: Server;
  readonly host: string;
}

let log: RequestLog;
let source: Side;
let target: Side;
let client: Client;

beforeEach(async () => {
  log = createRequestLog();
  source = await serve("src");
  target = await serve("dst");
  client = createClient();
});

afterEach(async () => {
  await client.close();
  for (const { server } of [source, target]) server.close();
});

async function serve(label: string): Promise<Side> {
  const registry = createRegistry(createMemoryDriver());
  const handler = createHandler(registry);
  const server = createServer((request, response) => handler(request, response));
  log.watch(server, label);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { registry, server, host: `127.0.0.1:${port ?? 0}` };
}

const image = createImage({ layers: 10 });
const index = createIndex({
  manifests: ["linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le"].map((platform, seed) =>
    createImage({ platform, seed, layers: 4 }),
  ),
});

function copyApp({
  at = "v1",
  to = `${target.host}/app`,
  mountFrom,
}: {
  at?: string;
  to?: string;
  mountFrom?: string;
} = {}) {
  return copy(
    { repository: client.repository(`${source.host}/app`, { access: ["pull"] }), at },
    { repository: client.repository(to, { access: ["pull", "push"] }), tags: ["v1"] },
    { mountFrom },
  );
}

describe("requests on the wire to copy", () => {
  it("a new image of 11 blobs: 3 per blob and 3 more", async () => {
    await pushImage(source.registry.repository("app"), image, { tags: ["v1"] });
    expect((await copyApp()).blobs.uploaded).toBe(11);
    expect(log.kinds()).toEqual({
      "GET manifest src": 1,
      "GET blob src": 11,
      "HEAD manifest dst": 1,
      "POST upload dst": 11,
      "PUT upload dst": 11,
      "PUT manifest dst": 1,
    });
    expect(await target.registry.repository("app").getManifest("v1")).toEqual(image.document);
  });

  it("an image that is there: 2, and 1 if it is named by digest", async () => {
    for (const { registry } of [source, target]) {
      await pushImage(registry.repository("app"), image, { tags: ["v1"] });
    }
    expect((await copyApp()).status).toBe("unchanged");
    expect(log.kinds()).toEqual({ "GET manifest src": 1, "HEAD manifest dst": 1 });
    log.clear();
    expect((await copyApp({ at: image.document.descriptor.digest })).status).toBe("unchanged");
    expect(log.kinds()).toEqual({ "HEAD manifest dst": 1 });
  });

  it("an image of 11 blobs into another repository of the registry: 1 per blob and 3 more", async () => {
    await pushImage(source.registry.repository("app"), image, { tags: ["v1"] });
    const result = await copyApp({ to: `${source.host}/other`, mountFrom: "app" });
    expect(result.blobs).toEqual({ uploaded: 0, mounted: 11, present: 0 });
    expect(log.kinds()).toEqual({
      "GET manifest src": 1,
      "HEAD manifest src": 1,
      "POST upload src": 11,
      "PUT manifest src": 1,
    });
  });

  it("a new index of four images with five blobs each: 3 per blob and 15 more", async () => {
    await pushImage(source.registry.repository("app"), index, { tags: ["v1"] });
    await copyApp();
    expect(log.kinds()).toEqual({
      "GET manifest src": 5,
      "GET blob src": 20,
      "HEAD manifest dst": 5,
      "POST upload dst": 20,
      "PUT upload dst": 20,
      "PUT manifest dst": 5,
    });
  });

  it("an index whose images are there: 7", async () => {
    await pushImage(source.registry.repository("app"), index, { tags: ["v1"] });
    for (const manifest of index.manifests) await pushImage(target.registry.repository("app"), manifest);
    await copyApp();
    expect(log.kinds()).toEqual({
      "GET manifest src": 1,
      "HEAD manifest dst": 5,
      "PUT manifest dst": 1,
    });
  });

  it("an index of five platforms that is there: 2", async () => {
    const five = createIndex({
      manifests: ["amd64", "arm64", "s390x", "ppc64le", "riscv64"].map((architecture, seed) =>
        createImage({ platform: `linux/${architecture}`, seed, layers: 4 }),
      ),
    });
    for (const { registry } of [source, target]) {
      await pushImage(registry.repository("app"), five, { tags: ["v1"] });
    }
    expect((await copyApp()).status).toBe("unchanged");
    expect(log.kinds()).toEqual({ "GET manifest src": 1, "HEAD manifest dst": 1 });
  });

  it("an image of which only the tag is missing: 1 per blob and 3 more", async () => {
    await pushImage(source.registry.repository("app"), image, { tags: ["v1"] });
    await pushImage(target.registry.repository("app"), image, { tags: ["v0"] });
    // The client confirms the first answer of a registry that a blob is there.
    const other = createImage({ layers: 1, seed: 1 });
    await pushImage(target.registry.repository("app"), other);
    const repository = client.repository(`${target.host}/app`, { access: ["pull", "push"] });
    for (const blob of other.blobs) await repository.putBlob(blob.descriptor, blob.open);
    log.clear();
    await copyApp();
    expect(log.kinds()).toEqual({
      "GET manifest src": 1,
      "HEAD manifest dst": 1,
      "POST upload dst": 11,
      "PUT manifest dst": 1,
    });
  });

  it("an image whose blobs are there: 1 per blob and 3 more, and 1 at a registry not seen before", async () => {
    await pushImage(source.registry.repository("app"), image, { tags: ["v1"] });
    for (const blob of image.blobs) {
      await target.registry.repository("app").putBlob(blob.descriptor, blob.open);
    }
    expect((await copyApp()).blobs.present).toBe(11);
    expect(log.kinds()).toEqual({
      "HEAD blob dst": 1,
      "GET manifest src": 1,
      "HEAD manifest dst": 1,
      "POST upload dst": 11,
      "PUT manifest dst": 1,
    });
  });
});
