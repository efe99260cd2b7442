import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StorageDriver } from "@drayage/oci";
import { expect, onTestFinished, test } from "vitest";
import { createFilesystemDriver } from "../filesystem.ts";

/** A directory as the process that serves it has it, and as another one that looks after it. */
async function openTwice(): Promise<{ readonly serving: StorageDriver; readonly tending: StorageDriver }> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const serving = createFilesystemDriver(directory);
  return { serving, tending: createFilesystemDriver(directory, { shared: true }) };
}

const bytes = new TextEncoder().encode("x");

test("a document that one process has removed is not there for the one that has stored it", async () => {
  const { serving, tending } = await openTwice();
  await serving.documents.put("repos/a/_blobs/b", bytes);
  expect(await tending.documents.delete("repos/a/_blobs/b")).toBe("deleted");
  expect(await serving.documents.head("repos/a/_blobs/b")).toBeUndefined();
  expect(await serving.documents.get("repos/a/_blobs/b")).toBeUndefined();
});

test("who shares a directory sees what has been stored since it looked last", async () => {
  const { serving, tending } = await openTwice();
  for (const key of ["a/b", "a/c", "a/d/e"]) {
    await serving.documents.put(key, bytes);
    expect((await tending.documents.list("a/", { limit: 9 })).keys).toContain(key);
  }
  await tending.documents.put("a/b", bytes, { durability: "relaxed" });
  await serving.documents.put("a/b", new TextEncoder().encode("y"), { durability: "relaxed" });
  expect((await tending.documents.get("a/b"))?.bytes).toEqual(Buffer.from("y"));
});
