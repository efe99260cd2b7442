import { randomUUID } from "node:crypto";
import { bytesOf, digestOf, readAll, type Bytes, type Digest } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import {
  countsOf,
  foldersOf,
  openEmulated,
  operationsOf,
  partSizesOf,
  uploaded,
} from "../fixture/emulated.ts";
import type { S3Driver } from "./driver.ts";

const mebibyte = 1024 * 1024;
const small = Buffer.from("0123456789");
const middle = Buffer.alloc(1 * mebibyte, "middle");
const large = Buffer.alloc(14 * mebibyte, "large");

const commit = ({ blobs }: S3Driver, token: string, bytes: Uint8Array, verify = false) =>
  blobs.commit(token, digestOf(bytes), { verify });
const read = ({ blobs }: S3Driver, digest: Digest, length: number) =>
  readAll(blobs.read(digest, { start: 0, length }), { limit: length });

async function* piecesOf(bytes: Uint8Array, size: number): Bytes {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

describe("requests", () => {
  test("for few bytes are two: nothing is stored before the commit", async () => {
    const { s3, driver } = await openEmulated();
    const token = await uploaded(driver, bytesOf(small));
    expect(countsOf(s3)).toEqual({});
    await commit(driver, token, small);
    expect(countsOf(s3)).toEqual({ "PutObject data": 1, "PutObject blobs": 1 });
  });

  test("for more bytes than a token holds and fewer than a part has are five", async () => {
    const { s3, driver } = await openEmulated();
    await commit(driver, await uploaded(driver, bytesOf(middle)), middle);
    expect(countsOf(s3)).toEqual({
      "PutObject parts": 1,
      "GetObject parts": 1,
      "PutObject data": 1,
      "PutObject blobs": 1,
      "DeleteObject parts": 1,
    });
    expect(foldersOf(s3)).toEqual({ data: 1, blobs: 1 });
  });

  test("for a large blob are its parts and four, and no copy", async () => {
    const { s3, driver } = await openEmulated();
    await commit(driver, await uploaded(driver, piecesOf(large, 64 * 1024)), large);
    expect(countsOf(s3)).toEqual({
      "CreateMultipartUpload data": 1,
      "UploadPart data": 2,
      "HeadObject data": 1,
      "CompleteMultipartUpload data": 1,
      "PutObject blobs": 1,
    });
  });

  test("to read are two, to stat one, to ask an upload for its offset none", async () => {
    const { s3, driver } = await openEmulated();
    const token = await uploaded(driver, bytesOf(small));
    await driver.blobs.offset(token);
    await commit(driver, token, small);
    s3.clearLedger();
    await driver.blobs.stat(digestOf(small));
    await read(driver, digestOf(small), 10);
    expect(countsOf(s3)).toEqual({ "GetObject blobs": 2, "GetObject data": 1 });
  });
});

describe("parts", () => {
  const sizesIn = async (options: object, bytes: Bytes): Promise<readonly number[]> => {
    const { s3, driver } = await openEmulated(options);
    await uploaded(driver, bytes);
    return partSizesOf(s3);
  };

  test("have 8 MiB, and the last takes what would be too little for one of its own", async () => {
    expect(await sizesIn({}, piecesOf(large, mebibyte))).toEqual([8 * mebibyte, 6 * mebibyte]);
  });

  test("have one size where the store wants that", async () => {
    const sizes = await sizesIn({ equalParts: true }, piecesOf(large, mebibyte));
    expect(sizes).toEqual([8 * mebibyte]);
  });

  test("have the size that is asked for", async () => {
    const sizes = await sizesIn({ partSize: 6 * mebibyte }, piecesOf(large, mebibyte));
    expect(sizes).toEqual([6 * mebibyte, 8 * mebibyte]);
  });

  test("are no larger when the bytes come in one piece, and no smaller when they come in crumbs", async () => {
    expect(await sizesIn({}, bytesOf(large))).toEqual([8 * mebibyte, 6 * mebibyte]);
    expect(await sizesIn({}, piecesOf(Buffer.alloc(6 * mebibyte), 100))).toEqual([6 * mebibyte]);
  });

  test("have 5 MiB once memory is spent, one at a time", async () => {
    const sizes = await sizesIn({ memory: 0 }, piecesOf(large, mebibyte));
    expect(sizes).toEqual([5 * mebibyte, 5 * mebibyte]);
  });
});

describe("memory", () => {
  test("that uploads share does not stop any of them, and is given back", async () => {
    const { s3, driver } = await openEmulated({ memory: 12 * mebibyte });
    const contents = [1, 2, 3].map((n) => Buffer.alloc(7 * mebibyte, `${n}`));
    const uploads = contents.map(
      async (bytes) => [await uploaded(driver, piecesOf(bytes, 100_000)), bytes] as const,
    );
    for (const [token, bytes] of await Promise.all(uploads)) {
      expect(await commit(driver, token, bytes, true)).toEqual({ size: bytes.byteLength });
    }
    expect(Math.min(...partSizesOf(s3))).toBeLessThan(6 * mebibyte); // it was spent
    s3.clearLedger();
    await uploaded(driver, bytesOf(large.subarray(0, 10 * mebibyte)));
    expect(partSizesOf(s3)).toEqual([10 * mebibyte]);
  });
});

describe("an append", () => {
  test("that the bucket fails keeps the parts that are stored", async () => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    // Parts are sent at the same time, and so arrive in any order.
    s3.fail({
      operation: "UploadPart",
      part: 2,
      nth: 1,
      answer: { status: 500, code: "InternalError" },
    });
    const begun = await driver.blobs.begin({ id: randomUUID() });
    const { token, offset, failure } = await driver.blobs.append(begun, piecesOf(large, mebibyte), { at: 0 });
    expect(offset).toBe(8 * mebibyte);
    expect(failure?.error).toMatchObject({ code: "UNAVAILABLE" });
    const rest = await driver.blobs.append(token, bytesOf(large.subarray(offset)), { at: offset });
    expect(await commit(driver, rest.token, large, true)).toEqual({ size: large.byteLength });
  });

  test("that the bucket fails at its first part keeps what was there before", async () => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    const before = await uploaded(driver, bytesOf(middle));
    s3.fail({ operation: "UploadPart", answer: { status: 503, code: "SlowDown" } });
    const failed = await driver.blobs.append(before, bytesOf(large), { at: mebibyte });
    expect([failed.offset, failed.failure?.error]).toMatchObject([mebibyte, { code: "UNAVAILABLE" }]);
    s3.fail();
    const after = await driver.blobs.append(failed.token, bytesOf(large), { at: mebibyte });
    expect(await commit(driver, after.token, Buffer.concat([middle, large]), true)).toBeDefined();
  });

  test.each([
    [500, "InternalError"],
    [503, "SlowDown"],
  ])(
    "is not disturbed by a part that is answered with %d first, nor asks its source again",
    async (status, code) => {
      const { s3, driver } = await openEmulated();
      s3.fail({ operation: "UploadPart", nth: 1, answer: { status, code } });
      await commit(driver, await uploaded(driver, piecesOf(large, mebibyte)), large, true);
      expect(operationsOf(s3, "UploadPart")).toBe(3);
    },
  );

  test("does not keep what a part replaces once it is of no use", async () => {
    const { s3, driver } = await openEmulated();
    const first = await uploaded(driver, bytesOf(middle));
    const second = await driver.blobs.append(first, bytesOf(middle), { at: mebibyte });
    expect(foldersOf(s3)).toEqual({ parts: 2 }); // until the new token is known to be kept
    const third = await driver.blobs.append(second.token, bytesOf(small), { at: 2 * mebibyte });
    expect(foldersOf(s3)).toEqual({ parts: 2 });
    await commit(driver, third.token, Buffer.concat([middle, middle, small]), true);
    expect(foldersOf(s3)).toEqual({ data: 1, blobs: 1 });
  });

  test("of another process that was thought dead is noticed: its part is not ours", async () => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    const shared = await uploaded(driver, bytesOf(large.subarray(0, 6 * mebibyte)));
    const ours = await driver.blobs.append(shared, bytesOf(large.subarray(6 * mebibyte)), {
      at: 6 * mebibyte,
    });
    await driver.blobs.append(shared, bytesOf(Buffer.alloc(8 * mebibyte, "x")), { at: 6 * mebibyte });
    await expect(commit(driver, ours.token, large)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(s3.content.objects.size).toBe(0);
  });
});

describe("a commit", () => {
  test("of what many commit at the same time leaves one object", async () => {
    const { s3, driver } = await openEmulated();
    for (const [bytes, others] of [
      [small, 20],
      [middle, 20],
      [large.subarray(0, 6 * mebibyte), 5],
    ] as const) {
      const tokens = await Promise.all(
        Array.from({ length: others }, () => uploaded(driver, bytesOf(bytes))),
      );
      await Promise.all(tokens.map((token) => commit(driver, token, bytes)));
    }
    expect(foldersOf(s3)).toEqual({ data: 3, blobs: 3 });
    expect(s3.content.uploads.size).toBe(0);
  });

  test("whose process dies behind the last part is done once more", async () => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    const token = await uploaded(driver, bytesOf(large));
    s3.fail({
      operation: "PutObject",
      prefix: "registry/blobs/",
      nth: 1,
      answer: { status: 500, code: "InternalError" },
    });
    await expect(commit(driver, token, large)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await commit(driver, token, large)).toEqual({ size: large.byteLength });
    expect(foldersOf(s3)).toEqual({ data: 1, blobs: 1 });
  });

  test("that goes on where another has died holds the bytes against the digest, whoever says that it did", async () => {
    const { s3, driver } = await openEmulated({ maxAttempts: 1 });
    const token = await uploaded(driver, bytesOf(large));
    s3.fail({
      operation: "PutObject",
      prefix: "registry/blobs/",
      nth: 1,
      answer: { status: 500, code: "InternalError" },
    });
    await expect(commit(driver, token, large)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(commit(driver, token, small)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await commit(driver, token, large)).toEqual({ size: large.byteLength });
  });

  test("that is repeated for other bytes, by a client that has not heard of the first, takes nothing away", async () => {
    const { driver } = await openEmulated({ traits: { repeatedComplete: "answered" } });
    const token = await uploaded(driver, bytesOf(large));
    await commit(driver, token, large);
    await expect(commit(driver, token, small, true)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect((await read(driver, digestOf(large), large.byteLength)).byteLength).toBe(large.byteLength);
  });

  test("whose answers are lost succeeds all the same", async () => {
    const { s3, driver } = await openEmulated();
    s3.fail(
      { operation: "CompleteMultipartUpload", nth: 1, loseAnswer: true },
      { operation: "PutObject", nth: 1, loseAnswer: true },
    );
    const token = await uploaded(driver, bytesOf(large));
    expect(await commit(driver, token, large)).toEqual({ size: large.byteLength });
    expect(foldersOf(s3)).toEqual({ data: 1, blobs: 1 });
  });

  test("that is answered with 200 and an error inside is sent again", async () => {
    const { s3, driver } = await openEmulated();
    const token = await uploaded(driver, bytesOf(large));
    s3.fail({ operation: "CompleteMultipartUpload", nth: 1, answer: { status: 200, code: "InternalError" } });
    expect(await commit(driver, token, large)).toEqual({ size: large.byteLength });
    expect(operationsOf(s3, "CompleteMultipartUpload")).toBe(2);
  });

  test("of other bytes than were announced leaves nothing", async () => {
    const { s3, driver } = await openEmulated();
    for (const bytes of [small, middle, large]) {
      const token = await uploaded(driver, bytesOf(bytes));
      const wrong = driver.blobs.commit(token, digestOf(Buffer.from("wrong")), { verify: true });
      await expect(wrong).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      await driver.blobs.abort(token);
    }
    expect(foldersOf(s3)).toEqual({});
    expect(s3.content.uploads.size).toBe(0);
  });

  test("repairs a blob whose bytes somebody has removed by hand", async () => {
    const { s3, driver } = await openEmulated();
    await commit(driver, await uploaded(driver, bytesOf(small)), small);
    for (const key of s3.content.objects.keys()) if (key.includes("/data/")) s3.content.objects.delete(key);
    await expect(read(driver, digestOf(small), 10)).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
    await commit(driver, await uploaded(driver, bytesOf(small)), small);
    expect((await read(driver, digestOf(small), 10)).toString()).toBe(small.toString());
    expect(foldersOf(s3)).toEqual({ data: 1, blobs: 1 });
  });
});

describe("giving up an upload", () => {
  test("leaves nothing, also of appends whose process died", async () => {
    const { s3, driver } = await openEmulated({ traits: { lateAbort: true } });
    const begun = await driver.blobs.begin({ id: randomUUID() });
    const half = large.subarray(0, 12 * mebibyte);
    await driver.blobs.append(begun, bytesOf(half), { at: 0 });
    await driver.blobs.append(begun, bytesOf(middle), { at: 0 });
    const { token } = await driver.blobs.append(begun, bytesOf(half), { at: 0 });
    expect([s3.content.uploads.size, foldersOf(s3)]).toEqual([2, { parts: 1 }]);
    await driver.blobs.abort(token);
    expect([s3.content.uploads.size, foldersOf(s3)]).toEqual([0, {}]);
  });

  test("touches no other upload", async () => {
    const { driver } = await openEmulated();
    const tokens = [];
    for (const bytes of [middle, large])
      tokens.push([await uploaded(driver, bytesOf(bytes)), bytes] as const);
    await driver.blobs.abort(await uploaded(driver, bytesOf(large)));
    for (const [token, bytes] of tokens) expect(await commit(driver, token, bytes, true)).toBeDefined();
  });
});

describe("reading", () => {
  test("goes on where the body breaks off", async () => {
    const { s3, driver } = await openEmulated();
    await commit(driver, await uploaded(driver, bytesOf(large)), large);
    s3.fail(
      { operation: "GetObject", prefix: "registry/data/", nth: 1, cutAfter: 3 * mebibyte },
      { operation: "GetObject", prefix: "registry/data/", nth: [2, 3], cutAfter: 10 },
    );
    s3.clearLedger();
    expect(Buffer.compare(await read(driver, digestOf(large), large.byteLength), large)).toBe(0);
    expect(operationsOf(s3, "GetObject")).toBeGreaterThan(2);
  });

  test("gives up when it gets no further", async () => {
    const { s3, driver } = await openEmulated();
    await commit(driver, await uploaded(driver, bytesOf(large)), large);
    s3.fail({ operation: "GetObject", prefix: "registry/data/", cutAfter: 0 });
    await expect(read(driver, digestOf(large), 100)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("ends with the reason of its signal, in the middle too", async () => {
    const { driver } = await openEmulated();
    await commit(driver, await uploaded(driver, bytesOf(large)), large);
    const reason = new Error("enough");
    const controller = new AbortController();
    const part = { start: 0, length: large.byteLength, signal: controller.signal };
    const reading = (async () => {
      for await (const _chunk of driver.blobs.read(digestOf(large), part)) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });
});
