import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexOf, readAll, type Digest, type StorageDriver } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { brokenBelow } from "../../fixture/broken.ts";
import { ask, serve } from "../../fixture/serve.ts";
import { openTimedStorage } from "../../fixture/storage.ts";
import { createFilesystemDriver } from "../drivers/filesystem.ts";
import { createRegistry } from "../registry.ts";
import { scrub } from "./scrub.ts";

const image = createImage({ layers: 2 });
const [layer] = image.layers;
if (layer === undefined) throw new Error("an image has layers");
const { digest, size } = layer.descriptor;

interface Directory {
  readonly driver: StorageDriver;
  readonly path: string;
  readonly fileOf: (digest: Digest) => string;
}

async function openDirectory(): Promise<Directory> {
  const path = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(path, { recursive: true }));
  const fileOf = (name: Digest): string =>
    join(path, "blobs", "sha256", hexOf(name).slice(0, 2), hexOf(name));
  return { driver: createFilesystemDriver(path, { durability: "relaxed" }), path, fileOf };
}

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.byteLength >> 1] = (bytes[bytes.byteLength >> 1] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

describe("scrubbing", () => {
  test("finds nothing wrong with what is whole", async () => {
    const { driver } = openTimedStorage();
    await pushImage(createRegistry(driver).repository("a/b"), image, { tags: ["v1"] });
    const checked: Digest[] = [];
    const report = await scrub(driver, { onChecked: (each) => checked.push(each.digest) });
    const bytes = image.blobs.reduce((total, { descriptor }) => total + descriptor.size, 0);
    expect(report).toEqual({ blobs: 3, bytes, manifests: 1, damaged: [], healed: 0 });
    expect(checked.sort()).toEqual(image.blobs.map(({ descriptor }) => descriptor.digest).sort());
  });

  const damages = {
    "a flipped bit": ["digest", flipByte],
    "bytes too many": ["digest", (file: string) => appendFile(file, "x")],
    "bytes too few": ["digest", (file: string) => truncate(file, 3)],
  } as const;

  test.each(Object.entries(damages))(
    "%s puts a blob into quarantine, of which readers are told that it is absent until it is pushed again",
    async (_name, [problem, damage]) => {
      const { driver, fileOf, path } = await openDirectory();
      const registry = createRegistry(driver);
      for (const name of ["one", "two"]) await pushImage(registry.repository(name), image, { tags: ["v1"] });
      await damage(fileOf(digest));
      const { damaged } = await scrub(driver);
      expect(damaged).toEqual([
        { kind: "blob", digest, problem },
        { kind: "blob", digest, problem: "missing", repository: "one" },
        { kind: "blob", digest, problem: "missing", repository: "two" },
      ]);
      expect(await readdir(join(path, "quarantine"))).toHaveLength(1);

      const server = await serve(registry);
      for (const method of ["GET", "HEAD"]) {
        const { status } = await ask(server, method, `/v2/one/blobs/${digest}`);
        expect([method, status]).toEqual([method, 404]);
      }
      const { codes } = await ask(server, "GET", `/v2/one/blobs/${digest}`);
      expect(codes).toEqual(["BLOB_UNKNOWN"]);

      await pushImage(registry.repository("one"), image, { tags: ["v1"] });
      expect(await brokenBelow(registry.repository("one"), "v1")).toEqual([]);
      expect(await scrub(driver)).toMatchObject({ damaged: [], healed: 1 });
      expect(await brokenBelow(registry.repository("two"), "v1")).toEqual([]);
      expect(await scrub(driver)).toMatchObject({ damaged: [], healed: 0 });
    },
  );

  test("only tells of damage if that is all that is wanted", async () => {
    const { driver, fileOf } = await openDirectory();
    const repository = createRegistry(driver).repository("a/b");
    await pushImage(repository, image, { tags: ["v1"] });
    await flipByte(fileOf(digest));
    expect((await scrub(driver, { quarantine: false })).damaged).toHaveLength(1);
    expect(await repository.headBlob(digest)).toMatchObject({ size });
    const { body } = await repository.getBlob(digest);
    expect(await readAll(body, { limit: size })).toHaveLength(size);
  });

  test("finds bytes that are missing, and lets a push bring them back", async () => {
    const { driver, fileOf } = await openDirectory();
    const repository = createRegistry(driver).repository("a/b");
    await pushImage(repository, image, { tags: ["v1"] });
    await rm(fileOf(digest));
    const { damaged } = await scrub(driver);
    expect(damaged).toEqual([{ kind: "blob", digest, problem: "missing", repository: "a/b" }]);
    await pushImage(repository, image, { tags: ["v1"] });
    expect(await brokenBelow(repository, "v1")).toEqual([]);
  });

  test("puts a manifest into quarantine that is not what its digest says, until it is pushed again", async () => {
    const storage = openTimedStorage();
    const repository = storage.repository();
    await pushImage(repository, image, { tags: ["v1"] });
    const [key = ""] = await storage.keys("repos/a/b/_manifests/");
    const stored = await storage.driver.documents.get(key);
    const bytes = Buffer.from(stored?.bytes ?? []);
    bytes.write("x", bytes.byteLength - 10);
    await storage.driver.documents.put(key, bytes);
    const { damaged } = await scrub(storage.driver);
    expect(damaged).toEqual([
      { kind: "manifest", digest: image.document.descriptor.digest, problem: "digest", repository: "a/b" },
    ]);
    const server = await serve(createRegistry(storage.driver));
    const answer = await ask(server, "GET", "/v2/a/b/manifests/v1");
    expect([answer.status, answer.codes]).toEqual([404, ["MANIFEST_UNKNOWN"]]);
    await repository.putManifest(image.document, { tags: ["v1"] });
    expect(await brokenBelow(repository, "v1")).toEqual([]);
  });

  test("leaves a blob that has been pushed again while it was read", async () => {
    const { driver, fileOf } = await openDirectory();
    const repository = createRegistry(driver).repository("a/b");
    await pushImage(repository, image, { tags: ["v1"] });
    await flipByte(fileOf(digest));
    const report = await scrub({
      ...driver,
      blobs: {
        ...driver.blobs,
        async quarantine(...call) {
          await repository.putBlob(layer.descriptor, layer.open, { force: true });
          return driver.blobs.quarantine(...call);
        },
      },
    });
    expect(report.damaged).toEqual([]);
    expect(await brokenBelow(repository, "v1")).toEqual([]);
  });
});
