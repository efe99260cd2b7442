import { describe, expect, test } from "vitest";
import { parseFileName, pathOfKey, pathOfPrefix } from "./key-path.ts";

describe("the path of a key", () => {
  test.each([
    ["repos/a/b/_tags/v1", ["repos", "a", "b", "_tags", "v1="]],
    ["repos/a/_tags/Latest", ["repos", "a", "_tags", "latest=1"]],
    ["repos/a/_tags/V1-RC", ["repos", "a", "_tags", "v1-rc=19"]],
    ["catalog/a", ["catalog", "a="]],
  ])("%s", (key, path) => {
    expect(pathOfKey(key)).toEqual(path);
    expect(parseFileName(path.at(-1) ?? "")).toBe(key.slice(key.lastIndexOf("/") + 1));
  });

  test("is no longer than a file name may be", () => {
    const name = pathOfKey(`t/${"A".repeat(128)}`).at(-1);
    expect(name?.length).toBeLessThan(255);
  });

  test("there is none for a name that leaves no room for its mark", () => {
    expect(pathOfKey(`catalog/${"a".repeat(254)}`).at(-1)).toHaveLength(255);
    expect(() => pathOfKey(`catalog/${"a".repeat(255)}`)).toThrow(
      expect.objectContaining({ code: "NAME_INVALID" }),
    );
  });

  test.each([
    "",
    "a/",
    "/a",
    "a//b",
    "../a",
    "a/..",
    "a/.",
    "./a",
    "a/../b",
    "a\\b/c",
    "a/b\0",
    "A/b",
    "a/b=c",
    "a/ü",
  ])("there is none for %j (S14)", (key) => {
    expect(() => pathOfKey(key)).toThrow("not the key of a document");
  });

  test.each(["", "a", "/", "../", "a/../", "A/"])("there is none for the prefix %j (S14)", (prefix) => {
    expect(() => pathOfPrefix(prefix)).toThrow("not the key of a document");
  });

  test.each(["a", ".DS_Store", "a=zz", "a=2", "a=0", "A=", "a=1=", "=", "a=01"])(
    "a file named %s is not ours, or has another name",
    (name) => {
      expect(parseFileName(name)).toBeUndefined();
    },
  );
});
