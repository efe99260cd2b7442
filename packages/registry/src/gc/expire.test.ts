import { bytesOf, digestOf } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { hour, openTimedStorage, type TimedStorage } from "../../fixture/storage.ts";
import { createRegistry } from "../registry.ts";
import { expireUploads } from "./expire.ts";

const bytes = new TextEncoder().encode("0123456789");
const digest = digestOf(bytes);
const day = 24 * hour;

async function begun(storage: TimedStorage): Promise<string> {
  const upload = await storage.repository().openUpload();
  await upload.append(bytesOf(bytes.subarray(0, 4)));
  return upload.id;
}

describe("an upload", () => {
  test("that nobody has gone on with for a day is gone, and its bytes with it", async () => {
    const storage = openTimedStorage();
    const id = await begun(storage);
    storage.clock.now += day - 1;
    expect(await expireUploads(storage.driver)).toEqual({ uploads: 0, leftovers: 0 });
    expect((await storage.repository().openUpload({ id })).offset).toBe(4);
    storage.clock.now += 1;
    expect(await expireUploads(storage.driver)).toEqual({ uploads: 1, leftovers: 0 });
    await expect(storage.repository().openUpload({ id })).rejects.toMatchObject({
      code: "BLOB_UPLOAD_UNKNOWN",
    });
    expect(await storage.keys("uploads/")).toEqual([]);
    const rest = { before: storage.clock.now + day, isOpen: async () => false };
    expect(await storage.driver.blobs.reap(rest)).toBe(0);
  });

  test("that has been gone on with stays for another day", async () => {
    const storage = openTimedStorage();
    const id = await begun(storage);
    storage.clock.now += day - 1;
    await (await storage.repository().openUpload({ id })).append(bytesOf(bytes.subarray(4)));
    storage.clock.now += day - 1;
    expect(await expireUploads(storage.driver)).toMatchObject({ uploads: 0 });
    expect(await (await storage.repository().openUpload({ id })).commit(digest)).toMatchObject({ size: 10 });
  });

  test("whose client sends slowly for days stays, also where one process has the storage alone", async () => {
    const storage = openTimedStorage();
    const driver = { ...storage.driver, exclusive: true };
    const repository = createRegistry(driver, { now: () => storage.clock.now }).repository("a/b");
    const upload = await repository.openUpload();
    await upload.append(
      (async function* () {
        for (const byte of bytes) {
          storage.clock.now += 11 * hour;
          yield Uint8Array.of(byte);
          expect(await expireUploads(driver, { idle: 12 * hour })).toEqual({ uploads: 0, leftovers: 0 });
        }
      })(),
    );
    expect(await upload.commit(digest)).toMatchObject({ size: 10 });
  });

  test("that somebody goes on with just when it expires is not taken from him", async () => {
    const storage = openTimedStorage();
    const id = await begun(storage);
    storage.clock.now += day;
    const { documents } = storage.driver;
    const resuming = {
      ...storage.driver,
      documents: {
        ...documents,
        async put(...call: Parameters<typeof documents.put>) {
          if (call[0] === `uploads/${id}`) {
            const upload = await storage.repository().openUpload({ id });
            await upload.append(bytesOf(bytes.subarray(4)));
          }
          return documents.put(...call);
        },
      },
    };
    expect(await expireUploads(resuming)).toMatchObject({ uploads: 0 });
    expect(await (await storage.repository().openUpload({ id })).commit(digest)).toMatchObject({ size: 10 });
  });

  test("that has become a blob leaves its record after an hour, and the blob stays", async () => {
    const storage = openTimedStorage();
    const upload = await storage.repository().openUpload({ id: await begun(storage) });
    await upload.append(bytesOf(bytes.subarray(4)));
    await upload.commit(digest);
    storage.clock.now += hour - 1;
    expect(await expireUploads(storage.driver)).toMatchObject({ uploads: 0 });
    storage.clock.now += 1;
    expect(await expireUploads(storage.driver)).toMatchObject({ uploads: 1 });
    expect(await storage.repository().headBlob(digest)).toMatchObject({ size: 10 });
  });

  test("that has been given up half way is ended at once", async () => {
    const storage = openTimedStorage();
    const id = await begun(storage);
    const dying = {
      ...storage.driver,
      blobs: { ...storage.driver.blobs, abort: () => Promise.reject(new Error("killed")) },
    };
    const upload = await createRegistry(dying, { now: () => storage.clock.now })
      .repository("a/b")
      .openUpload({ id });
    await expect(upload.cancel()).rejects.toThrow("killed");
    expect(await expireUploads(storage.driver)).toEqual({ uploads: 1, leftovers: 0 });
  });
});

test("what a crash has left of an upload that nobody knows is removed", async () => {
  const storage = openTimedStorage();
  await storage.driver.blobs.begin({ id: "00000000-0000-4000-8000-000000000000" });
  storage.clock.now += day + 1;
  expect(await expireUploads(storage.driver)).toEqual({ uploads: 0, leftovers: 1 });
});
