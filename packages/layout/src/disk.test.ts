import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openFile } from "./disk.ts";

test("a file that others replace all the time, as writers do with index.json, is opened", async () => {
  const directory = await mkdtemp(join(tmpdir(), "disk-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "index.json");
  await writeFile(path, "{}");
  let isRead = false;
  const replacing = (async () => {
    let count = 0;
    for (; !isRead; count += 1) {
      await writeFile(`${path}.new`, "{}");
      await rename(`${path}.new`, path);
    }
    return count;
  })();
  try {
    for (let opened = 0; opened < 500; opened += 1) {
      const file = await openFile(path);
      expect(await file?.readFile("utf8")).toBe("{}");
      await file?.close();
    }
  } finally {
    isRead = true;
  }
  expect(await replacing).toBeGreaterThan(100);
});
