import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLayout, openArchive, openDockerArchive } from "@drayage/layout";
import { MemoryRegistry, parseManifest } from "@drayage/oci";
import { createHandler, listen } from "@drayage/registry";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { drayage } from "./command-process.ts";

const index = createIndex({ manifests: [createImage(), createImage({ platform: "linux/arm64", seed: 1 })] });
const { digest } = index.document.descriptor;

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A registry that has an index as `app:v1`. */
async function serve() {
  const registry = new MemoryRegistry();
  await pushImage(registry.repository("app"), index, { tags: ["v1"] });
  const server = await listen(createHandler(registry));
  onTestFinished(() => server.close());
  return { registry, host: server.host };
}

const done = { status: 0 };

test("copies over a layout and an archive back into the registry, every digest kept", async () => {
  const { registry, host } = await serve();
  const directory = await newDirectory();
  const [layout, archive] = [`oci:${join(directory, "layout")}`, `oci-archive:${join(directory, "app.tar")}`];
  expect(await drayage(["copy", `${host}/app:v1`, layout])).toMatchObject(done);
  expect(await drayage(["copy", `${layout}:v1`, `${archive}:v2`])).toMatchObject(done);
  expect(await drayage(["copy", archive, `${host}/back:v3`])).toMatchObject(done);
  expect((await registry.repository("back").headManifest("v3"))?.digest).toBe(digest);
  expect(await drayage(["ls", layout])).toMatchObject({ ...done, stdout: "v1\n" });
  expect(await drayage(["ls", archive])).toMatchObject({ ...done, stdout: "v2\n" });
  const inspected = await drayage(["inspect", archive, "--json"]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({ descriptor: { digest } });
});

test("a plan for an archive or a layout writes nothing", async () => {
  const { host } = await serve();
  const directory = await newDirectory();
  for (const target of [`oci-archive:${join(directory, "app.tar")}`, `oci:${join(directory, "layout")}`]) {
    const { status, stdout } = await drayage(["copy", `${host}/app:v1`, target, "--plan"]);
    expect([status, stdout.split("\n", 1)]).toEqual([0, [`would publish ${target}:v1@${digest}`]]);
  }
  expect(await readdir(directory)).toEqual([]);
});

test("a copy into an archive that fails leaves no archive", async () => {
  const { host } = await serve();
  const directory = await newDirectory();
  const { status, stderr } = await drayage([
    "copy",
    `${host}/app:v9`,
    `oci-archive:${join(directory, "app.tar")}`,
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain("MANIFEST_UNKNOWN");
  expect(await readdir(directory)).toEqual([]);
});

test.each([
  [
    "an archive that is not there",
    "oci-archive:none.tar",
    "source: there is no file none.tar",
    "UNAVAILABLE",
  ],
  ["an archive that is none", "oci-archive:broken.tar", "source: not a tar archive", "STORAGE_INVALID"],
  [
    "an archive for docker that is none",
    "docker-archive:broken.tar",
    "source: not a tar archive",
    "STORAGE_INVALID",
  ],
  ["a layout that is none", "oci:.", "source: ", "MANIFEST_UNKNOWN"],
])("a copy from %s says at which side it failed, and why", async (_case, source, message, code) => {
  const { host } = await serve();
  const cwd = await newDirectory();
  await writeFile(join(cwd, "broken.tar"), "x".repeat(2048));
  const { status, stderr } = await drayage(["copy", source, `${host}/app:v2`], { cwd });
  expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(stderr).toContain(code);
});

test("a copy into an archive where nothing can be written says that it failed at the target", async () => {
  const { host } = await serve();
  const path = join(await newDirectory(), "none", "app.tar");
  const { status, stderr } = await drayage(["copy", `${host}/app:v1`, `oci-archive:${path}`]);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/target: .*app\.tar.*ENOENT.*UNAVAILABLE/)]);
});

test("a layout with several images wants to be told which", async () => {
  const { host } = await serve();
  const directory = await newDirectory();
  for (const seed of [1, 2]) {
    await pushImage(createLayout(directory), createImage({ seed }), { tags: [`v${seed}`] });
  }
  const { status, stderr } = await drayage(["copy", `oci:${directory}`, `${host}/back:v1`]);
  expect(status).toBe(2);
  expect(stderr).toContain("there are 2 images");
});

test("one platform of a layout becomes an archive of that image", async () => {
  const directory = await newDirectory();
  await pushImage(createLayout(directory), index, { tags: ["v1"] });
  const path = join(directory, "arm.tar");
  expect(
    await drayage(["copy", `oci:${directory}:v1`, `oci-archive:${path}`, "--platform", "linux/arm64"]),
  ).toMatchObject(done);
  const archive = await openArchive(path);
  onTestFinished(() => archive.close());
  expect((await archive.headManifest("v1"))?.digest).toBe(index.manifests[1]?.document.descriptor.digest);
});

test("copies one platform into a docker-archive and back, its configuration kept", async () => {
  const { registry, host } = await serve();
  const archive = `docker-archive:${join(await newDirectory(), "app.tar")}`;
  const named = `${archive}:example.com/app:v2`;
  expect(await drayage(["copy", `${host}/app:v1`, named, "--platform", "linux/arm64"])).toMatchObject(done);
  expect(await drayage(["ls", archive])).toMatchObject({ ...done, stdout: "v2\n" });
  expect(await drayage(["copy", named, `${host}/back:v3`])).toMatchObject(done);
  const { bytes } = await registry.repository("back").getManifest("v3");
  const [, arm] = index.manifests;
  const config = parseManifest(arm?.document.bytes ?? new Uint8Array());
  expect(parseManifest(bytes)).toMatchObject({
    config: { digest: config.kind === "manifest" && config.config.digest },
  });
});

test("an image in a docker-archive has the name of its source unless told", async () => {
  const { host } = await serve();
  const path = join(await newDirectory(), "app.tar");
  const copied = ["copy", `${host}/app:v1`, `docker-archive:${path}:v2`, "--platform", "linux/amd64"];
  expect(await drayage(copied)).toMatchObject(done);
  const archive = await openDockerArchive(path);
  onTestFinished(() => archive.close());
  expect([...archive.names.keys()]).toEqual([`${host}/app:v2`]);
});

test.each([[], ["--plan"]])(
  "an index is refused before anything is put into a docker-archive %s",
  async (...flags) => {
    const { host } = await serve();
    const directory = await newDirectory();
    const { status, stderr } = await drayage([
      "copy",
      `${host}/app:v1`,
      `docker-archive:${directory}/app.tar`,
      ...flags,
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain("--platform");
    expect(await readdir(directory)).toEqual([]);
  },
);

test("a tag without a name is wrong usage for a docker-archive", async () => {
  const directory = await newDirectory();
  await pushImage(createLayout(directory), createImage(), { tags: ["v1"] });
  const { status, stderr } = await drayage([
    "copy",
    `oci:${directory}`,
    `docker-archive:${directory}/app.tar:v2`,
  ]);
  expect(status).toBe(2);
  expect(stderr).toContain("NAME:TAG");
});
