import { isOciError } from "@drayage/oci";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions, parseGlob, parsePattern, parseTagSelector, versionOf } from "./index.ts";

const refusal = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return isOciError(error) ? error.code : error;
  }
};

describe("a glob", () => {
  it.each([
    ["v1.0", "v1x0", false],
    ["PR-?", "PR-1", true],
    ["PR-?", "pr-1", false],
    ["PR-?", "PR-12", false],
    ["*-{amd64,arm64}", "v1-arm64", true],
    ["*-{amd64,arm64}", "v1-arm", false],
    ["{a,b{c,d}}", "bd", true],
    ["a+b", "aab", false],
    ["a,b", "a,b", true],
    ["a[1]", "a1", false],
  ])("%s on %s: %s", (glob, tag, expected) => {
    expect(parseGlob(glob)(tag)).toBe(expected);
  });

  it("needs its braces closed, opened and not too deep", () => {
    for (const glob of ["{a", "a}", "}{", "{".repeat(9) + "}".repeat(9)]) {
      expect(refusal(() => parseGlob(glob))).toBe("OPTION_INVALID");
    }
  });

  it("of plain characters is that text alone", () => {
    const plain = fc.string({
      unit: fc.constantFrom(...Array.from("aB1._-^$()|+[]\\")),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(plain, plain, (glob, text) => {
        const matches = parseGlob(`{${glob}}`);
        expect([matches(glob), matches(text)]).toEqual([true, text === glob]);
      }),
    );
  });
});

describe("a pattern", () => {
  it("is held against the whole tag", () => {
    expect(parsePattern("v2.*").match("rc-v2.1")).toBeUndefined();
    expect(parsePattern("a|ab").match("ab")).toBeDefined();
  });

  it("gives its named groups, empty where they took no part", () => {
    const groups = parsePattern("(?<version>[0-9.]+)(?<variant>-[a-z]+)?").match("1.0.0");
    expect(groups).toEqual(
      new Map([
        ["version", "1.0.0"],
        ["variant", ""],
      ]),
    );
  });

  it("matches what makes backtracking engines hang", () => {
    expect(parsePattern("(a+)+b").match("a".repeat(128))).toBeUndefined();
    expect(parsePattern("(a|a)*(a|a)*(a|a)*b").match("a".repeat(128))).toBeUndefined();
  });

  it("refuses what no linear engine can match, and what is too large", () => {
    const expressions = ["(a)\\1", "(?=a)b", "(", "((a{99}){99}){99}", "a".repeat(501)];
    const refusals = expressions.map((expression) => refusal(() => parsePattern(expression)));
    expect(refusals).toEqual(expressions.map(() => "OPTION_INVALID"));
  });

  it("does not match what is too long for a tag", () => {
    expect(parsePattern("a*").match("a".repeat(129))).toBeUndefined();
  });
});

describe("a version", () => {
  it.each(["1.2.3", "v1.2.3", "1.2.3-rc.1"])("is %s", (text) => {
    expect(versionOf(text)).toBeDefined();
  });

  it.each(["1.2", "vv1.2.3", "v 1.2.3", "=1.2.3", "1.2.3+x", "01.2.3", "latest"])("is not %s", (text) => {
    expect(versionOf(text)).toBeUndefined();
  });

  it("is higher by number, not by text", () => {
    const [low, high] = [versionOf("1.9.0"), versionOf("1.10.0")];
    expect(low && high && compareVersions(low, high)).toBeLessThan(0);
  });
});

describe("a selector", () => {
  const tags = ["v1.0.0", "1.2.0", "2.0.0-rc.1", "pr-1", "pr-2"];
  const selected = (selector: Parameters<typeof parseTagSelector>[0]): readonly string[] => {
    const select = parseTagSelector(selector);
    return tags.filter((tag) => select(tag) !== undefined);
  };

  it("wants all of its fields, and one of each list", () => {
    expect(selected({})).toEqual(tags);
    expect(selected({ tags: ["pr-*", "v*"], notTags: ["pr-2"] })).toEqual(["v1.0.0", "pr-1"]);
    expect(selected({ semver: ["<1.1", ">=1.2 <2"] })).toEqual(["v1.0.0", "1.2.0"]);
  });

  it("leaves pre-releases out unless they are asked for", () => {
    expect(selected({ semver: [">=1.2"] })).toEqual(["1.2.0"]);
    expect(selected({ semver: [">=1.2"], prerelease: "include" })).toEqual(["1.2.0", "2.0.0-rc.1"]);
    expect(selected({ prerelease: "only" })).toEqual(["2.0.0-rc.1"]);
  });

  it("reads the group `version` as the version", () => {
    const select = parseTagSelector({ regex: ["(?<version>[0-9.]+)-alpine"], semver: ["*"] });
    expect(select("1.2.3-alpine")?.version?.version).toBe("1.2.3");
  });
});
