import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, digestOf, readAll, type Bytes } from "@drayage/oci";
import { describe, expect, onTestFinished, test } from "vitest";
import type { StorageDriver } from "../storage/driver.ts";
import { createFilesystemDriver } from "./filesystem.ts";
import { createMemoryDriver } from "./memory.ts";

const drivers: readonly (readonly [string, () => Promise<StorageDriver>])[] = [
  ["memory", async () => createMemoryDriver()],
  ["a directory", async () => createFilesystemDriver(await newDirectory())],
  [
    "a directory, relaxed",
    async () => createFilesystemDriver(await newDirectory(), { durability: "relaxed" }),
  ],
];

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe.each(drivers)("documents in %s", (_name, create) => {
  const open = async () => (await create()).documents;

  test("are read as they were put, with size and time", async () => {
    const documents = await open();
    const etag = await documents.put("a/b", encode("one"));
    const found = await documents.get("a/b");
    expect([decode(found?.bytes), found?.etag]).toEqual(["one", etag]);
    expect(await documents.head("a/b")).toMatchObject({ size: 3 });
    expect(Math.abs((found?.modified ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("that are absent are undefined, and deleting them finds nothing", async () => {
    const documents = await open();
    expect(await documents.get("a/b")).toBeUndefined();
    expect(await documents.head("a/b")).toBeUndefined();
    expect(await documents.delete("a/b")).toBe("absent");
    expect(await documents.delete("a/b", { ifMatch: "x" })).toBe("absent");
    expect(await documents.list("a/", { limit: 9 })).toEqual({ keys: [], more: false });
  });

  test("are put only if new with ifNoneMatch, and only if unchanged with ifMatch", async () => {
    const documents = await open();
    const first = await documents.put("a/b", encode("1"), { ifNoneMatch: "*" });
    expect(await documents.put("a/b", encode("2"), { ifNoneMatch: "*" })).toBeUndefined();
    const second = await documents.put("a/b", encode("2"), { ifMatch: first });
    expect(second).not.toBe(first);
    expect(await documents.put("a/b", encode("3"), { ifMatch: first })).toBeUndefined();
    expect(await documents.put("a/absent", encode("3"), { ifMatch: first })).toBeUndefined();
    expect(decode((await documents.get("a/b"))?.bytes)).toBe("2");
  });

  test("are deleted only if unchanged with ifMatch", async () => {
    const documents = await open();
    const first = await documents.put("a/b", encode("1"));
    const second = await documents.put("a/b", encode("2"));
    expect(await documents.delete("a/b", { ifMatch: first })).toBe("changed");
    expect(await documents.delete("a/b", { ifMatch: second })).toBe("deleted");
    expect(await documents.head("a/b")).toBeUndefined();
  });

  test("have one winner when many put under the same condition at the same time", async () => {
    const documents = await open();
    const puts = (condition: object, word = "first") =>
      Promise.all(
        Array.from({ length: 20 }, (_, n) => documents.put("a/b", encode(`${word} ${n}`), condition)),
      );
    const created = (await puts({ ifNoneMatch: "*" })).filter((etag) => etag !== undefined);
    expect(created).toHaveLength(1);
    const changed = (await puts({ ifMatch: created[0] }, "second")).filter((etag) => etag !== undefined);
    expect(changed).toHaveLength(1);
  });

  test("are listed in byte order of their keys, those called as others begin among them", async () => {
    const documents = await open();
    const keys = ["c/a", "c/a-b", "c/a.b/x", "c/a/b", "c/a/b/c", "c/a0", "c/a_b", "c/b"];
    for (const key of keys.toReversed()) await documents.put(key, encode(key));
    await documents.put("d/a", encode(""));
    expect(await documents.list("c/", { limit: 100 })).toEqual({ keys, more: false });
    expect(await documents.list("c/a/", { limit: 100 })).toEqual({ keys: ["c/a/b", "c/a/b/c"], more: false });
    for (const [index, after] of keys.entries()) {
      const page = await documents.list("c/", { after, limit: 2 });
      expect(page).toEqual({ keys: keys.slice(index + 1, index + 3), more: index + 3 < keys.length });
    }
    expect((await documents.list("c/", { after: "c/a.", limit: 1 })).keys).toEqual(["c/a.b/x"]);
    expect((await documents.list("c/", { after: "c/a/z", limit: 1 })).keys).toEqual(["c/a0"]);
  });

  test("differ by the case of their last segment, on any file system", async () => {
    const documents = await open();
    const tags = ["LATEST", "Latest", "_x", "latest", "latest.", "v1.0", "x".repeat(128)];
    const longest = "A".repeat(128);
    for (const tag of [...tags, longest]) await documents.put(`t/${tag}`, encode(tag));
    for (const tag of [...tags, longest]) expect(decode((await documents.get(`t/${tag}`))?.bytes)).toBe(tag);
    const { keys } = await documents.list("t/", { limit: 100 });
    expect(keys).toEqual([longest, ...tags].map((tag) => `t/${tag}`));
  });

  test("may be empty, and may be large", async () => {
    const documents = await open();
    await documents.put("a/empty", new Uint8Array(0));
    expect((await documents.get("a/empty"))?.bytes.byteLength).toBe(0);
    await documents.put("a/large", new Uint8Array(8 * 1024 * 1024));
    expect((await documents.head("a/large"))?.size).toBe(8 * 1024 * 1024);
  });
});

describe.each(drivers)("blobs in %s", (_name, create) => {
  const bytes = Buffer.from("0123456789");
  const digest = digestOf(bytes);
  const open = async () => (await create()).blobs;
  const read = async (content: Bytes) => decode(await readAll(content, { limit: 100 }));

  test("are uploaded in pieces and read in parts", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    expect(await blobs.offset(token)).toBe(0);
    const first = await blobs.append(token, bytesOf(bytes.subarray(0, 3), bytes.subarray(3, 4)), { at: 0 });
    expect([first.offset, first.failure]).toEqual([4, undefined]);
    const second = await blobs.append(first.token, bytesOf(bytes.subarray(4)), { at: 4 });
    expect(await blobs.offset(second.token)).toBe(10);
    expect(await blobs.stat(digest)).toBeUndefined();
    expect(await blobs.commit(second.token, digest, { verify: true })).toEqual({ size: 10 });
    expect(await blobs.stat(digest)).toEqual({ size: 10 });
    expect(await read(blobs.read(digest, { start: 0, length: 10 }))).toBe("0123456789");
    expect(await read(blobs.read(digest, { start: 2, length: 3 }))).toBe("234");
    expect(await read(blobs.read(digest, { start: 9, length: 1 }))).toBe("9");
    expect(await read(blobs.read(digest, { start: 0, length: 0 }))).toBe("");
  });

  test("keep what has arrived when the source breaks, and say why it ended", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    const broken = new Error("the source broke");
    async function* breaking(): Bytes {
      yield bytes.subarray(0, 4);
      throw broken;
    }
    const { offset, failure } = await blobs.append(token, breaking(), { at: 0 });
    expect([offset, failure]).toEqual([4, { error: broken }]);
    expect(await blobs.offset(token)).toBe(4);
    await blobs.append(token, bytesOf(bytes.subarray(4)), { at: 4 });
    expect(await blobs.commit(token, digest, { verify: true })).toEqual({ size: 10 });
  });

  test("are not committed under a digest they do not have, if that is to be verified", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    await blobs.append(token, bytesOf(bytes), { at: 0 });
    const wrong = digestOf(Buffer.from("wrong"));
    await expect(blobs.commit(token, wrong, { verify: true })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(await blobs.stat(wrong)).toBeUndefined();
  });

  test("cannot be committed again: that the content is here does not tell whose it was", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    await blobs.append(token, bytesOf(bytes), { at: 0 });
    await blobs.commit(token, digest, { verify: false });
    expect(await blobs.offset(token)).toBeUndefined();
    await expect(blobs.commit(token, digest, { verify: false })).rejects.toMatchObject({
      code: "BLOB_UPLOAD_UNKNOWN",
    });
  });

  test("leave nothing of an upload that is aborted, and aborting twice is success", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    await blobs.append(token, bytesOf(bytes), { at: 0 });
    await blobs.abort(token);
    await blobs.abort(token);
    expect(await blobs.offset(token)).toBeUndefined();
    await expect(blobs.append(token, bytesOf(bytes), { at: 0 })).rejects.toMatchObject({
      code: "BLOB_UPLOAD_UNKNOWN",
    });
    await expect(blobs.commit(token, digest, { verify: false })).rejects.toMatchObject({
      code: "BLOB_UPLOAD_UNKNOWN",
    });
  });

  test("that are removed end no download that has begun", async () => {
    const blobs = await open();
    const large = Buffer.alloc(3 * 1024 * 1024, "x");
    const token = await blobs.begin({ id: randomUUID() });
    await blobs.append(token, bytesOf(large.subarray(0, 1024), large.subarray(1024)), { at: 0 });
    const name = digestOf(large);
    await blobs.commit(token, name, { verify: false });
    let received = 0;
    for await (const chunk of blobs.read(name, { start: 0, length: large.byteLength })) {
      received += chunk.byteLength;
      await blobs.remove(name);
    }
    expect(received).toBe(large.byteLength);
    expect(await blobs.stat(name)).toBeUndefined();
    await expect(readAll(blobs.read(name, { start: 0, length: 1 }), { limit: 1 })).rejects.toMatchObject({
      code: "BLOB_UNKNOWN",
    });
  });

  test("that are shorter than they should be are an error, not a short read", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    await blobs.append(token, bytesOf(bytes), { at: 0 });
    await blobs.commit(token, digest, { verify: false });
    await expect(readAll(blobs.read(digest, { start: 0, length: 11 }), { limit: 99 })).rejects.toMatchObject({
      code: "STORAGE_INVALID",
    });
  });

  test("do not change when the uploader uses its buffers again", async () => {
    const blobs = await open();
    const token = await blobs.begin({ id: randomUUID() });
    const buffer = Buffer.from(bytes);
    await blobs.append(token, bytesOf(buffer), { at: 0 });
    buffer.fill("x");
    await blobs.commit(token, digest, { verify: true });
    expect(await read(blobs.read(digest, { start: 0, length: 10 }))).toBe("0123456789");
  });
});
