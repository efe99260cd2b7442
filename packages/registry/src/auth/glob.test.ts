import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGlob } from "./glob.ts";

describe("parseGlob", () => {
  test.each([
    ["a", ["a"], ["", "b", "aa", "A"]],
    ["team/*", ["team/app", "team/"], ["team", "team/a/b", "xteam/a"]],
    ["team/**", ["team/app", "team/a/b"], ["team", "teams/a"]],
    ["**", ["", "a", "a/b"], []],
    ["*", ["", "a"], ["a/b"]],
    ["*/app", ["a/app", "/app"], ["app", "a/b/app"]],
    ["**/app", ["a/app", "a/b/app"], ["app", "a/apps"]],
    ["a*c*e", ["ace", "abcde", "acce"], ["acd", "a/ce"]],
    ["a.c", ["a.c"], ["abc"]],
    ["a?[b]", ["a?[b]"], ["ax", "ab"]],
    ["*a**b", ["ab", "xa/y/b"], ["x/ab"]],
  ])("%s", (pattern, matching, others) => {
    const matches = parseGlob(pattern);
    expect(matching.filter((text) => !matches(text))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });

  test.each(["", "***", "a/***/b", "x".repeat(513)])("refuses %j", (pattern) => {
    expect(() => parseGlob(pattern)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  test("is what a regular expression of the same meaning is", () => {
    const part = fc.constantFrom("a", "b", "/", "*");
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });
    const patterns = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        patterns.filter((pattern) => !pattern.includes("***")),
        text,
        (pattern, name) => {
          const source = pattern
            .replaceAll("**", "\u0000")
            .replaceAll("*", "[^/]*")
            .replaceAll("\u0000", ".*");
          expect(parseGlob(pattern)(name)).toBe(new RegExp(`^${source}$`, "s").test(name));
        },
      ),
    );
  });

  test("does not try every way to split a name, which would never end here (C23)", () => {
    const matches = parseGlob(`${"*a".repeat(200)}*b`);
    expect(matches("a".repeat(2000))).toBe(false);
    expect(matches(`${"a".repeat(2000)}b`)).toBe(true);
  });
});
