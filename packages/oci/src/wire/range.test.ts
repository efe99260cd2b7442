import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOciError } from "../errors.ts";
import { resolveRange, type Range } from "../range.ts";
import {
  formatChunkRange,
  formatContentRange,
  formatRange,
  formatUploadRange,
  parseChunkRange,
  parseContentRange,
  parseRange,
  parseUploadRange,
  type ContentRange,
} from "./range.ts";

describe("parseRange: RFC 9110 §14.2", () => {
  test.each<readonly [string, Range]>([
    ["bytes=0-499", { start: 0, end: 499 }],
    ["bytes=500-", { start: 500 }],
    ["bytes=-10", { suffix: 10 }],
    ["bytes=-0", { suffix: 0 }],
    ["BYTES = 5-5 ", { start: 5, end: 5 }],
    ["bytes=0-99999999999999999999", { start: 0, end: Infinity }],
    ["bytes=99999999999999999999-", { start: Infinity }],
  ])("%s", (header, range) => {
    expect(parseRange(header)).toEqual(range);
  });

  test.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=1",
    "bytes=1-2x",
    "items=0-1",
    "bytes=+1-2",
  ])("%s asks for the whole", (header) => {
    expect(parseRange(header)).toBeUndefined();
  });

  test("several ranges are answered with the whole, as a server may", () => {
    expect(parseRange("bytes=0-1,5-6")).toBeUndefined();
    expect(parseRange("bytes=0-1, -5")).toBeUndefined();
  });

  test("500-0 is an error, as the conformance suite expects", () => {
    expect(() => parseRange("bytes=500-0")).toThrow(expect.objectContaining({ code: "RANGE_INVALID" }));
  });

  test.each(["bytes=99999999999999999999-", "bytes=-0", "bytes=10-"])("%s of ten bytes is 416", (header) => {
    expect(() => resolveRange(parseRange(header) ?? { start: 0 }, 10)).toThrow(
      expect.objectContaining({ code: "RANGE_INVALID" }),
    );
  });

  test.each([
    ["bytes=0-99999999999999999999", { start: 0, end: 9 }],
    ["bytes=-99999999999999999999", { start: 0, end: 9 }],
  ])("%s of ten bytes is all of them", (header, range) => {
    expect(resolveRange(parseRange(header) ?? { start: 5 }, 10)).toEqual(range);
  });
});

describe("parseContentRange: RFC 9110 §14.4", () => {
  test.each([
    ["bytes 0-499/1234", { start: 0, end: 499, size: 1234 }],
    ["bytes 0-499/*", { start: 0, end: 499 }],
    ["bytes */1234", { size: 1234 }],
  ])("%s", (header, range) => {
    expect(parseContentRange(header)).toEqual(range);
    expect(formatContentRange(range)).toBe(header);
  });

  test.each([
    "",
    "bytes",
    "bytes */*",
    "bytes 5-4/10",
    "bytes 0-10/10",
    "0-9/10",
    "bytes 0-9",
    "bytes 0-99999999999999999999/*",
  ])("%j is not one", (header) => {
    expect(() => parseContentRange(header)).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
  });
});

describe("chunks of an upload: end-5 of the distribution-spec", () => {
  test.each(["0-99", "bytes 0-99/*", "bytes 0-99/100", "Bytes 0-99"])("%s", (header) => {
    expect(parseChunkRange(header)).toEqual({ start: 0, end: 99 });
  });

  test.each(["", "0", "0-", "-5", "5-4", "a-b", "0-99/100", "bytes=0-99", "0-99999999999999999999"])(
    "%j is 400 BLOB_UPLOAD_INVALID",
    (header) => {
      expect(() => parseChunkRange(header)).toThrow(expect.objectContaining({ code: "BLOB_UPLOAD_INVALID" }));
    },
  );
});

describe("the Range of an answer about an upload", () => {
  test("counts from its last byte", () => {
    expect(parseUploadRange("0-99")).toBe(100);
    expect(parseUploadRange("bytes=0-99")).toBe(100);
    expect(parseUploadRange(undefined)).toBeUndefined();
  });

  test("0-0 is no byte unless one was acknowledged before", () => {
    expect(parseUploadRange("0-0")).toBe(0);
    expect(parseUploadRange("0-0", { acknowledged: 0 })).toBe(0);
    expect(parseUploadRange("0-0", { acknowledged: 1 })).toBe(1);
    expect(parseUploadRange("0-0", { acknowledged: 9 })).toBe(1);
  });

  test.each(["", "1-5", "5", "0--1", "x"])("%j breaks the protocol", (header) => {
    expect(() => parseUploadRange(header)).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
  });

  test("is 0-0 for no byte and for one", () => {
    expect([0, 1, 2].map(formatUploadRange)).toEqual(["0-0", "0-0", "0-1"]);
  });
});

test.each([
  () => formatRange({ start: 5, end: 4 }),
  () => formatRange({ start: -1 }),
  () => formatRange({ suffix: 1.5 }),
  () => formatRange({ start: 0, end: Infinity }),
  () => formatContentRange({ start: 5, end: 4 }),
  () => formatContentRange({ size: NaN }),
  () => formatChunkRange({ start: 0, end: -1 }),
  () => formatUploadRange(NaN),
])("what is no range is not formatted: %s", (format) => {
  expect(format).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

const bounds = fc
  .tuple(fc.maxSafeNat(), fc.maxSafeNat())
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const range: fc.Arbitrary<Range> = fc.oneof(
  bounds,
  fc.record({ start: fc.maxSafeNat() }),
  fc.record({ suffix: fc.maxSafeNat() }),
);
const contentRange: fc.Arbitrary<ContentRange> = fc.oneof(
  bounds,
  bounds.map(({ end }) => ({ start: 0, end: end - 1, size: end })).filter(({ end }) => end >= 0),
);

test("every range is read back as it was formatted", () => {
  fc.assert(
    fc.property(range, contentRange, fc.integer({ min: 2 }), (given, content, offset) => {
      expect(parseRange(formatRange(given))).toEqual(given);
      expect(parseContentRange(formatContentRange(content))).toEqual(content);
      expect(parseChunkRange(formatChunkRange(content))).toEqual({ start: content.start, end: content.end });
      expect(parseUploadRange(formatUploadRange(offset))).toBe(offset);
    }),
  );
});

test("no header makes a parser throw anything without a code", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.nat().map(String),
    fc.constantFrom("bytes", "=", " ", "-", "/", "*", ","),
  );
  const parsers = [parseRange, parseContentRange, parseChunkRange, parseUploadRange];
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom(...parsers), (pieces, parse) => {
      expect(() => ignoringRefusal(() => parse(pieces.join("")))).not.toThrow();
    }),
  );
});

function ignoringRefusal(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!isOciError(error)) throw error;
  }
}
