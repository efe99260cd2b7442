import { randomUUID } from "node:crypto";
import { bytesOf, digestOf, type BlobStore, type Digest, type StorageDriver } from "@drayage/oci";
import { expect } from "vitest";
import { expectCode } from "../expect.ts";
import { encode, read, uploadOf, type StorageCase } from "./case.ts";

const content = encode("0123456789");
const digest = digestOf(content);

/** What a storage owes to those who look for blobs that nobody needs any more. */
export const disposalCases: readonly StorageCase[] = [
  {
    title: "blobs are listed in the order of their digests, a page at a time",
    async run({ driver, reopen }) {
      expect(await driver.blobs.list({ limit: 10 })).toEqual({ digests: [], more: false });
      const texts = Array.from({ length: 12 }, (_, index) => encode(`blob ${index}`));
      const digests = texts.map((text, index) => digestOf(text, index < 2 ? "sha512" : "sha256")).sort();
      for (const [index, text] of texts.entries()) await store(driver, text, index < 2 ? "sha512" : "sha256");
      const { blobs } = await reopen();
      expect(await blobs.list({ limit: 100 })).toEqual({ digests, more: false });
      for (const [index, after] of digests.entries()) {
        expect(await blobs.list({ after, limit: 5 })).toEqual({
          digests: digests.slice(index + 1, index + 6),
          more: index + 6 < digests.length,
        });
      }
    },
  },
  {
    title: "a list of blobs goes on behind a digest that need not be there",
    async run({ driver: { blobs }, driver }) {
      await store(driver, content);
      for (const after of ["a", "b", "c", "d", "e"].map((text) => digestOf(encode(text)))) {
        expect((await blobs.list({ after, limit: 1 })).digests).toEqual(after < digest ? [digest] : []);
      }
    },
  },
  {
    title: "a blob has another etag once it is touched, and whoever knew the old one cannot remove it",
    async run({ driver: { blobs }, driver }) {
      await store(driver, content);
      const old = await etagOf(blobs, digest);
      expect(await etagOf(blobs, digest)).toBe(old);
      expect(await blobs.touch(digest)).toBe(true);
      expect(await etagOf(blobs, digest)).not.toBe(old);
      expect(await blobs.remove(digest, { ifMatch: old })).toBe("changed");
      expect(await blobs.quarantine(digest, { ifMatch: old })).toBe("changed");
      expect(await read(blobs.read(digest, { start: 0, length: 10 }))).toHaveLength(10);
      expect(await blobs.remove(digest, { ifMatch: await etagOf(blobs, digest) })).toBe("deleted");
      expect(await blobs.stat(digest)).toBeUndefined();
    },
  },
  {
    title: "a blob that has been removed and stored again has another etag",
    async run({ driver: { blobs }, driver }) {
      await store(driver, content);
      const old = await etagOf(blobs, digest);
      await blobs.remove(digest);
      await store(driver, content);
      expect(await blobs.remove(digest, { ifMatch: old })).toBe("changed");
      expect(await blobs.stat(digest)).toMatchObject({ size: 10 });
    },
  },
  {
    title: "a blob that is touched is as young as one just stored",
    async run({ driver: { blobs, documents }, driver }) {
      await store(driver, content);
      const stored = (await blobs.stat(digest))?.modified ?? Number.NaN;
      await blobs.touch(digest);
      await documents.put("a/clock", content);
      const now = (await documents.head("a/clock"))?.modified ?? Number.NaN;
      const touched = (await blobs.stat(digest))?.modified ?? Number.NaN;
      expect(touched).toBeGreaterThanOrEqual(stored);
      expect(Math.abs(now - touched)).toBeLessThan(60_000);
    },
  },
  {
    title: "a blob that is not there cannot be touched, removed or put into quarantine",
    async run({ driver: { blobs }, driver }) {
      expect(await blobs.touch(digest)).toBe(false);
      expect(await blobs.stat(digest)).toBeUndefined();
      await store(driver, content);
      const etag = await etagOf(blobs, digest);
      await blobs.remove(digest, { ifMatch: etag });
      expect(await blobs.touch(digest)).toBe(false);
      expect(await blobs.remove(digest, { ifMatch: etag })).toBe("absent");
      expect(await blobs.quarantine(digest, { ifMatch: etag })).toBe("absent");
      expect((await blobs.list({ limit: 1 })).digests).toEqual([]);
    },
  },
  {
    title: "one of many who remove a blob at the same time has done it",
    async run({ driver: { blobs }, driver }) {
      await store(driver, content);
      const ifMatch = await etagOf(blobs, digest);
      const results = await Promise.all(Array.from({ length: 5 }, () => blobs.remove(digest, { ifMatch })));
      expect(results.filter((result) => result === "deleted")).toHaveLength(1);
      expect(await blobs.stat(digest)).toBeUndefined();
    },
  },
  {
    title: "a blob in quarantine is absent until it is stored again",
    async run({ driver: { blobs }, driver }) {
      await store(driver, content);
      expect(await blobs.quarantine(digest, { ifMatch: await etagOf(blobs, digest) })).toBe("deleted");
      expect(await blobs.stat(digest)).toBeUndefined();
      expect((await blobs.list({ limit: 1 })).digests).toEqual([]);
      await expectCode(read(blobs.read(digest, { start: 0, length: 1 })), "BLOB_UNKNOWN");
      await store(driver, content);
      expect(await read(blobs.read(digest, { start: 0, length: 10 }))).toHaveLength(10);
    },
  },
  {
    title: "what is left of uploads is removed, but not of those that go on or have become blobs",
    async run({ driver: { blobs }, driver }) {
      await store(driver, content);
      const large = Buffer.alloc(6 * 1024 * 1024, "drayage");
      const [open, left] = [randomUUID(), randomUUID()];
      const tokens = new Map<string, string>();
      for (const id of [open, left]) {
        const appended = await blobs.append(await blobs.begin({ id }), bytesOf(large), { at: 0 });
        tokens.set(id, appended.token);
      }
      const isOpen = async (id: string): Promise<boolean> => id === open;
      expect(await blobs.reap({ before: 0, isOpen })).toBe(0);
      const later = Date.now() + 3_600_000;
      expect(await blobs.reap({ before: later, isOpen })).toBeGreaterThan(0);
      expect(await blobs.reap({ before: later, isOpen })).toBe(0);
      const name = digestOf(large);
      const commit = (id: string): Promise<unknown> =>
        blobs.commit(tokens.get(id) ?? "", name, { verify: true });
      await expectCode(commit(left), "BLOB_UPLOAD_UNKNOWN");
      await commit(open);
      expect(await blobs.stat(name)).toMatchObject({ size: large.byteLength });
      expect(await blobs.stat(digest)).toMatchObject({ size: 10 });
    },
  },
];

async function etagOf(blobs: BlobStore, name: Digest): Promise<string> {
  const found = await blobs.stat(name);
  if (found === undefined) throw new Error(`${name} is not stored`);
  return found.etag;
}

async function store(
  driver: StorageDriver,
  bytes: Uint8Array,
  algorithm: "sha256" | "sha512" = "sha256",
): Promise<Digest> {
  const name = digestOf(bytes, algorithm);
  await driver.blobs.commit(await uploadOf(driver, bytesOf(bytes)), name, { verify: true });
  return name;
}
