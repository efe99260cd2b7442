import { bytesOf, digestOf, type BlobStore, type DigestAlgorithm, type StorageDriver } from "@drayage/oci";
import { createBlob, bytesOfBlob } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { createMemoryDriver } from "../drivers/memory.ts";
import { createRegistry } from "../registry.ts";
import { openPortableHash } from "./portable-hash.ts";
import { findSession } from "./session.ts";

const content = await bytesOfBlob(createBlob({ size: 1000 }));

describe.each<DigestAlgorithm>(["sha256", "sha512"])("a portable hash (%s)", (algorithm) => {
  test.each([0, 1, 63, 64, 65, 127, 128, 999, 1000])(
    "goes on in another process behind byte %d",
    async (at) => {
      const first = await openPortableHash(algorithm);
      first?.update(content.subarray(0, at));
      const saved = first?.save?.();
      expect(saved?.size).toBe(at);
      const second = await openPortableHash(algorithm, saved);
      second?.update(content.subarray(at));
      expect([second?.size, second?.digest()]).toEqual([1000, digestOf(content, algorithm)]);
    },
  );

  test("that another version has saved is not read", async () => {
    expect(await openPortableHash(algorithm, { size: 1, state: "AAAA" })).toBeUndefined();
  });
});

describe("uploads to a remote storage", () => {
  /** A remote storage, and whether each commit had to read the bytes again. */
  function createRemote(): { readonly driver: StorageDriver; readonly verified: readonly boolean[] } {
    const verified: boolean[] = [];
    const driver = createMemoryDriver();
    const blobs: BlobStore = {
      ...driver.blobs,
      commit(token, digest, options) {
        verified.push(options.verify);
        return driver.blobs.commit(token, digest, options);
      },
    };
    return { driver: { ...driver, blobs, remote: true }, verified };
  }
  const digest = digestOf(content);

  test("are hashed where their bytes come in, whoever goes on with them, and not read again", async () => {
    const { driver, verified } = createRemote();
    const instance = () => createRegistry(driver).repository("a/b");
    const { id } = await instance().openUpload();
    for (const at of [0, 250, 500, 750]) {
      const upload = await instance().openUpload({ id });
      await upload.append(bytesOf(content.subarray(at, at + 250)), { at });
    }
    await (await instance().openUpload({ id })).commit(digest);
    expect(verified).toEqual([false]);
  });

  test("that are not what they should be are refused by the instance that did not see them", async () => {
    const { driver } = createRemote();
    const instance = () => createRegistry(driver).repository("a/b");
    const upload = await instance().openUpload();
    await upload.append(bytesOf(content));
    const other = await instance().openUpload({ id: upload.id });
    await expect(other.commit(digestOf(content.subarray(1)))).rejects.toMatchObject({
      code: "DIGEST_INVALID",
    });
  });

  test("whose hash was lost are read again", async () => {
    const { driver, verified } = createRemote();
    const instance = () => createRegistry(driver).repository("a/b");
    const upload = await instance().openUpload({ digest });
    await upload.append(bytesOf(content));
    expect((await findSession(driver.documents, upload.id))?.session.hash).toBeUndefined();
    await (await instance().openUpload({ id: upload.id, digest })).commit(digest);
    expect(verified).toEqual([true]);
  });

  test("that come with their digest are hashed by the runtime, whose hash is enough within one request", async () => {
    const { driver, verified } = createRemote();
    const upload = await createRegistry(driver).repository("a/b").openUpload({ digest });
    await upload.append(bytesOf(content));
    await upload.commit(digest);
    expect(verified).toEqual([false]);
  });

  test("keep their hash from clients", async () => {
    const { driver } = createRemote();
    const upload = await createRegistry(driver).repository("a/b").openUpload();
    await upload.append(bytesOf(content));
    const state = (await findSession(driver.documents, upload.id))?.session.hash?.state;
    expect(state).toBeDefined();
    expect(JSON.stringify(upload)).not.toContain(state);
  });
});
