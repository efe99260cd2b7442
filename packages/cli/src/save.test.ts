import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, OciError } from "@drayage/oci";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { saveFile } from "./save.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "drayage-save-"))));
afterEach(() => rm(directory, { recursive: true }));

const content = (): AsyncIterable<Uint8Array> => bytesOf(new TextEncoder().encode("content"));

describe("a saved file", () => {
  it("has all that was to be saved", async () => {
    await saveFile(join(directory, "new"), content(), {});
    expect(await readFile(join(directory, "new"), "utf8")).toBe("content");
  });

  it("is never one that was there before", async () => {
    await writeFile(join(directory, "old"), "mine");
    const path = join(directory, "old");
    const refusal = { code: "OPTION_INVALID", message: `${path} is there already` };
    await expect(saveFile(path, content(), {})).rejects.toMatchObject(refusal);
    expect(await readFile(join(directory, "old"), "utf8")).toBe("mine");
  });

  it("is not there before it is whole, for we could be killed", async () => {
    const seen: string[] = [];
    async function* watching() {
      yield* content();
      seen.push(...(await readdir(directory)));
      yield* content();
    }
    await saveFile(join(directory, "new"), watching(), {});
    expect(seen).toEqual([expect.stringMatching(/^\.drayage-/)]);
    expect(await readdir(directory)).toEqual(["new"]);
  });

  it("does not replace one that appeared meanwhile", async () => {
    const path = join(directory, "new");
    async function* late() {
      yield* content();
      await writeFile(path, "mine");
    }
    const refusal = { code: "OPTION_INVALID", message: `${path} is there already` };
    await expect(saveFile(path, late(), {})).rejects.toMatchObject(refusal);
    expect(await readFile(path, "utf8")).toBe("mine");
    expect(await readdir(directory)).toEqual(["new"]);
  });

  it("needs no second names of files", async () => {
    const link = () => Promise.reject(Object.assign(new Error("not here"), { code: "EPERM" }));
    await saveFile(join(directory, "new"), content(), { link });
    expect(await readFile(join(directory, "new"), "utf8")).toBe("content");
    expect(await readdir(directory)).toEqual(["new"]);
  });

  it("is not there at all if not everything came", async () => {
    const failure = new OciError("DIGEST_MISMATCH", "something else");
    async function* broken() {
      yield* content();
      throw failure;
    }
    await expect(saveFile(join(directory, "new"), broken(), {})).rejects.toBe(failure);
    expect(await readdir(directory)).toEqual([]);
  });

  it("is not there at all if it was given up", async () => {
    const controller = new AbortController();
    async function* endless() {
      yield* content();
      controller.abort(new Error("enough"));
      for (;;) yield* content();
    }
    const saved = saveFile(join(directory, "new"), endless(), { signal: controller.signal });
    await expect(saved).rejects.toThrow("enough");
    expect(await readdir(directory)).toEqual([]);
  });

  it("needs a directory to be in", async () => {
    const path = join(directory, "no", "such");
    const refusal = { code: "OPTION_INVALID", message: `cannot write ${path}: ENOENT` };
    await expect(saveFile(path, content(), {})).rejects.toMatchObject(refusal);
  });
});
