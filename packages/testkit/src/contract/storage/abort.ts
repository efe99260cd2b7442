import { bytesOf, digestOf } from "@drayage/oci";
import { expect } from "vitest";
import { encode, read, uploadOf, type StorageCase } from "./case.ts";

const content = encode("0123456789");
const digest = digestOf(content);
const reason = new Error("enough");
const aborted = { signal: AbortSignal.abort(reason) };

export const abortCases: readonly StorageCase[] = [
  {
    title: "calls about documents reject with the reason of their signal, and change nothing",
    async run({ driver: { documents } }) {
      await documents.put("a/b", content);
      const calls = [
        () => documents.get("a/b", aborted),
        () => documents.head("a/b", aborted),
        () => documents.put("a/c", content, aborted),
        () => documents.delete("a/b", aborted),
        () => documents.list("a/", { limit: 1, ...aborted }),
      ];
      for (const call of calls) await expect(call()).rejects.toBe(reason);
      expect(await documents.list("a/", { limit: 9 })).toEqual({ keys: ["a/b"], more: false });
    },
  },
  {
    title: "calls about blobs reject with the reason of their signal, and change nothing",
    async run({ driver }) {
      const { blobs } = driver;
      const token = await uploadOf(driver, bytesOf(content));
      await expect(blobs.commit(token, digest, { verify: false, ...aborted })).rejects.toBe(reason);
      expect(await blobs.stat(digest)).toBeUndefined();
      await blobs.commit(token, digest, { verify: false });
      const calls = [
        () => blobs.stat(digest, aborted),
        () => blobs.list({ limit: 1, ...aborted }),
        () => read(blobs.read(digest, { start: 0, length: 10, ...aborted })),
        () => blobs.begin({ id: "00000000-0000-4000-8000-000000000000", ...aborted }),
        () => blobs.offset(token, aborted),
      ];
      for (const call of calls) await expect(call()).rejects.toBe(reason);
    },
  },
];
