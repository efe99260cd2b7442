import type { DocumentStore } from "@drayage/oci";
import { expect } from "vitest";
import { decode, encode, type StorageCase } from "./case.ts";

const key = "a/b";
const largest = 8 * 1024 * 1024;

export const documentCases: readonly StorageCase[] = [
  {
    title: "a document is read as it was put, with its size and time",
    async run({ driver: { documents } }) {
      const etag = await documents.put(key, encode("one"));
      const found = await documents.get(key);
      expect([decode(found?.bytes), found?.etag]).toEqual(["one", etag]);
      expect(await documents.head(key)).toMatchObject({ size: 3 });
      expect(Math.abs((found?.modified ?? 0) - Date.now())).toBeLessThan(60_000);
    },
  },
  {
    title: "a document that is absent is undefined, and deleting it finds nothing",
    async run({ driver: { documents } }) {
      const etag = await documents.put("a/other", encode("one"));
      expect(await documents.get(key)).toBeUndefined();
      expect(await documents.head(key)).toBeUndefined();
      expect(await documents.delete(key)).toBe("absent");
      expect(await documents.delete(key, { ifMatch: etag })).toBe("absent");
    },
  },
  {
    title: "a document may be empty, and may have 8 MiB",
    async run({ driver: { documents } }) {
      await documents.put("a/empty", new Uint8Array(0));
      expect((await documents.get("a/empty"))?.bytes.byteLength).toBe(0);
      await documents.put("a/large", new Uint8Array(largest));
      expect((await documents.head("a/large"))?.size).toBe(largest);
      expect((await documents.get("a/large"))?.bytes.byteLength).toBe(largest);
    },
  },
  {
    title: "with ifNoneMatch a document is put only if there is none",
    async run({ driver: { documents } }) {
      expect(await documents.put(key, encode("1"), { ifNoneMatch: "*" })).toBeDefined();
      expect(await documents.put(key, encode("2"), { ifNoneMatch: "*" })).toBeUndefined();
      expect(decode((await documents.get(key))?.bytes)).toBe("1");
      expect(await documents.delete(key)).toBe("deleted");
      expect(await documents.put(key, encode("3"), { ifNoneMatch: "*" })).toBeDefined();
    },
  },
  {
    title: "with ifMatch a document is put only if it is what it was",
    async run({ driver: { documents } }) {
      const first = await documents.put(key, encode("1"));
      const second = await documents.put(key, encode("2"), { ifMatch: first });
      expect(second).toBeDefined();
      expect(second).not.toBe(first);
      expect(await documents.put(key, encode("3"), { ifMatch: first })).toBeUndefined();
      expect(await documents.put("a/absent", encode("3"), { ifMatch: first })).toBeUndefined();
      expect(await documents.head("a/absent")).toBeUndefined();
      expect(decode((await documents.get(key))?.bytes)).toBe("2");
    },
  },
  {
    title: "with ifMatch a document is deleted only if it is what it was",
    async run({ driver: { documents } }) {
      const first = await documents.put(key, encode("1"));
      const second = await documents.put(key, encode("2"));
      expect(await documents.delete(key, { ifMatch: first })).toBe("changed");
      expect(decode((await documents.get(key))?.bytes)).toBe("2");
      expect(await documents.delete(key, { ifMatch: second })).toBe("deleted");
      expect(await documents.head(key)).toBeUndefined();
    },
  },
  {
    title: "of many that put under one condition at the same time, one succeeds",
    async run({ driver: { documents } }) {
      const created = await putAtOnce(documents, "first", { ifNoneMatch: "*" });
      expect(created).toHaveLength(1);
      const changed = await putAtOnce(documents, "second", { ifMatch: created[0] });
      expect(changed).toHaveLength(1);
      expect((await documents.get(key))?.etag).toBe(changed[0]);
    },
  },
  {
    title: "a document is there for another process",
    async run({ driver, reopen }) {
      const etag = await driver.documents.put(key, encode("one"));
      const { documents } = await reopen();
      expect(decode((await documents.get(key))?.bytes)).toBe("one");
      expect(await documents.put(key, encode("two"), { ifMatch: etag })).toBeDefined();
    },
  },
];

/** The etags of those that have succeeded. */
async function putAtOnce(documents: DocumentStore, word: string, condition: object): Promise<string[]> {
  const puts = Array.from({ length: 20 }, (_, n) => documents.put(key, encode(`${word} ${n}`), condition));
  return (await Promise.all(puts)).filter((etag) => etag !== undefined);
}
