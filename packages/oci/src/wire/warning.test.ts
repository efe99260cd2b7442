import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatWarning, parseWarnings } from "./warning.ts";

describe("parseWarnings: warnings of the distribution-spec", () => {
  test.each<readonly [string | readonly string[] | undefined, readonly string[]]>([
    [undefined, []],
    ["", []],
    ['299 - "moved"', ["moved"]],
    ['299 - "say \\"hi\\", \\\\"', ['say "hi", \\']],
    ['299 - "a", 299 - "b"', ["a", "b"]],
    [
      ['299 - "a"', '299 - "b"'],
      ["a", "b"],
    ],
    ['199 - "other code"', []],
    ['299 proxy.example "other agent"', []],
    ['299 - "dated" "Sat, 25 Aug 2012 23:34:45 GMT", 299 - "b"', ["dated", "b"]],
    ['299 - "never ends', []],
    ["299 - bare, 299 -, 299", []],
    [', ,299 - "a",', ["a"]],
  ])("%j", (header, texts) => {
    expect(parseWarnings(header)).toEqual(texts);
  });
});

test.each(["a\nb", "a\u001bb", "\u2603"])("formatWarning refuses %j", (text) => {
  expect(() => formatWarning(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

test("a warning has at most 4,096 bytes", () => {
  expect(formatWarning("x".repeat(4096 - '299 - ""'.length))).toHaveLength(4096);
  expect(() => formatWarning('"'.repeat(2048))).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
});

test("parseWarnings reads warnings back as they were formatted, on one line or several", () => {
  const text = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,40}$/);
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const lines = texts.map(formatWarning);
      expect(parseWarnings(lines)).toEqual(texts);
      expect(parseWarnings(lines.join(","))).toEqual(texts);
    }),
  );
});

test("no header makes parseWarnings throw or loop", () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom("299", "-", " ", '"', "\\", ",", "\t"));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      expect(parseWarnings(pieces.join("")).length).toBeLessThanOrEqual(pieces.length);
    }),
  );
});
