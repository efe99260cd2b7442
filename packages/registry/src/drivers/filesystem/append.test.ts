import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, type Bytes } from "@drayage/oci";
import { expect, onTestFinished, test } from "vitest";
import { appendTo, appendToFile, writeAll, type AppendedFile } from "./append.ts";
import { createBuffers } from "./buffers.ts";

async function newFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "part");
  await (await open(path, "wx")).close();
  return path;
}

const buffers = createBuffers({ size: 512 * 1024, count: 2 });

test("bytes of many batches are written in order", async () => {
  const path = await newFile();
  const chunks = Array.from({ length: 50 }, (_, index) => Buffer.alloc(70_000, index));
  const { offset } = await appendToFile(path, bytesOf(...chunks), { at: 0, buffers });
  expect(offset).toBe(3_500_000);
  expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
});

test("what was written behind the offset before a crash is written over", async () => {
  const path = await newFile();
  await appendToFile(path, bytesOf(Buffer.from("0123456789")), { at: 0, buffers });
  await appendToFile(path, bytesOf(Buffer.from("abc")), { at: 4, buffers });
  expect((await readFile(path, "utf8")).slice(0, 7)).toBe("0123abc");
});

test("a file that ends with a failure ends where the offset says", async () => {
  const path = await newFile();
  async function* breaking(): Bytes {
    for (let count = 0; count < 20; count++) yield Buffer.alloc(100_000);
    throw new Error("the source broke");
  }
  const { offset, failure } = await appendToFile(path, breaking(), { at: 0, buffers });
  expect(failure).toBeDefined();
  expect(offset).toBe(2_000_000);
  expect((await readFile(path)).byteLength).toBe(offset);
});

test("an upload that is gone is BLOB_UPLOAD_UNKNOWN", async () => {
  const path = `${await newFile()}-gone`;
  await expect(appendToFile(path, bytesOf(), { at: 0, buffers })).rejects.toMatchObject({
    code: "BLOB_UPLOAD_UNKNOWN",
  });
});

test("what the system writes only in part is written to its end", async () => {
  const written: Buffer[] = [];
  const file: Pick<FileHandle, "writev"> = {
    writev: async (buffers) => {
      const taken = Buffer.concat(
        buffers.map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)),
      );
      written.push(taken.subarray(0, 3));
      return { bytesWritten: Math.min(3, taken.byteLength), buffers };
    },
  };
  expect(await writeAll(file, [Buffer.from("01"), Buffer.from("2345"), Buffer.from("67")], 0)).toBe(8);
  expect(Buffer.concat(written).toString()).toBe("01234567");
});

test.runIf(existsSync("/dev/full"))("a full disk is STORAGE_FULL, with the offset where it was", async () => {
  const { offset, failure } = await appendToFile("/dev/full", bytesOf(Buffer.from("x")), { at: 0, buffers });
  expect(offset).toBe(0);
  expect(failure?.error).toMatchObject({ code: "STORAGE_FULL" });
});

test("a batch that was written in part is cut off again", async () => {
  const sizes: (number | undefined)[] = [];
  let writes = 0;
  const file: AppendedFile = {
    writev: async (buffers) => {
      if (writes++ > 0) throw Object.assign(new Error("no space"), { code: "ENOSPC", syscall: "write" });
      return { bytesWritten: 3, buffers };
    },
    truncate: async (size) => void sizes.push(size),
  };
  const { offset, failure } = await appendTo(file, bytesOf(Buffer.from("01234")), { at: 10, buffers });
  expect([offset, sizes]).toEqual([10, [10]]);
  expect(failure?.error).toMatchObject({ code: "STORAGE_FULL" });
});

test("while all buffers are in use chunks are written as they come, and all come back", async () => {
  const path = await newFile();
  const few = createBuffers({ size: 1000, count: 1 });
  const taken = few.take();
  const chunks = Array.from({ length: 5 }, (_, index) => Buffer.alloc(700, index));
  async function* slowly(): Bytes {
    for (const [index, chunk] of chunks.entries()) {
      if (index === 2 && taken !== undefined) few.giveBack(taken);
      yield chunk;
    }
  }
  const { offset } = await appendToFile(path, slowly(), { at: 0, buffers: few });
  expect(offset).toBe(3500);
  expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
  expect([few.take()?.byteLength, few.take()]).toEqual([1000, undefined]);
});

test("a batch that fails gives its buffer back", async () => {
  const few = createBuffers({ size: 10, count: 1 });
  const file: AppendedFile = {
    writev: async () => Promise.reject(new Error("input/output error")),
    truncate: async () => undefined,
  };
  const { failure } = await appendTo(file, bytesOf(Buffer.from("0123456789ab")), { at: 0, buffers: few });
  expect(failure).toBeDefined();
  expect([few.take()?.byteLength, few.take()]).toEqual([10, undefined]);
});
