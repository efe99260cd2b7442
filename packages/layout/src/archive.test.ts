import { randomUUID } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bytesOf, digestOf, documentOf, hexOf, readAll, type Source, type Target } from "@drayage/oci";
import { createBlob, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { openArchive, type OpenedArchive } from "./archive.ts";
import { writeArchive } from "./archive-writer.ts";
import { createLayout } from "./layout.ts";
import { formatTarHeader, paddedSize } from "./tar/header.ts";

const run = promisify(execFile);
const image = createImage({ layers: 3 });

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-archive-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

async function opened(path: string): Promise<OpenedArchive> {
  const archive = await openArchive(path);
  onTestFinished(() => archive.close());
  return archive;
}

async function expectWhole(source: Source, fixture: Fixture): Promise<void> {
  const { bytes } = await source.getManifest(fixture.document.descriptor.digest);
  expect(Buffer.from(bytes).equals(fixture.document.bytes)).toBe(true);
  for (const { descriptor } of fixture.blobs) {
    const { body } = await source.getBlob(descriptor.digest);
    expect((await readAll(body, { limit: descriptor.size })).byteLength).toBe(descriptor.size);
  }
}

/** An archive of entries that say of themselves whatever is wanted. */
async function craft(
  entries: readonly { name: string; type?: string; link?: string; size?: number; content?: string }[],
): Promise<string> {
  const blocks = entries.flatMap(({ name, type = "0", link = "", size, content = "" }) => {
    const bytes = Buffer.from(content);
    const header = Buffer.from(formatTarHeader({ name, size: size ?? bytes.byteLength }));
    header.write(type, 156);
    header.write(link, 157);
    header.write("        ", 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc(paddedSize(bytes.byteLength) - bytes.byteLength)];
  });
  const path = join(await newDirectory(), "crafted.tar");
  await writeFile(path, Buffer.concat([...blocks, Buffer.alloc(1024)]));
  return path;
}

test("an archive holds what was put into it, and nothing that leads to it stays open", async () => {
  const path = join(await newDirectory(), "app.tar");
  const index = createIndex({ manifests: [image, createImage({ platform: "linux/arm64", seed: 1 })] });
  await writeArchive(path, (target) => pushImage(target, index, { tags: ["v1", "latest"] }));
  const archive = await opened(path);
  expect(await Array.fromAsync(archive.listTags())).toEqual(["latest", "v1"]);
  expect((await archive.headManifest("v1"))?.digest).toBe(index.document.descriptor.digest);
  await expectWhole(archive, image);
});

test("tar unpacks an archive into a layout", async () => {
  const directory = await newDirectory();
  const path = join(directory, "app.tar");
  await writeArchive(path, (target) => pushImage(target, image, { tags: ["v1"] }));
  await mkdir(join(directory, "layout"));
  await run("tar", ["-xf", path, "-C", join(directory, "layout")]);
  await expectWhole(createLayout(join(directory, "layout")), image);
});

test.each(["ustar", "gnu", "pax"])(
  "a layout that tar has packed in the %s format is read",
  async (format) => {
    const directory = await newDirectory();
    await pushImage(createLayout(join(directory, "layout"), { durability: "relaxed" }), image, {
      tags: ["v1"],
    });
    const path = join(directory, "app.tar");
    await run("tar", [`--format=${format}`, "-cf", path, "-C", join(directory, "layout"), "."]);
    await expectWhole(await opened(path), image);
  },
);

test("content with a sha512 digest, whose path has no room in a header, is read, and unpacked by tar", async () => {
  const path = join(await newDirectory(), "app.tar");
  const { bytes, descriptor } = documentOf(Buffer.from("hello"), "text/plain", { algorithm: "sha512" });
  await writeArchive(path, (target) => target.putBlob(descriptor, async () => bytesOf(bytes)));
  const { body } = await (await opened(path)).getBlob(descriptor.digest);
  expect(Buffer.from(await readAll(body, { limit: 10 })).toString()).toBe("hello");
  const { stdout } = await run("tar", ["-xOf", path, `blobs/sha512/${hexOf(descriptor.digest)}`]);
  expect(stdout).toBe("hello");
});

test("the same content put in the same order is the same archive", async () => {
  const directory = await newDirectory();
  const [one, two] = [join(directory, "one.tar"), join(directory, "two.tar")];
  for (const path of [one, two])
    await writeArchive(path, (target) => pushImage(target, image, { tags: ["v1"] }));
  expect((await readFile(one)).equals(await readFile(two))).toBe(true);
});

test("blobs that are put at the same time do not mix", async () => {
  const path = join(await newDirectory(), "app.tar");
  const blobs = Array.from({ length: 8 }, (_, seed) => createBlob({ size: 100_000 + seed, seed }));
  const putAll = (target: Target) =>
    Promise.all(blobs.map((blob) => target.putBlob(blob.descriptor, blob.open)));
  expect(await writeArchive(path, putAll)).toEqual(blobs.map(() => "uploaded"));
  const archive = await opened(path);
  for (const { descriptor } of blobs) {
    const { body } = await archive.getBlob(descriptor.digest);
    expect(digestOf(await readAll(body, { limit: descriptor.size }))).toBe(descriptor.digest);
  }
});

test("a blob that breaks off can be put again, and leaves nothing in the archive", async () => {
  const directory = await newDirectory();
  const [broken, whole] = [join(directory, "broken.tar"), join(directory, "whole.tar")];
  const blob = createBlob({ size: 300_000, seed: 1 });
  const small = createBlob({ size: 10, seed: 2 });
  await writeArchive(broken, async (target) => {
    const breakingOff = async () => bytesOf(new Uint8Array(200_000).fill(1));
    await expect(target.putBlob(blob.descriptor, breakingOff)).rejects.toMatchObject({
      code: "SIZE_MISMATCH",
    });
    expect(await target.headBlob(blob.descriptor.digest)).toBeUndefined();
    await target.putBlob(small.descriptor, small.open);
  });
  await writeArchive(whole, (target) => target.putBlob(small.descriptor, small.open));
  expect((await readFile(broken)).equals(await readFile(whole))).toBe(true);
});

test("an archive whose filling fails leaves what was there, and nothing beside it", async () => {
  const directory = await newDirectory();
  const path = join(directory, "app.tar");
  await writeFile(path, "before");
  const failing = writeArchive(path, async (target) => {
    await pushImage(target, image);
    throw new Error("changed my mind");
  });
  await expect(failing).rejects.toThrow("changed my mind");
  expect(await readdir(directory)).toEqual(["app.tar"]);
  expect(await readFile(path, "utf8")).toBe("before");
});

test("what a killed process has left beside an archive is removed after a day, and not before", async () => {
  const directory = await newDirectory();
  const path = join(directory, "app.tar");
  const drafts = [randomUUID(), randomUUID()].map((id) => `app.tar.${id}.part`);
  for (const name of [...drafts, "app.tar.mine.part"]) await writeFile(join(directory, name), "half");
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  for (const name of [drafts[0], "app.tar.mine.part"])
    await utimes(join(directory, name ?? ""), yesterday, yesterday);
  await writeArchive(path, (target) => pushImage(target, image));
  expect(new Set(await readdir(directory))).toEqual(new Set(["app.tar", drafts[1], "app.tar.mine.part"]));
});

test("a manifest is refused while its content is missing", async () => {
  const path = join(await newDirectory(), "app.tar");
  const put = writeArchive(path, (target) => target.putManifest(image.document));
  await expect(put).rejects.toMatchObject({ code: "MANIFEST_BLOB_UNKNOWN" });
});

const blob = "blobs/sha256/aa";
test.each([
  ["a symbolic link (CVE-2026-50163)", [{ name: blob, type: "2", link: "/etc/passwd" }]],
  ["a hard link (GHSA-fxhp-mv3v-67qp)", [{ name: blob, type: "1", link: "../../etc/passwd" }]],
  ["a character device", [{ name: blob, type: "3" }]],
  ["a block device", [{ name: blob, type: "4" }]],
  ["a FIFO", [{ name: blob, type: "6" }]],
  ["a sparse file, larger than it is", [{ name: blob, type: "S" }]],
  ["a path that leads out", [{ name: "../index.json" }]],
  ["a path that leads out later", [{ name: "blobs/../../index.json" }]],
  ["an absolute path", [{ name: "/index.json" }]],
  ["a path twice", [{ name: "index.json" }, { name: "./index.json" }]],
  ["an entry that is cut short", [{ name: blob, size: 10_000 }]],
  [
    "an extended header that is no record",
    [{ name: "x", type: "x", content: "99 path=a\n" }, { name: blob }],
  ],
])("an archive with %s throws STORAGE_INVALID (C32, C33)", async (_case, entries) => {
  await expect(openArchive(await craft(entries))).rejects.toMatchObject({ code: "STORAGE_INVALID" });
});

test.each([
  ["an extended header of 8 GiB", [{ name: "x", type: "x", size: 2 ** 33 }]],
  ["a long row of extended headers", Array.from({ length: 20 }, () => ({ name: "x", type: "x" }))],
  ["more than 100 000 entries", Array.from({ length: 100_001 }, (_, number) => ({ name: `${number}` }))],
])("an archive with %s throws LIMIT_EXCEEDED (C33)", async (_case, entries) => {
  await expect(openArchive(await craft(entries))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("what is no archive throws STORAGE_INVALID", async () => {
  const path = join(await newDirectory(), "app.tar");
  await writeFile(path, "x".repeat(1024));
  await expect(openArchive(path)).rejects.toMatchObject({ code: "STORAGE_INVALID" });
});

test("an archive without a layout throws STORAGE_INVALID", async () => {
  const archive = await opened(await craft([{ name: "hello", content: "world" }]));
  await expect(archive.getManifest("v1")).rejects.toMatchObject({ code: "STORAGE_INVALID" });
});

test("an archive that is not there throws UNAVAILABLE, one that is a link is read", async () => {
  const directory = await newDirectory();
  await expect(openArchive(join(directory, "none.tar"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await writeArchive(join(directory, "app.tar"), (target) => pushImage(target, image));
  await symlink(join(directory, "app.tar"), join(directory, "link.tar"));
  await expectWhole(await opened(join(directory, "link.tar")), image);
});
