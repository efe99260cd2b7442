import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { bytesOf, readAll, type Bytes } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { compressionOf, expand, expansionLimit } from "./expand.ts";

const limit = 1024 * 1024;

describe.each([
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
] as const)("%s", (compression, compress) => {
  const read = (bytes: Bytes, most = limit) =>
    readAll(expand(bytes, compression, { limitOf: () => most }), { limit: Number.POSITIVE_INFINITY });

  test("is taken off", async () => {
    const content = Buffer.alloc(300_000, "content");
    expect(content.equals(await read(bytesOf(compress(content))))).toBe(true);
  });

  test("is taken off of members that follow each other, as parallel compressors write them", async () => {
    const both = Buffer.concat([compress(Buffer.from("one, ")), compress(Buffer.from("two"))]);
    expect(Buffer.from(await read(bytesOf(both))).toString()).toBe("one, two");
  });

  test("is taken off once, and what is below it is left (CVE-2023-25153)", async () => {
    const inner = compress(Buffer.from("content"));
    expect(inner.equals(await read(bytesOf(compress(inner))))).toBe(true);
  });

  test("that hides more than the limit throws LIMIT_EXCEEDED before it is all there (CVE-2023-25153)", async () => {
    const bomb = compress(Buffer.alloc(64 * limit));
    await expect(read(bytesOf(bomb))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("is held against what was read so far, and not against what was said of its size", async () => {
    const content = Buffer.alloc(2 * limit);
    const taken: number[] = [];
    const limitOf = (size: number) => (taken.push(size), 3 * limit);
    await readAll(expand(bytesOf(compress(content)), compression, { limitOf }), { limit: 3 * limit });
    expect(taken.at(-1)).toBe(compress(content).byteLength);
  });

  test("that is something else throws MANIFEST_INVALID", async () => {
    await expect(read(bytesOf(Buffer.from("something else")))).rejects.toMatchObject({
      code: "MANIFEST_INVALID",
    });
  });

  test("that is cut short throws MANIFEST_INVALID", async () => {
    const cut = compress(Buffer.alloc(100_000, "content")).subarray(0, -5);
    await expect(read(bytesOf(cut))).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  });

  test("whose source fails throws what the source has thrown", async () => {
    const reason = new Error("broken off");
    async function* breakingOff() {
      yield compress(Buffer.from("content")).subarray(0, 8);
      throw reason;
    }
    await expect(read(breakingOff())).rejects.toBe(reason);
  });
});

test("zstd's frames to be skipped, and frames with checksums and without sizes, are passed over and taken off", async () => {
  const checked = zstdCompressSync(Buffer.alloc(300_000, "a"), {
    params: { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_contentSizeFlag]: 0 },
  });
  const skipped = Buffer.concat([Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from("foo")]);
  const frames = Buffer.concat([skipped, checked, skipped, zstdCompressSync(Buffer.from("")), checked]);
  async function* inPieces() {
    for (let at = 0; at < frames.byteLength; at += 7) yield frames.subarray(at, at + 7);
  }
  const content = await readAll(expand(inPieces(), "zstd"), { limit: 1_000_000 });
  expect(Buffer.alloc(600_000, "a").equals(content)).toBe(true);
});

test.each([
  ["a frame to be skipped that is cut short", [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1]],
  ["half a magic number behind a frame", [...zstdCompressSync(Buffer.from("a")), 0x28, 0xb5]],
  ["something else behind a frame", [...zstdCompressSync(Buffer.from("a")), 1, 2, 3, 4]],
])("zstd with %s throws MANIFEST_INVALID", async (_case, bytes) => {
  const expanded = readAll(expand(bytesOf(Uint8Array.from(bytes)), "zstd"), { limit: 100 });
  await expect(expanded).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
});

test("a reader that leaves closes the source", async () => {
  let isClosed = false;
  async function* source() {
    try {
      for (;;) yield gzipSync(Buffer.alloc(100_000));
    } finally {
      isClosed = true;
    }
  }
  for await (const chunk of expand(source(), "gzip")) {
    if (chunk.byteLength > 0) break;
  }
  await expect.poll(() => isClosed).toBe(true);
});

test.each([
  ["application/vnd.oci.image.layer.v1.tar+gzip", "gzip"],
  ["application/vnd.docker.image.rootfs.diff.tar.gzip", "gzip"],
  ["application/vnd.oci.image.layer.v1.tar+zstd", "zstd"],
  ["application/vnd.oci.image.layer.v1.tar", undefined],
  ["application/vnd.oci.image.config.v1+json", undefined],
])("%s is compressed with %s", (type, expected) => {
  expect(compressionOf(type)).toBe(expected);
});

test("little may become a GiB, and much two hundred times as much", () => {
  expect(expansionLimit(1000)).toBe(1024 ** 3);
  expect(expansionLimit(1024 ** 3)).toBe(200 * 1024 ** 3);
});
