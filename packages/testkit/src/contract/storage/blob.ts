import { bytesOf, digestOf, type Digest, type StorageDriver } from "@drayage/oci";
import { expect } from "vitest";
import { expectBytes, expectCode } from "../expect.ts";
import { decode, encode, read, uploadOf, type StorageCase } from "./case.ts";

const content = encode("0123456789");
const digest = digestOf(content);

export const blobCases: readonly StorageCase[] = [
  {
    title: "a blob is read whole and in parts",
    async run({ driver }) {
      await store(driver, content);
      const part = async (start: number, length: number): Promise<string> =>
        decode(await read(driver.blobs.read(digest, { start, length })));
      expect(await part(0, 10)).toBe("0123456789");
      expect(await part(2, 3)).toBe("234");
      expect(await part(9, 1)).toBe("9");
      expect(await part(4, 0)).toBe("");
    },
  },
  {
    title: "a blob of many megabytes is read whole and in parts",
    async run({ driver }) {
      const large = Buffer.alloc(11 * 1024 * 1024, "drayage");
      const name = await store(driver, large);
      expectBytes(await read(driver.blobs.read(name, { start: 0, length: large.byteLength })), large);
      const [start, length] = [5 * 1024 * 1024 - 3, 4 * 1024 * 1024];
      expectBytes(
        await read(driver.blobs.read(name, { start, length })),
        large.subarray(start, start + length),
      );
    },
  },
  {
    title: "a blob may be empty",
    async run({ driver }) {
      const name = await store(driver, new Uint8Array(0));
      expect(await driver.blobs.stat(name)).toMatchObject({ size: 0 });
      expect(await read(driver.blobs.read(name, { start: 0, length: 0 }))).toHaveLength(0);
    },
  },
  {
    title: "a blob may have a sha512 digest",
    async run({ driver }) {
      const name = digestOf(content, "sha512");
      await driver.blobs.commit(await uploadOf(driver, bytesOf(content)), name, { verify: true });
      expect(await driver.blobs.stat(name)).toMatchObject({ size: 10 });
      expect(await driver.blobs.stat(digest)).toBeUndefined();
    },
  },
  {
    title: "a blob that is absent has no stat, and reading it throws BLOB_UNKNOWN",
    async run({ driver: { blobs } }) {
      expect(await blobs.stat(digest)).toBeUndefined();
      await expectCode(read(blobs.read(digest, { start: 0, length: 1 })), "BLOB_UNKNOWN");
    },
  },
  {
    title: "a blob that is shorter than it should be is an error, not a short read",
    async run({ driver }) {
      await store(driver, content);
      await expectCode(read(driver.blobs.read(digest, { start: 0, length: 11 })), "STORAGE_INVALID");
    },
  },
  {
    title: "a blob is there for another process",
    async run({ driver, reopen }) {
      await store(driver, content);
      const { blobs } = await reopen();
      expect(await blobs.stat(digest)).toMatchObject({ size: 10 });
      expect(decode(await read(blobs.read(digest, { start: 0, length: 10 })))).toBe("0123456789");
    },
  },
  {
    title: "removing a blob takes it away, and tells whether it was there",
    async run({ driver }) {
      await store(driver, content);
      expect(await driver.blobs.remove(digest)).toBe("deleted");
      expect(await driver.blobs.remove(digest)).toBe("absent");
      expect(await driver.blobs.stat(digest)).toBeUndefined();
      await expectCode(read(driver.blobs.read(digest, { start: 0, length: 1 })), "BLOB_UNKNOWN");
      await store(driver, content);
      expect(await driver.blobs.stat(digest)).toMatchObject({ size: 10 });
    },
  },
  {
    title: "removing a blob ends no download that has begun",
    async run({ driver }) {
      const large = Buffer.alloc(3 * 1024 * 1024, "x");
      const name = await store(driver, large);
      let received = 0;
      for await (const chunk of driver.blobs.read(name, { start: 0, length: large.byteLength })) {
        received += chunk.byteLength;
        await driver.blobs.remove(name);
      }
      expect(received).toBe(large.byteLength);
    },
  },
  {
    title: "a reader may leave a blob in the middle",
    async run({ driver }) {
      const large = Buffer.alloc(3 * 1024 * 1024, "x");
      const name = await store(driver, large);
      for await (const chunk of driver.blobs.read(name, { start: 0, length: large.byteLength })) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      expect(await driver.blobs.stat(name)).toMatchObject({ size: large.byteLength });
    },
  },
];

async function store(driver: StorageDriver, bytes: Uint8Array): Promise<Digest> {
  const name = digestOf(bytes);
  const half = bytes.byteLength >> 1;
  const token = await uploadOf(driver, bytesOf(bytes.subarray(0, half), bytes.subarray(half)));
  expect(await driver.blobs.commit(token, name, { verify: false })).toEqual({ size: bytes.byteLength });
  return name;
}
