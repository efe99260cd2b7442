import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copy } from "@drayage/copy";
import {
  createLayout,
  openArchive,
  openDockerArchive,
  writeArchive,
  writeDockerArchive,
} from "@drayage/layout";
import {
  MemoryRegistry,
  parseImageConfig,
  parseManifest,
  readAll,
  type Source,
  type Target,
} from "@drayage/oci";
import { createHandler, listen } from "@drayage/registry";
import { createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

const image = createImage({ layers: 2 });
const index = createIndex({ manifests: [image, createImage({ platform: "linux/arm64", seed: 1 })] });
const relaxed = { durability: "relaxed" } as const;

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A registry that has `fixture` as `a:v1`, and how skopeo names that repository. */
async function serve(
  fixture: Fixture,
): Promise<{ readonly registry: MemoryRegistry; readonly name: string }> {
  const registry = new MemoryRegistry();
  await pushImage(registry.repository("a"), fixture, { tags: ["v1"] });
  const server = await listen(createHandler(registry));
  onTestFinished(() => server.close());
  return { registry, name: `docker://${server.host}/a` };
}

const skopeoCopy = (from: string, to: string): Promise<string> =>
  skopeo("copy", "--quiet", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", from, to);

/** One image, as archives for docker hold it. */
const skopeoCopyOne = (from: string, to: string): Promise<string> =>
  skopeo("copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", from, to);

async function expectWhole(source: Source, at: string, fixture: Fixture): Promise<void> {
  const { bytes } = await source.getManifest(at);
  expect(Buffer.from(bytes).equals(fixture.document.bytes)).toBe(true);
  for (const { descriptor } of fixture.blobs) {
    const { body } = await source.getBlob(descriptor.digest);
    expect((await readAll(body, { limit: descriptor.size })).byteLength).toBe(descriptor.size);
  }
  for (const child of fixture.manifests) await expectWhole(source, child.document.descriptor.digest, child);
}

const fixtures = [
  ["an image", image],
  ["an index with all its images", index],
] as const;

describe.skipIf(withoutSkopeo !== undefined)(`skopeo${withoutSkopeo ?? ""}`, () => {
  test.each(fixtures)("makes a layout of %s that is read", async (_case, fixture) => {
    const { name } = await serve(fixture);
    const directory = join(await newDirectory(), "layout");
    await skopeoCopy(`${name}:v1`, `oci:${directory}:v1`);
    const layout = createLayout(directory, relaxed);
    await expectWhole(layout, "v1", fixture);
    await pushImage(layout, createImage({ seed: 9 }), { tags: ["v2"] });
    expect(await Array.fromAsync(layout.listTags())).toEqual(["v1", "v2"]);
  });

  test.each(fixtures)("reads a layout of %s that was made here", async (_case, fixture) => {
    const directory = await newDirectory();
    await pushImage(createLayout(directory, relaxed), fixture, { tags: ["v1"] });
    const { registry, name } = await serve(createImage({ seed: 5 }));
    await skopeoCopy(`oci:${directory}:v1`, `${name}:with-tag`);
    await skopeoCopy(`oci:${directory}`, `${name}:the-only-one`);
    for (const tag of ["with-tag", "the-only-one"]) await expectWhole(registry.repository("a"), tag, fixture);
  });

  test.each(fixtures)("makes an oci-archive of %s that is read", async (_case, fixture) => {
    const { name } = await serve(fixture);
    const path = join(await newDirectory(), "app.tar");
    await skopeoCopy(`${name}:v1`, `oci-archive:${path}:v1`);
    const archive = await openArchive(path);
    onTestFinished(() => archive.close());
    await expectWhole(archive, "v1", fixture);
  });

  test.each(fixtures)("reads an oci-archive of %s that was made here", async (_case, fixture) => {
    const path = join(await newDirectory(), "app.tar");
    await writeArchive(path, (target) => pushImage(target, fixture, { tags: ["v1"] }));
    const { registry, name } = await serve(createImage({ seed: 5 }));
    await skopeoCopy(`oci-archive:${path}:v1`, `${name}:copied`);
    await expectWhole(registry.repository("a"), "copied", fixture);
  });

  test("makes a docker-archive whose configuration and layers are read as they were", async () => {
    const { name } = await serve(image);
    const path = join(await newDirectory(), "app.tar");
    await skopeoCopyOne(`${name}:v1`, `docker-archive:${path}:example.com/app:v1`);
    const archive = await openDockerArchive(path);
    onTestFinished(() => archive.close());
    expect([...archive.names.keys()]).toEqual(["example.com/app:v1"]);
    const target = new MemoryRegistry().repository("b");
    await copy({ repository: archive, at: "v1" }, { repository: target, tags: ["v1"] });
    const manifest = parseManifest((await target.getManifest("v1")).bytes);
    if (manifest.kind === "index") throw new Error("the archive has an index");
    const { body } = await target.getBlob(manifest.config.digest);
    const { diffIds } = parseImageConfig(await readAll(body, { limit: 100_000 }));
    expect(manifest.layers.map(({ digest }) => digest)).toEqual(diffIds);
    const before = await image.config.open(0);
    expect(parseImageConfig(await readAll(before, { limit: 100_000 })).diffIds).toEqual(diffIds);
  });

  test("reads a docker-archive that was made here, by its name and as the only image", async () => {
    const path = join(await newDirectory(), "app.tar");
    const fill = (target: Target) => pushImage(target, image, { tags: ["v1"] });
    await writeDockerArchive(path, fill, { name: "example.com/app" });
    const { registry, name } = await serve(createImage({ seed: 5 }));
    await skopeoCopyOne(`docker-archive:${path}:example.com/app:v1`, `${name}:named`);
    await skopeoCopyOne(`docker-archive:${path}`, `${name}:only`);
    for (const tag of ["named", "only"]) {
      const manifest = parseManifest((await registry.repository("a").getManifest(tag)).bytes);
      expect(manifest).toMatchObject({ config: { digest: image.config.descriptor.digest } });
    }
  });

  test("and a way over a layout and an archive end at the same digests", async () => {
    const { registry, name } = await serve(index);
    const directory = await newDirectory();
    const [layout, path] = [createLayout(join(directory, "layout"), relaxed), join(directory, "app.tar")];
    const source = registry.repository("a");
    await copy({ repository: source, at: "v1" }, { repository: layout, tags: ["v1"] });
    await writeArchive(path, (target) =>
      copy({ repository: layout, at: "v1" }, { repository: target, tags: ["v1"] }),
    );
    const archive = await openArchive(path);
    onTestFinished(() => archive.close());
    const back = registry.repository("back");
    await copy({ repository: archive, at: "v1" }, { repository: back, tags: ["v1"] });
    await skopeoCopy(`${name}:v1`, `${name.replace(/a$/, "by-skopeo")}:v1`);
    for (const name of ["back", "by-skopeo"]) await expectWhole(registry.repository(name), "v1", index);
  });
});
