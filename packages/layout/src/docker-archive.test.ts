import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf, parseManifest, readAll, type Source } from "@drayage/oci";
import { expect, onTestFinished, test } from "vitest";
import { openDockerArchive, type OpenedDockerArchive } from "./docker-archive.ts";
import { formatTarHeader, paddedSize } from "./tar/header.ts";

interface Entry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** A symbolic link to this path. */
  readonly link?: string;
}

const layers = ["first layer", "second layer"];
const config = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(Buffer.from(layer))) },
});
const configDigest = digestOf(Buffer.from(config));

function saved(...images: readonly object[]): string {
  const standard = { Config: "c.json", RepoTags: ["example.com/app:v1"], Layers: ["1.tar", "2.tar"] };
  return JSON.stringify((images.length === 0 ? [{}] : images).map((image) => ({ ...standard, ...image })));
}

function archiveOf(overrides: Readonly<Record<string, string | Uint8Array>> = {}): readonly Entry[] {
  const files = {
    "1.tar": "first layer",
    "2.tar": "second layer",
    "c.json": config,
    "manifest.json": saved(),
  };
  return Object.entries({ ...files, ...overrides }).map(([name, content]) => ({ name, content }));
}

async function craft(entries: readonly Entry[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-docker-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const blocks = entries.flatMap(({ name, content = "", link }) => {
    const bytes = Buffer.from(content);
    const header = Buffer.from(formatTarHeader({ name, size: bytes.byteLength }));
    if (link !== undefined) header.write("2", 156);
    header.write(link ?? "", 157);
    header.write("        ", 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc(paddedSize(bytes.byteLength) - bytes.byteLength)];
  });
  const path = join(directory, "saved.tar");
  await writeFile(path, Buffer.concat([...blocks, Buffer.alloc(1024)]));
  return path;
}

async function opened(entries: readonly Entry[]): Promise<OpenedDockerArchive> {
  const archive = await openDockerArchive(await craft(entries));
  onTestFinished(() => archive.close());
  return archive;
}

async function layersOf(source: Source, at: string) {
  const { bytes } = await source.getManifest(at);
  const manifest = parseManifest(bytes);
  return manifest.kind === "manifest" ? manifest.layers : [];
}

test("the configuration and the layers of a saved image stay what they are", async () => {
  const archive = await opened(archiveOf());
  const { bytes, descriptor } = await archive.getManifest("v1");
  expect(parseManifest(bytes)).toMatchObject({ config: { digest: configDigest } });
  expect(archive.names).toEqual(new Map([["example.com/app:v1", descriptor.digest]]));
  for (const [number, { digest, mediaType, size }] of (await layersOf(archive, "v1")).entries()) {
    expect(mediaType).toBe("application/vnd.oci.image.layer.v1.tar");
    const { body } = await archive.getBlob(digest);
    expect(Buffer.from(await readAll(body, { limit: size })).toString()).toBe(layers[number]);
  }
});

test("a layer that is not what its configuration says throws DIGEST_MISMATCH when it is read", async () => {
  const archive = await opened(archiveOf({ "2.tar": "changed lay." }));
  const [, second] = await layersOf(archive, "v1");
  if (second === undefined) throw new Error("there is no second layer");
  const { body } = await archive.getBlob(second.digest);
  await expect(readAll(body, { limit: second.size })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

test("a layer that was saved compressed is passed on as it is, and not decompressed", async () => {
  const compressed = gzipSync("second layer");
  const archive = await opened(archiveOf({ "2.tar": compressed }));
  expect((await layersOf(archive, "v1"))[1]).toEqual({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: digestOf(compressed),
    size: compressed.byteLength,
  });
});

test("a layer may be a link to one that is in the archive", async () => {
  const linked = archiveOf().map((each) =>
    each.name === "2.tar" ? { name: "b/2.tar", content: "second layer" } : each,
  );
  const archive = await opened([...linked, { name: "2.tar", link: "b/2.tar" }]);
  expect((await layersOf(archive, "v1"))[1]).toMatchObject({ digest: digestOf(Buffer.from("second layer")) });
});

test("a tag of two images is not listed, but both are found by their names", async () => {
  const other = config.replace("amd64", "arm64");
  const images = saved({}, { Config: "d.json", RepoTags: ["other:v1", "other:v2"] });
  const archive = await opened(archiveOf({ "d.json": other, "manifest.json": images }));
  expect(await Array.fromAsync(archive.listTags())).toEqual(["v2"]);
  expect(archive.names.size).toBe(3);
  expect(archive.names.get("example.com/app:v1")).not.toBe(archive.names.get("other:v1"));
});

const without = (name: string) => archiveOf().filter((each) => each.name !== name);
test.each([
  ["without a manifest.json", without("manifest.json")],
  ["without a configuration", without("c.json")],
  ["without a layer", without("2.tar")],
  ["whose layer is a link out of it", [...without("2.tar"), { name: "2.tar", link: "../../etc/passwd" }]],
  ["whose layer is a link to /", [...without("2.tar"), { name: "2.tar", link: "/etc/passwd" }]],
  [
    "whose links go round in a circle",
    [...without("2.tar"), { name: "2.tar", link: "3" }, { name: "3", link: "2.tar" }],
  ],
  ["with fewer layers than diff_ids", archiveOf({ "manifest.json": saved({ Layers: ["1.tar"] }) })],
  ["whose manifest.json is no list", archiveOf({ "manifest.json": "{}" })],
  ["whose layers are no texts", archiveOf({ "manifest.json": saved({ Layers: [1] }) })],
])("an archive %s throws STORAGE_INVALID", async (_case, entries) => {
  await expect(openDockerArchive(await craft(entries))).rejects.toMatchObject({ code: "STORAGE_INVALID" });
});

test.each([
  ["1001 images", JSON.stringify(Array.from({ length: 1001 }, () => ({ Config: "c.json" })))],
  ["an image of 1001 layers", saved({ Layers: Array.from({ length: 1001 }, () => "1.tar") })],
  ["a manifest.json of more than 4 MiB", " ".repeat(4 * 1024 * 1024 + 1)],
])("an archive with %s throws LIMIT_EXCEEDED", async (_case, text) => {
  const path = await craft(archiveOf({ "manifest.json": text }));
  await expect(openDockerArchive(path)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});
