import { describe, expect, it } from "vitest";
import { isRepositoryName, isTag, parseAt, parseRepositoryName, parseTag } from "./name.ts";

const digest = `sha256:${"0".repeat(64)}`;

describe("tags", () => {
  it.each(["latest", "v1.2.3", "_x", "A", "0", "a-b_c.d", "t".repeat(128), "sha256-abc.sig"])(
    "%s is one",
    (text) => {
      expect(isTag(text)).toBe(true);
      expect(parseTag(text)).toBe(text);
    },
  );

  it.each(["", ".x", "-x", "a b", "a/b", "a:b", "ä", "a\n", "..", "t".repeat(129), "a\u0000"])(
    "%j is none",
    (text) => {
      expect(isTag(text)).toBe(false);
      expect(() => parseTag(text)).toThrow(expect.objectContaining({ code: "TAG_INVALID" }));
    },
  );
});

describe("parseAt", () => {
  it("takes a tag and a digest", () => {
    expect(parseAt("v1")).toBe("v1");
    expect(parseAt(digest)).toBe(digest);
  });

  it.each([
    ["", "TAG_INVALID"],
    ["../x", "TAG_INVALID"],
    ["sha256:../x", "DIGEST_INVALID"],
    [digest.toUpperCase(), "DIGEST_INVALID"],
    ["md5:00", "DIGEST_INVALID"],
  ])("refuses %j with %s", (text, code) => {
    expect(() => parseAt(text)).toThrow(expect.objectContaining({ code }));
  });
});

describe("repository names", () => {
  it.each(["a", "0", "library/hello-world", "a.b", "a_b", "a__b", "a---b", "a/b/c/d", "a".repeat(255)])(
    "%s is one",
    (text) => {
      expect(isRepositoryName(text)).toBe(true);
      expect(parseRepositoryName(text)).toBe(text);
    },
  );

  it.each([
    "",
    "A",
    "a/",
    "/a",
    "a//b",
    ".a",
    "a.",
    "a..b",
    "a___b",
    "a._b",
    "-a",
    "a-",
    "a/../b",
    "a/./b",
    "a b",
    "a%2fb",
    "a\\b",
    "a\n",
    "a:b",
    "ä",
    "a".repeat(256),
  ])("%j is none", (text) => {
    expect(isRepositoryName(text)).toBe(false);
    expect(() => parseRepositoryName(text)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
  });

  it("are told apart in linear time", () => {
    expect(isRepositoryName(`${"a-".repeat(127)}!`)).toBe(false);
    expect(isRepositoryName("-".repeat(1_000_000))).toBe(false);
  });
});
