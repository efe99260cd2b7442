import { mapConcurrent, type DocumentStore } from "@drayage/oci";
import { expect } from "vitest";
import { decode, encode, type StorageCase } from "./case.ts";

const keys = ["c/a", "c/a-b", "c/a.b/x", "c/a/b", "c/a/b/c", "c/a0", "c/a_b", "c/b"];

export const listingCases: readonly StorageCase[] = [
  {
    title: "keys are listed in byte order, those called as others begin among them",
    async run({ driver: { documents } }) {
      await fill(documents, [...keys.toReversed(), "d/a"]);
      expect(await documents.list("c/", { limit: 100 })).toEqual({ keys, more: false });
      expect(await documents.list("c/a/", { limit: 100 })).toEqual({
        keys: ["c/a/b", "c/a/b/c"],
        more: false,
      });
    },
  },
  {
    title: "a page has as many keys as are asked for, and says whether there are more",
    async run({ driver: { documents } }) {
      await fill(documents, [...keys, "d/a"]);
      for (const [index, after] of keys.entries()) {
        const page = await documents.list("c/", { after, limit: 2 });
        expect(page).toEqual({ keys: keys.slice(index + 1, index + 3), more: index + 3 < keys.length });
      }
    },
  },
  {
    title: "a page begins behind a key that need not exist",
    async run({ driver: { documents } }) {
      await fill(documents, keys);
      expect((await documents.list("c/", { after: "c/a.", limit: 1 })).keys).toEqual(["c/a.b/x"]);
      expect((await documents.list("c/", { after: "c/a/z", limit: 1 })).keys).toEqual(["c/a0"]);
    },
  },
  {
    title: "a list of nothing is empty",
    async run({ driver: { documents } }) {
      await fill(documents, ["c/a"]);
      expect(await documents.list("a/", { limit: 9 })).toEqual({ keys: [], more: false });
      expect(await documents.list("c/", { after: "c/z", limit: 9 })).toEqual({ keys: [], more: false });
    },
  },
  {
    title: "a deleted document is not listed",
    async run({ driver: { documents } }) {
      await fill(documents, ["c/a", "c/b"]);
      await documents.delete("c/a");
      expect((await documents.list("c/", { limit: 9 })).keys).toEqual(["c/b"]);
    },
  },
  {
    title: "keys differ by the case of their last segment",
    async run({ driver: { documents } }) {
      const tags = ["A".repeat(128), "LATEST", "Latest", "_x", "latest", "latest.", "v1.0", "x".repeat(128)];
      const own = tags.map((tag) => `t/${tag}`);
      await fill(documents, own);
      for (const each of own) expect(decode((await documents.get(each))?.bytes)).toBe(each);
      expect((await documents.list("t/", { limit: 100 })).keys).toEqual(own);
    },
  },
];

async function fill(documents: DocumentStore, wanted: readonly string[]): Promise<void> {
  await mapConcurrent(wanted, 4, (key) => documents.put(key, encode(key)));
}
