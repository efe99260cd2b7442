import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./workspace.ts";

const page = readFileSync(join(root, "docs/security.md"), "utf8");
const rows = [...page.matchAll(/^\| ([CS]\d+) \|/gm)].map(([, row = ""]) => row);

/** Where tests are; the attacks of several packages are in the second. */
const folders = ["packages", "test/src"];
/** A row where the title of a test names it: in front, or behind a bracket or a comma. */
const titledRow = /["`(]([CS]\d+)(?:, ([CS]\d+))?\b/g;

function namedRows(): ReadonlySet<string> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => !path.includes("node_modules") && !path.includes("dist"))
      .filter((path) => path.endsWith(".test.ts"))
      .map((path) => join(root, folder, path)),
  );
  const texts = files.map((file) => readFileSync(file, "utf8"));
  const named = texts.flatMap((text) => [...text.matchAll(titledRow)].flatMap(([, ...found]) => found));
  return new Set(named.filter((row) => row !== undefined));
}

test("each row of docs/security.md is named by a test, and each row that a test names is there", () => {
  expect(rows).not.toEqual([]);
  expect(rows.toSorted()).toEqual([...namedRows()].toSorted());
});
