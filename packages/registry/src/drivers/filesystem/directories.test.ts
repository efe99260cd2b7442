import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createDirectories } from "./directories.ts";

async function open(limit?: number) {
  const root = await mkdtemp(join(tmpdir(), "drayage-directories-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const directories = createDirectories(root, { limit });
  const write = async (path: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), "");
  };
  const textsOf = async (path: string) => (await directories.read(join(root, path))).map(({ text }) => text);
  return { root, directories, write, textsOf };
}

test("a directory is read once, and what is stored and removed afterwards is known without", async () => {
  const { root, directories, write, textsOf } = await open();
  await write("tags/b=");
  expect(await textsOf("tags")).toEqual(["b"]);
  await write("tags/unnoticed=");
  directories.added(join(root, "tags/a="));
  directories.added(join(root, "tags/c="));
  directories.added(join(root, "tags/c="));
  expect(await textsOf("tags")).toEqual(["a", "b", "c"]);
  directories.removed(join(root, "tags/b="));
  directories.removed(join(root, "tags/never="));
  expect(await textsOf("tags")).toEqual(["a", "c"]);
});

test("a document that is stored makes the directories above it known too", async () => {
  const { root, directories, textsOf } = await open();
  expect(await textsOf("")).toEqual([]);
  directories.added(join(root, "repos/a/tags/v1="));
  expect(await textsOf("")).toEqual(["repos/"]);
});

test("what was stored while the directory was read is there when it is read again", async () => {
  const { root, directories, write, textsOf } = await open();
  const reading = textsOf("tags");
  await write("tags/a=");
  directories.added(join(root, "tags/a="));
  await reading;
  expect(await textsOf("tags")).toEqual(["a"]);
});

test("after a failure the directory is read again: it may have happened or not", async () => {
  const { root, directories, write, textsOf } = await open();
  await write("tags/a=");
  expect(await textsOf("tags")).toEqual(["a"]);
  await write("tags/b=");
  directories.failed(join(root, "tags/b="));
  expect(await textsOf("tags")).toEqual(["a", "b"]);
});

test("no more is remembered than there is room for", async () => {
  const { write, textsOf } = await open(3);
  for (const path of ["x/a=", "x/b=", "y/a="]) await write(path);
  expect(await textsOf("x")).toEqual(["a", "b"]);
  expect(await textsOf("y")).toEqual(["a"]);
  await write("x/c=");
  await write("y/b=");
  expect(await textsOf("y")).toEqual(["a"]);
  expect(await textsOf("x")).toEqual(["a", "b", "c"]);
});
