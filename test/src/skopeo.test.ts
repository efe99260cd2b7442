import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Registry } from "@drayage/oci";
import {
  createFilesystemDriver,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
} from "@drayage/registry";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

const image = createImage({ layers: 2 });
const docker = createImage({ layers: 1, mediaTypes: "docker", seed: 3 });
const index = createIndex({
  manifests: [image, createImage({ platform: "linux/arm64", seed: 1 })],
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** Serves `registry`. Resolves to how skopeo names a repository in it. */
async function serve(registry: Registry): Promise<string> {
  const server = await listen(createHandler(registry));
  onTestFinished(() => server.close());
  return `docker://${server.host}`;
}

const copy = (from: string, to: string, ...options: readonly string[]): Promise<string> =>
  skopeo("copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", ...options, from, to);

describe.skipIf(withoutSkopeo !== undefined)(`skopeo${withoutSkopeo ?? ""}`, () => {
  test.each([
    ["an image", image, []],
    ["an index with all its images", index, ["--all"]],
    ["an image of docker's media types", docker, []],
  ])("copies %s from one registry to another, byte for byte", async (_case, fixture, options) => {
    const [from, to] = [
      createRegistry(createMemoryDriver()),
      createRegistry(createFilesystemDriver(await newDirectory())),
    ];
    await pushImage(from.repository("a"), fixture, { tags: ["v1"] });
    await copy(`${await serve(from)}/a:v1`, `${await serve(to)}/b/c:v2`, ...options);
    const copied = await to.repository("b/c").getManifest("v2");
    expect(copied.descriptor.digest).toBe(fixture.document.descriptor.digest);
    expect(Buffer.from(copied.bytes).equals(fixture.document.bytes)).toBe(true);
    for (const { descriptor } of fixture.blobs) {
      expect(await to.repository("b/c").headBlob(descriptor.digest)).toMatchObject({ size: descriptor.size });
    }
  });

  test("carries an index into an image layout and back", async () => {
    const registry = createRegistry(createMemoryDriver());
    await pushImage(registry.repository("a"), index, { tags: ["v1"] });
    const host = await serve(registry);
    const layout = `oci:${await newDirectory()}:v1`;
    await copy(`${host}/a:v1`, layout, "--all");
    await copy(layout, `${host}/back:v1`, "--all");
    expect(await registry.repository("back").headManifest("v1")).toEqual(
      await registry.repository("a").headManifest("v1"),
    );
  });

  test("mounts within one registry what is there already", async () => {
    const registry = createRegistry(createMemoryDriver());
    await pushImage(registry.repository("a"), image, { tags: ["v1"] });
    const host = await serve(registry);
    await copy(`${host}/a:v1`, `${host}/b:v1`);
    expect(await registry.repository("b").headManifest("v1")).toEqual(image.document.descriptor);
  });

  test("inspects, lists tags, and deletes", async () => {
    const registry = createRegistry(createMemoryDriver());
    await pushImage(registry.repository("a"), image, { tags: ["v1", "v2"] });
    const host = await serve(registry);
    const { digest } = image.document.descriptor;
    expect(JSON.parse(await skopeo("inspect", "--tls-verify=false", `${host}/a:v1`))).toMatchObject({
      Digest: digest,
      RepoTags: ["v1", "v2"],
    });
    const raw = await skopeo("inspect", "--raw", "--tls-verify=false", `${host}/a@${digest}`);
    expect(Buffer.from(raw).equals(image.document.bytes)).toBe(true);
    expect(JSON.parse(await skopeo("list-tags", "--tls-verify=false", `${host}/a`))).toMatchObject({
      Tags: ["v1", "v2"],
    });
    await skopeo("delete", "--tls-verify=false", `${host}/a:v1`);
    expect(await registry.repository("a").headManifest(digest)).toBeUndefined();
  });
});
