import { randomUUID } from "node:crypto";
import { bytesOf, digestOf, type Bytes } from "@drayage/oci";
import { expect } from "vitest";
import { expectBytes, expectCode } from "../expect.ts";
import { decode, encode, read, uploadOf, type StorageCase } from "./case.ts";

const content = encode("0123456789");
const digest = digestOf(content);
const mebibyte = 1024 * 1024;
/** So much that no token holds it. */
const large = Buffer.alloc(6 * mebibyte, "drayage");

export const uploadCases: readonly StorageCase[] = [
  {
    title: "an upload is appended to until it is committed, and is nobody's blob before",
    async run({ driver: { blobs } }) {
      const begun = await blobs.begin({ id: randomUUID() });
      expect(await blobs.offset(begun)).toBe(0);
      const pieces = bytesOf(content.subarray(0, 3), content.subarray(3, 4));
      const first = await blobs.append(begun, pieces, { at: 0 });
      expect([first.offset, first.failure]).toEqual([4, undefined]);
      expect(await blobs.offset(first.token)).toBe(4);
      const second = await blobs.append(first.token, bytesOf(content.subarray(4)), { at: 4 });
      expect(await blobs.offset(second.token)).toBe(10);
      expect(await blobs.stat(digest)).toBeUndefined();
      expect(await blobs.commit(second.token, digest, { verify: true })).toEqual({ size: 10 });
      expect(await blobs.stat(digest)).toMatchObject({ size: 10 });
    },
  },
  {
    title: "an upload of large and small pieces in any order becomes what they are together",
    async run({ driver }) {
      const sizes = [1, 6 * mebibyte + 3, 300 * 1024, 2 * mebibyte, 0, 7];
      const whole = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, `${index}.`)));
      const { blobs } = driver;
      let token = await blobs.begin({ id: randomUUID() });
      let at = 0;
      for (const size of sizes) {
        const appended = await blobs.append(token, bytesOf(whole.subarray(at, at + size)), { at });
        expect([appended.offset, appended.failure]).toEqual([at + size, undefined]);
        [token, at] = [appended.token, appended.offset];
      }
      const name = digestOf(whole);
      expect(await blobs.commit(token, name, { verify: true })).toEqual({ size: whole.byteLength });
      expectBytes(await read(blobs.read(name, { start: 0, length: whole.byteLength })), whole);
    },
  },
  {
    title: "an upload keeps what has arrived when its source breaks, and says why it ended",
    async run({ driver: { blobs } }) {
      const begun = await blobs.begin({ id: randomUUID() });
      const broken = new Error("the source broke");
      async function* breaking(): Bytes {
        yield content.subarray(0, 4);
        throw broken;
      }
      const { token, offset, failure } = await blobs.append(begun, breaking(), { at: 0 });
      expect([offset, failure]).toEqual([4, { error: broken }]);
      const rest = await blobs.append(token, bytesOf(content.subarray(4)), { at: 4 });
      expect(await blobs.commit(rest.token, digest, { verify: true })).toEqual({ size: 10 });
    },
  },
  {
    title: "another process goes on with an upload by its token",
    async run({ driver, reopen }) {
      const token = await uploadOf(driver, bytesOf(content.subarray(0, 4)));
      const { blobs } = await reopen();
      expect(await blobs.offset(token)).toBe(4);
      const rest = await blobs.append(token, bytesOf(content.subarray(4)), { at: 4 });
      expect(await (await reopen()).blobs.commit(rest.token, digest, { verify: true })).toEqual({ size: 10 });
    },
  },
  {
    title: "an upload goes on from the token before an append that nobody has kept",
    async run({ driver, reopen }) {
      const kept = await driver.blobs.begin({ id: randomUUID() });
      await driver.blobs.append(kept, bytesOf(content.subarray(0, 4)), { at: 0 });
      const { blobs } = await reopen();
      const at = (await blobs.offset(kept)) ?? Number.NaN;
      const rest = await blobs.append(kept, bytesOf(content.subarray(at)), { at });
      expect(await blobs.commit(rest.token, digest, { verify: true })).toEqual({ size: 10 });
    },
  },
  {
    title: "an upload is not committed under a digest that it does not have, where that is to be verified",
    async run({ driver }) {
      const token = await uploadOf(driver, bytesOf(content));
      const wrong = digestOf(encode("wrong"));
      await expectCode(driver.blobs.commit(token, wrong, { verify: true }), "DIGEST_MISMATCH");
      expect(await driver.blobs.stat(wrong)).toBeUndefined();
    },
  },
  {
    // CVE-2024-39897 is what happens where this is taken for success.
    title: "an upload without bytes is not committed because its content is here",
    async run({ driver: { blobs }, driver }) {
      const token = await uploadOf(driver, bytesOf(large));
      const name = digestOf(large);
      await blobs.commit(token, name, { verify: false });
      await expectCode(blobs.commit(token, name, { verify: false }), "BLOB_UPLOAD_UNKNOWN");
      const aborted = await uploadOf(driver, bytesOf(large));
      await blobs.abort(aborted);
      await expectCode(blobs.commit(aborted, name, { verify: false }), "BLOB_UPLOAD_UNKNOWN");
      expect(await blobs.stat(name)).toMatchObject({ size: large.byteLength });
    },
  },
  {
    title: "a committed upload that is aborted leaves its content where it is",
    async run({ driver }) {
      const token = await uploadOf(driver, bytesOf(content));
      await driver.blobs.commit(token, digest, { verify: false });
      await driver.blobs.abort(token);
      expect(decode(await read(driver.blobs.read(digest, { start: 0, length: 10 })))).toBe("0123456789");
    },
  },
  {
    title: "many uploads of one content are committed at the same time",
    async run({ driver }) {
      const tokens = await Promise.all(Array.from({ length: 10 }, () => uploadOf(driver, bytesOf(content))));
      const commits = tokens.map((token) => driver.blobs.commit(token, digest, { verify: true }));
      expect(await Promise.all(commits)).toEqual(tokens.map(() => ({ size: 10 })));
      expect(decode(await read(driver.blobs.read(digest, { start: 0, length: 10 })))).toBe("0123456789");
    },
  },
  {
    title: "an upload that is aborted cannot be gone on with, and aborting it again is success",
    async run({ driver: { blobs }, driver }) {
      const token = await uploadOf(driver, bytesOf(large));
      await blobs.abort(token);
      await blobs.abort(token);
      await expectCode(blobs.append(token, bytesOf(large), { at: large.byteLength }), "BLOB_UPLOAD_UNKNOWN");
      await expectCode(blobs.commit(token, digestOf(large), { verify: false }), "BLOB_UPLOAD_UNKNOWN");
    },
  },
  {
    title: "an upload that has no bytes yet, or few, can be aborted too",
    async run({ driver: { blobs }, driver }) {
      await blobs.abort(await blobs.begin({ id: randomUUID() }));
      await blobs.abort(await uploadOf(driver, bytesOf(content)));
      expect(await blobs.stat(digest)).toBeUndefined();
    },
  },
  {
    title: "an abandoned upload is aborted by another process",
    async run({ driver, reopen }) {
      const token = await uploadOf(driver, bytesOf(large));
      await (await reopen()).blobs.abort(token);
      await expectCode(driver.blobs.commit(token, digestOf(large), { verify: false }), "BLOB_UPLOAD_UNKNOWN");
    },
  },
  {
    title: "an upload does not change when its sender uses the buffer again",
    async run({ driver }) {
      const buffer = Buffer.from(content);
      const token = await uploadOf(driver, bytesOf(buffer));
      buffer.fill("x");
      expect(await driver.blobs.commit(token, digest, { verify: true })).toEqual({ size: 10 });
    },
  },
];
