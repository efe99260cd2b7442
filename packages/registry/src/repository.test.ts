import { createManifestDocument, mediaType, type Repository, type StorageDriver } from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { brokenBelow } from "../fixture/broken.ts";
import { changesOf, dyingAt, interrupted } from "../fixture/crash.ts";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createRegistry } from "./registry.ts";

const image = createImage({ layers: 2 });
const { descriptor } = image.document;
const index = createIndex({ manifests: [image, createImage({ seed: 1 })], subject: descriptor });

const repositoryOf = (driver: StorageDriver): Repository => createRegistry(driver).repository("a/b");

/** What a repository promises and does not have: every tag leads to a manifest, every manifest to its content. */
async function brokenIn(repository: Repository): Promise<readonly string[]> {
  const tags = await Array.fromAsync(repository.listTags()).catch(() => []);
  const referrers = await Array.fromAsync(repository.listReferrers(descriptor.digest));
  const roots = [...tags, ...referrers.map(({ digest }) => digest)];
  return (await Promise.all(roots.map((at) => brokenBelow(repository, at)))).flat();
}

describe("killed at any change, and started again,", () => {
  const push = (driver: StorageDriver) => pushImage(repositoryOf(driver), index, { tags: ["v1", "v2"] });
  const remove = (driver: StorageDriver) =>
    repositoryOf(driver).deleteManifest(index.document.descriptor.digest);

  test("a push leaves nothing partial visible, and the same push ends it", async () => {
    const changes = await changesOf(createMemoryDriver(), push);
    expect(changes).toBeGreaterThan(20);
    for (let fatal = 0; fatal < changes; fatal++) {
      const driver = createMemoryDriver();
      await expect(push(dyingAt(driver, fatal))).rejects.toThrow("killed");
      expect(await brokenIn(repositoryOf(driver))).toEqual([]);
      await push(driver);
      expect(await brokenIn(repositoryOf(driver))).toEqual([]);
      expect(await Array.fromAsync(repositoryOf(driver).listTags())).toEqual(["v1", "v2"]);
      const [referrer] = await Array.fromAsync(repositoryOf(driver).listReferrers(descriptor.digest));
      expect(referrer?.digest).toBe(index.document.descriptor.digest);
      expect(await Array.fromAsync(createRegistry(driver).listRepositories())).toEqual(["a/b"]);
    }
  });

  test("a delete leaves no tag without its manifest, and the same delete ends it", async () => {
    const whole = createMemoryDriver();
    await push(whole);
    const changes = await changesOf(whole, remove);
    for (let fatal = 0; fatal < changes; fatal++) {
      const driver = createMemoryDriver();
      await push(driver);
      await expect(remove(dyingAt(driver, fatal))).rejects.toThrow("killed");
      expect(await brokenIn(repositoryOf(driver))).toEqual([]);
      await remove(driver);
      expect(await Array.fromAsync(repositoryOf(driver).listTags())).toEqual([]);
      expect(await Array.fromAsync(repositoryOf(driver).listReferrers(descriptor.digest))).toEqual([]);
    }
  });
});

describe("in the middle of a push, at any change,", () => {
  const tagged = { tags: ["v1"] };

  test("a delete of the same manifest leaves a tag that can be read, or none", async () => {
    const put = (driver: StorageDriver) => repositoryOf(driver).putManifest(index.document, tagged);
    const prepared = async () => {
      const driver = createMemoryDriver();
      await pushImage(repositoryOf(driver), index);
      return driver;
    };
    const changes = await changesOf(await prepared(), put);
    for (let moment = 0; moment < changes; moment++) {
      const driver = await prepared();
      const interfering = interrupted(driver, async (change) => {
        if (change === moment) await repositoryOf(driver).deleteManifest(index.document.descriptor.digest);
      });
      await put(interfering);
      expect(await brokenIn(repositoryOf(driver))).toEqual([]);
    }
  });

  test("a push of the same manifest in the middle of its delete is found by its tag and its subject", async () => {
    const prepared = async () => {
      const driver = createMemoryDriver();
      await pushImage(repositoryOf(driver), index, tagged);
      return driver;
    };
    const { digest } = index.document.descriptor;
    const remove = (driver: StorageDriver) => repositoryOf(driver).deleteManifest(digest);
    const changes = await changesOf(await prepared(), remove);
    for (let moment = 0; moment < changes; moment++) {
      const driver = await prepared();
      const interfering = interrupted(driver, async (change) => {
        if (change === moment) await repositoryOf(driver).putManifest(index.document, { tags: ["v2"] });
      });
      await remove(interfering);
      const repository = repositoryOf(driver);
      expect(await brokenIn(repository)).toEqual([]);
      const referrers = await Array.fromAsync(repository.listReferrers(descriptor.digest));
      const isThere = (await repository.headManifest(digest)) !== undefined;
      expect(referrers.map((referrer) => referrer.digest)).toEqual(isThere ? [digest] : []);
    }
  });

  test("a tag that is moved after it was looked at is not moved again: PRECONDITION_FAILED", async () => {
    const other = createImage({ seed: 8 });
    const condition = { tags: ["v1"], ifMatch: descriptor.digest };
    const put = (driver: StorageDriver) => repositoryOf(driver).putManifest(other.document, condition);
    const prepared = async () => {
      const driver = createMemoryDriver();
      await pushImage(repositoryOf(driver), other);
      await pushImage(repositoryOf(driver), index);
      await pushImage(repositoryOf(driver), image, { tags: ["v1"] });
      return driver;
    };
    const changes = await changesOf(await prepared(), put);
    for (let moment = 0; moment < changes; moment++) {
      const driver = await prepared();
      const interfering = interrupted(driver, async (change) => {
        if (change === moment) await repositoryOf(driver).putManifest(index.document, { tags: ["v1"] });
      });
      await expect(put(interfering)).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
      expect(await repositoryOf(driver).headManifest("v1")).toEqual(index.document.descriptor);
    }
  });

  test("a tag that is set after it was looked for is not set again: PRECONDITION_FAILED", async () => {
    const condition = { tags: ["v1"], ifNoneMatch: "*" } as const;
    const put = (driver: StorageDriver) => repositoryOf(driver).putManifest(image.document, condition);
    const prepared = async () => {
      const driver = createMemoryDriver();
      await pushImage(repositoryOf(driver), index);
      return driver;
    };
    const changes = await changesOf(await prepared(), put);
    const driver = await prepared();
    const interfering = interrupted(driver, async (change) => {
      if (change === changes - 1) await repositoryOf(driver).putManifest(index.document, { tags: ["v1"] });
    });
    await expect(put(interfering)).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
  });

  test("the last content of a repository goes, and the repository is listed all the same", async () => {
    const put = (driver: StorageDriver) => pushImage(repositoryOf(driver), image);
    const other = createImage({ seed: 5, layers: 1 });
    const [blob] = other.blobs;
    const prepared = async () => {
      const driver = createMemoryDriver();
      if (blob !== undefined) await repositoryOf(driver).putBlob(blob.descriptor, blob.open);
      return driver;
    };
    const changes = await changesOf(await prepared(), put);
    for (let moment = 0; moment < changes; moment++) {
      const driver = await prepared();
      const interfering = interrupted(driver, async (change) => {
        if (change === moment && blob !== undefined)
          await repositoryOf(driver).deleteBlob(blob.descriptor.digest);
      });
      await put(interfering);
      expect(await Array.fromAsync(createRegistry(driver).listRepositories())).toEqual(["a/b"]);
    }
  });

  test("new content arrives while the last goes, and the repository stays listed", async () => {
    const [last, next] = createImage({ seed: 5 }).blobs;
    if (last === undefined || next === undefined) throw new Error("an image has blobs");
    const prepared = async () => {
      const driver = createMemoryDriver();
      await repositoryOf(driver).putBlob(last.descriptor, last.open);
      return driver;
    };
    const remove = (driver: StorageDriver) => repositoryOf(driver).deleteBlob(last.descriptor.digest);
    const changes = await changesOf(await prepared(), remove);
    expect(changes).toBe(2);
    for (let moment = 0; moment < changes; moment++) {
      const driver = await prepared();
      const interfering = interrupted(driver, async (change) => {
        if (change === moment) await repositoryOf(driver).putBlob(next.descriptor, next.open);
      });
      await remove(interfering);
      expect(await Array.fromAsync(createRegistry(driver).listRepositories())).toEqual(["a/b"]);
    }
  });
});

describe("a blob", () => {
  test("whose bytes were swept while it was linked is not reported as here", async () => {
    const driver = createMemoryDriver();
    const [blob] = image.blobs;
    if (blob === undefined) throw new Error("an image has blobs");
    await repositoryOf(driver).putBlob(blob.descriptor, blob.open);
    const sweeping = interrupted(driver, async () => {
      await driver.blobs.remove(blob.descriptor.digest);
    });
    const other = createRegistry(sweeping).repository("a/c");
    await expect(other.mountBlob(blob.descriptor.digest, { from: "a/b" })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    expect(await other.headBlob(blob.descriptor.digest)).toBeUndefined();
  });

  test("deleted in one repository stays deleted there when another pushes it again (CVE-2026-35172)", async () => {
    const registry = createRegistry(createMemoryDriver());
    const [one, two] = [registry.repository("one"), registry.repository("two")];
    const [blob] = image.blobs;
    if (blob === undefined) throw new Error("an image has blobs");
    const { digest } = blob.descriptor;
    for (const repository of [one, two]) await repository.putBlob(blob.descriptor, blob.open);
    await one.deleteBlob(digest);
    await two.headBlob(digest);
    await two.putBlob(blob.descriptor, blob.open);
    expect(await one.headBlob(digest)).toBeUndefined();
    await expect(one.getBlob(digest)).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
  });
});

describe("content embedded in a manifest", () => {
  const { config } = createArtifact({ artifactType: "application/vnd.test" });
  const embed = (data: string) =>
    createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: { ...config.descriptor, data },
      layers: [],
    });

  test.each([
    ["e30=", undefined],
    ["e30x", "MANIFEST_INVALID"],
    ["W10=", "MANIFEST_INVALID"],
    ["", "MANIFEST_INVALID"],
  ])("as %j is held against its descriptor", async (data, code) => {
    const repository = repositoryOf(createMemoryDriver());
    await repository.putBlob(config.descriptor, config.open);
    const put = repository.putManifest(embed(data));
    const outcome = await put.then(
      () => undefined,
      (error: { readonly code?: unknown }) => error.code,
    );
    expect(outcome).toBe(code);
  });
});
