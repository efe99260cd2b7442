import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hexOf, parseJson, parseObject, type JsonObject } from "@drayage/oci";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { createLayout } from "./layout.ts";
import { createLayoutRegistry } from "./layout-registry.ts";

const image = createImage();
const { digest } = image.document.descriptor;
const refName = "org.opencontainers.image.ref.name";
const relaxed = { durability: "relaxed" } as const;

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-layout-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

async function filledDirectory(): Promise<string> {
  const directory = await newDirectory();
  await pushImage(createLayout(directory, relaxed), image, { tags: ["v1"] });
  return directory;
}

async function indexOf(directory: string): Promise<JsonObject> {
  return parseObject(parseJson(await readFile(join(directory, "index.json")), "STORAGE_INVALID")) ?? {};
}

async function writeIndex(directory: string, index: unknown): Promise<void> {
  await writeFile(join(directory, "index.json"), JSON.stringify(index));
}

test("a layout has the files that the image-spec demands", async () => {
  const directory = await filledDirectory();
  expect(await readFile(join(directory, "oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}');
  const { mediaType, size } = image.document.descriptor;
  expect(await indexOf(directory)).toEqual({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ mediaType, digest, size, annotations: { [refName]: "v1" } }],
  });
  const blobs = [image.document.descriptor, ...image.blobs.map(({ descriptor }) => descriptor)];
  expect((await readdir(join(directory, "blobs", "sha256"))).toSorted()).toEqual(
    blobs.map((blob) => hexOf(blob.digest)).toSorted(),
  );
});

test("index.json lists an index and not the images that it lists itself", async () => {
  const directory = await newDirectory();
  const index = createIndex({ manifests: [image, createImage({ platform: "linux/arm64", seed: 1 })] });
  await pushImage(createLayout(directory, relaxed), index, { tags: ["v1"] });
  const { manifests } = await indexOf(directory);
  expect(manifests).toHaveLength(1);
  expect(await createLayout(directory).headManifest(digest)).toMatchObject(image.document.descriptor);
});

test("a child that is a referrer stays listed, so that it is found", async () => {
  const directory = await newDirectory();
  const layout = createLayout(directory, relaxed);
  const referrer = createImage({ seed: 7, subject: image.document.descriptor });
  await pushImage(layout, createIndex({ manifests: [image, referrer] }), { tags: ["v1"] });
  expect((await indexOf(directory))["manifests"]).toHaveLength(2);
});

test("referrers are found below an index that another tool has listed", async () => {
  const directory = await newDirectory();
  const layout = createLayout(directory, relaxed);
  const referrer = createImage({ seed: 7, subject: image.document.descriptor });
  const index = createIndex({ manifests: [image, referrer] });
  await pushImage(layout, index);
  await writeIndex(directory, { schemaVersion: 2, manifests: [index.document.descriptor] });
  const found = await Array.fromAsync(layout.listReferrers(digest));
  expect(found).toMatchObject([{ digest: referrer.document.descriptor.digest }]);
});

test("what other tools have written into index.json is kept", async () => {
  const directory = await filledDirectory();
  const { manifests } = await indexOf(directory);
  const theirs = {
    ...image.document.descriptor,
    annotations: { [refName]: "v2", "com.example.colour": "blue" },
    "com.example": [1],
  };
  const listed: readonly unknown[] = Array.isArray(manifests) ? manifests : [];
  await writeIndex(directory, { schemaVersion: 2, extra: true, manifests: [...listed, theirs] });
  await pushImage(createLayout(directory, relaxed), createImage({ seed: 1 }), { tags: ["v1"] });
  const index = await indexOf(directory);
  expect(index["extra"]).toBe(true);
  expect(index["manifests"]).toContainEqual(theirs);
});

test("a name that is no tag is not listed as one", async () => {
  const directory = await filledDirectory();
  const theirs = { ...image.document.descriptor, annotations: { [refName]: "example.com/app:v2" } };
  await writeIndex(directory, { schemaVersion: 2, manifests: [theirs] });
  expect(await Array.fromAsync(createLayout(directory).listTags())).toEqual([]);
});

test("many writers at the same time lose nothing", async () => {
  const directory = await newDirectory();
  const tags = Array.from({ length: 12 }, (_, number) => `v${number + 10}`);
  await Promise.all(
    tags.map((tag, seed) =>
      pushImage(createLayout(directory, relaxed), createImage({ seed }), { tags: [tag] }),
    ),
  );
  expect(await Array.fromAsync(createLayout(directory).listTags())).toEqual(tags);
});

test("processes that write at the same time lose nothing", async () => {
  const directory = await newDirectory();
  const program = join(import.meta.dirname, "..", "fixture", "writer.ts");
  const run = promisify(execFile);
  await Promise.all(
    ["a", "b", "c"].map((name) =>
      run(process.execPath, ["--conditions=@drayage/source", program, directory, name, "8"]),
    ),
  );
  expect(await Array.fromAsync(createLayout(directory).listTags())).toHaveLength(24);
});

test("a lock that a crash has left is taken over", async () => {
  const directory = await filledDirectory();
  const lock = join(directory, ".drayage", "lock");
  await writeFile(lock, "left behind");
  const old = new Date(Date.now() - 60_000);
  await utimes(lock, old, old);
  await pushImage(createLayout(directory, relaxed), image, { tags: ["v2"] });
  expect(await Array.fromAsync(createLayout(directory).listTags())).toEqual(["v1", "v2"]);
});

test("what a crash has left half written is removed after a day, and not before", async () => {
  const directory = await filledDirectory();
  const work = join(directory, ".drayage");
  const [old, young] = [join(work, "old.part"), join(work, "young.part")];
  for (const path of [old, young]) await writeFile(path, "half");
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  await utimes(old, yesterday, yesterday);
  await pushImage(createLayout(directory, relaxed), image, { tags: ["v2"] });
  expect(await readdir(work)).toEqual(["young.part"]);
});

test("a blob that was cut short is sent again", async () => {
  const directory = await filledDirectory();
  const [blob] = image.layers;
  if (blob === undefined) throw new Error("the image has no layer");
  await writeFile(join(directory, "blobs", "sha256", hexOf(blob.descriptor.digest)), "short");
  expect(await createLayout(directory, relaxed).putBlob(blob.descriptor, blob.open)).toBe("uploaded");
});

test("a manifest that was changed on the disk throws DIGEST_MISMATCH", async () => {
  const directory = await filledDirectory();
  const text = new TextDecoder().decode(image.document.bytes);
  await writeFile(join(directory, "blobs", "sha256", hexOf(digest)), text.replace("{", " "));
  await expect(createLayout(directory).getManifest("v1")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

test.each([
  ["no oci-layout file", (directory: string) => rm(join(directory, "oci-layout"))],
  [
    "another version",
    (directory: string) => writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"9"}'),
  ],
  ["an index.json that is not JSON", (directory: string) => writeFile(join(directory, "index.json"), "{")],
  ["an index.json that is a list", (directory: string) => writeIndex(directory, [])],
  ["an entry without a digest", (directory: string) => writeIndex(directory, { manifests: [{ size: 1 }] })],
  [
    "an entry whose digest is a path",
    (directory: string) =>
      writeIndex(directory, {
        manifests: [{ mediaType: "a/b", size: 1, digest: "sha256:../../../etc/passwd" }],
      }),
  ],
])("a layout with %s throws STORAGE_INVALID", async (_case, damage) => {
  const directory = await filledDirectory();
  await damage(directory);
  await expect(createLayout(directory).getManifest("v1")).rejects.toMatchObject({ code: "STORAGE_INVALID" });
});

/** Moves what is at `path` to where no layout is, and puts a link to it there. */
async function replaceByLink(path: string): Promise<void> {
  const elsewhere = join(await newDirectory(), "elsewhere");
  await rename(path, elsewhere);
  await symlink(elsewhere, path);
}

test.each([
  ["a manifest", `blobs/sha256/${hexOf(digest)}`],
  ["the directory of an algorithm", "blobs/sha256"],
  ["blobs itself", "blobs"],
  ["index.json", "index.json"],
  ["oci-layout", "oci-layout"],
])(
  "%s that is a symbolic link throws STORAGE_INVALID (CVE-2021-21272, CVE-2026-50162)",
  async (_case, path) => {
    const directory = await filledDirectory();
    await replaceByLink(join(directory, path));
    const layout = createLayout(directory, relaxed);
    await expect(layout.getManifest("v1")).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  },
);

test.each(["blobs/sha256", "blobs", ".drayage"])(
  "nothing is written through %s that is a symbolic link (CVE-2021-21272)",
  async (path) => {
    const directory = await filledDirectory();
    await replaceByLink(join(directory, path));
    const [layer] = createImage({ seed: 5 }).layers;
    if (layer === undefined) throw new Error("the image has no layer");
    const put = createLayout(directory, relaxed).putBlob(layer.descriptor, layer.open);
    await expect(put).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  },
);

test("a blob that is a FIFO throws STORAGE_INVALID and is not waited for", async () => {
  const directory = await filledDirectory();
  const path = join(directory, "blobs", "sha256", hexOf(digest));
  await rm(path);
  await promisify(execFile)("mkfifo", [path]);
  await expect(createLayout(directory).getManifest("v1")).rejects.toMatchObject({ code: "STORAGE_INVALID" });
});

test("a directory that is given may be a link itself", async () => {
  const [directory, other] = [await filledDirectory(), await newDirectory()];
  await symlink(directory, join(other, "link"));
  await pushImage(createLayout(join(other, "link"), relaxed), image, { tags: ["v2"] });
  expect(await Array.fromAsync(createLayout(directory).listTags())).toEqual(["v1", "v2"]);
});

test("a repository that is a link out of the registry throws STORAGE_INVALID, and is not listed", async () => {
  const [root, outside] = [await newDirectory(), await filledDirectory()];
  await mkdir(join(root, "team"));
  await symlink(outside, join(root, "team", "app"));
  const registry = createLayoutRegistry(root, relaxed);
  const app = registry.repository("team/app");
  await expect(app.getManifest("v1")).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  await expect(pushImage(app, image)).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  expect(await Array.fromAsync(registry.listRepositories())).toEqual([]);
});

test.each(["blobs", "app/blobs/sha256", "app/index.json", "app/oci-layout"])(
  "a repository cannot be called %s, which is a file of a layout",
  async (name) => {
    const registry = createLayoutRegistry(await newDirectory());
    expect(() => registry.repository(name)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
  },
);
