import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  bytesOf,
  createManifestDocument,
  digestOf,
  documentOf,
  hexOf,
  mediaType,
  parseImageConfig,
  parseManifest,
  readAll,
  type Digest,
  type ManifestDocument,
  type Target,
} from "@drayage/oci";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { writeDockerArchive } from "./docker-archive-writer.ts";
import { openDockerArchive, type OpenedDockerArchive } from "./docker-archive.ts";

const run = promisify(execFile);
const image = createImage({ layers: 3 });
const name = "example.com/app";

async function newPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-docker-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, "app.tar");
}

async function opened(path: string): Promise<OpenedDockerArchive> {
  const archive = await openDockerArchive(path);
  onTestFinished(() => archive.close());
  return archive;
}

async function fileIn(path: string, entry: string): Promise<string> {
  return (await run("tar", ["-xOf", path, entry])).stdout;
}

interface Layer {
  readonly content: string;
  readonly type?: string;
  readonly compress?: (bytes: Uint8Array) => Uint8Array;
}

type Fill = (target: Target) => Promise<unknown>;

/** Puts an image of these layers, whose configuration names `diffIds`. */
async function putImage(
  target: Target,
  layers: readonly Layer[],
  {
    diffIds = layers.map(({ content }) => digestOf(Buffer.from(content))),
    type = "application/vnd.oci.image.config.v1+json",
  }: { readonly diffIds?: readonly Digest[]; readonly type?: string } = {},
): Promise<void> {
  const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: diffIds } };
  const documents = layers.map(
    ({ content, type: layerType = mediaType.ociLayer, compress = (bytes) => bytes }) =>
      documentOf(compress(Buffer.from(content)), layerType),
  );
  const configDocument = documentOf(Buffer.from(JSON.stringify(config)), type);
  for (const document of [configDocument, ...documents]) await put(target, document);
  const manifest = createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: configDocument.descriptor,
    layers: documents.map(({ descriptor }) => descriptor),
  });
  await target.putManifest(manifest, { tags: ["v1"] });
}

async function put(target: Target, { descriptor, bytes }: ManifestDocument): Promise<void> {
  await target.putBlob(descriptor, async () => bytesOf(bytes));
}

const { ociLayerGzip, ociLayerZstd, dockerLayerGzip } = mediaType;

test("an archive has what docker load goes by: manifest.json, configurations and layers without compression", async () => {
  const path = await newPath();
  await writeDockerArchive(path, (target) => pushImage(target, image, { tags: ["v1", "latest"] }), { name });
  const diffIds = parseImageConfig(await readAll(await image.config.open(0), { limit: 100_000 })).diffIds.map(
    hexOf,
  );
  expect(JSON.parse(await fileIn(path, "manifest.json"))).toEqual([
    {
      Config: `${hexOf(image.config.descriptor.digest)}.json`,
      RepoTags: ["example.com/app:latest", "example.com/app:v1"],
      Layers: diffIds.map((hex) => `${hex}.tar`),
    },
  ]);
  expect(JSON.parse(await fileIn(path, "repositories"))).toEqual({
    "example.com/app": { latest: diffIds.at(-1), v1: diffIds.at(-1) },
  });
  for (const hex of diffIds) {
    const { stdout } = await run("tar", ["-xOf", path, `${hex}.tar`], { encoding: "buffer" });
    expect(digestOf(stdout)).toBe(`sha256:${hex}`);
  }
});

test("an archive is read as the image that it was, and whole", async () => {
  const path = await newPath();
  await writeDockerArchive(path, (target) => pushImage(target, image, { tags: ["v1"] }), { name });
  const archive = await opened(path);
  const { bytes, descriptor } = await archive.getManifest("v1");
  expect(archive.names).toEqual(new Map([["example.com/app:v1", descriptor.digest]]));
  const manifest = parseManifest(bytes);
  if (manifest.kind === "index") throw new Error("it is an index");
  expect(manifest.config.digest).toBe(image.config.descriptor.digest);
  for (const { digest, size } of manifest.layers) {
    const { body } = await archive.getBlob(digest);
    expect(await readAll(body, { limit: size })).toHaveLength(size);
  }
});

test.each([
  ["gzip", { type: ociLayerGzip, compress: gzipSync }],
  ["docker's gzip", { type: dockerLayerGzip, compress: gzipSync }],
  ["zstd", { type: ociLayerZstd, compress: zstdCompressSync }],
  ["nothing", {}],
])("a layer that is compressed with %s is saved without it", async (_case, how) => {
  const path = await newPath();
  await writeDockerArchive(path, (target) => putImage(target, [{ content: "a layer", ...how }]));
  expect(await fileIn(path, `${hexOf(digestOf(Buffer.from("a layer")))}.tar`)).toBe("a layer");
});

test("a layer that comes in two compressions is saved once", async () => {
  const path = await newPath();
  const layers = [
    { content: "a layer", type: ociLayerGzip, compress: gzipSync },
    { content: "a layer", type: ociLayerZstd, compress: zstdCompressSync },
  ];
  await writeDockerArchive(path, (target) => putImage(target, layers));
  const { stdout } = await run("tar", ["-tf", path]);
  const entry = `${hexOf(digestOf(Buffer.from("a layer")))}.tar`;
  expect(stdout.split("\n").filter((line) => line === entry)).toEqual([entry]);
  expect(JSON.parse(await fileIn(path, "manifest.json"))).toMatchObject([{ Layers: [entry, entry] }]);
});

test("a tag that moves names the image that it was put to last", async () => {
  const path = await newPath();
  const other = createImage({ seed: 1 });
  const fill = async (target: Target) => {
    await pushImage(target, image, { tags: ["v1", "v2"] });
    await pushImage(target, other, { tags: ["v2"] });
  };
  await writeDockerArchive(path, fill, { name: "busybox" });
  expect(JSON.parse(await fileIn(path, "manifest.json"))).toMatchObject([
    { RepoTags: ["docker.io/library/busybox:v1"] },
    { Config: `${hexOf(other.config.descriptor.digest)}.json`, RepoTags: ["docker.io/library/busybox:v2"] },
  ]);
});

test("the same image is the same archive", async () => {
  const [one, two] = [await newPath(), await newPath()];
  for (const path of [one, two]) {
    await writeDockerArchive(path, (target) => pushImage(target, image, { tags: ["v1"] }), { name });
  }
  expect((await readFile(one)).equals(await readFile(two))).toBe(true);
});

test("a layer that was expanded cannot be read as it came", async () => {
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("the image has no layer");
  await writeDockerArchive(await newPath(), async (target) => {
    await pushImage(target, image);
    const { body } = await target.getBlob(layer.descriptor.digest);
    await expect(readAll(body, { limit: 10_000 })).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

const layer = { content: "a layer", type: ociLayerGzip, compress: gzipSync };
const otherDigest = digestOf(Buffer.from("another"));
test.each([
  [
    "a layer that expands to another than its diff_id",
    "DIGEST_MISMATCH",
    (target: Target) => putImage(target, [layer], { diffIds: [otherDigest] }),
  ],
  [
    "fewer diff_ids than layers",
    "MANIFEST_INVALID",
    (target: Target) => putImage(target, [layer], { diffIds: [] }),
  ],
  [
    "a layer that is not gzip as it says",
    "MANIFEST_INVALID",
    (target: Target) => putImage(target, [{ content: "a layer", type: ociLayerGzip }]),
  ],
  [
    "a gzip'd layer that is cut short",
    "MANIFEST_INVALID",
    (target: Target) =>
      putImage(target, [{ ...layer, compress: (bytes) => gzipSync(bytes).subarray(0, -4) }]),
  ],
  [
    "an artifact",
    "UNSUPPORTED",
    (target: Target) => putImage(target, [layer], { type: "application/vnd.example.config.v1+json" }),
  ],
  ["an index", "UNSUPPORTED", (target: Target) => pushImage(target, createIndex({ manifests: [image] }))],
])("%s throws %s and leaves no archive", async (_case, code, fill: Fill) => {
  const path = await newPath();
  await expect(writeDockerArchive(path, fill)).rejects.toMatchObject({ code });
  expect(await readdir(join(path, ".."))).toEqual([]);
});

test("a layer that is not meant to be distributed, and not here, throws UNSUPPORTED", async () => {
  const type = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
  const fill = async (target: Target) => {
    const config = documentOf(
      Buffer.from(
        JSON.stringify({ architecture: "amd64", os: "windows", rootfs: { diff_ids: [otherDigest] } }),
      ),
      mediaType.ociConfig,
    );
    await put(target, config);
    const layers = [{ mediaType: type, digest: otherDigest, size: 7 }];
    await target.putManifest(
      createManifestDocument({
        schemaVersion: 2,
        mediaType: mediaType.ociManifest,
        config: config.descriptor,
        layers,
      }),
    );
  };
  await expect(writeDockerArchive(await newPath(), fill)).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test.each(["example.com/app:v1", `example.com/app@${otherDigest}`, "not a name"])(
  "%s is no name of images",
  async (wrong) => {
    const written = writeDockerArchive(await newPath(), async () => undefined, { name: wrong });
    await expect(written).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
  },
);
