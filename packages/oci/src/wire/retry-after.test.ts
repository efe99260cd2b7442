import { describe, expect, it } from "vitest";
import { formatRetryAfter, parseRetryAfter } from "./retry-after.ts";

describe("parseRetryAfter", () => {
  const noon = Date.parse("2026-01-01T12:00:00Z");

  it.each([
    ["0", 0],
    ["120", 120_000],
    [" 5 ", 5000],
    ["999999999", 3_600_000],
    ["9".repeat(400), 3_600_000],
    ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
    ["Thu, 01 Jan 2026 11:00:00 GMT", 0],
    ["Fri, 02 Jan 2026 12:00:00 GMT", 3_600_000],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("of %j is %j", (header, expected) => {
    expect(parseRetryAfter(header, { now: () => noon })).toBe(expected);
  });
});

describe("formatRetryAfter", () => {
  it.each([
    [0, "0"],
    [-5, "0"],
    [1, "1"],
    [1000, "1"],
    [1001, "2"],
  ])("says %d ms in seconds: %s", (milliseconds, header) => {
    expect(formatRetryAfter(milliseconds)).toBe(header);
  });

  it("is read back as no less", () => {
    for (const milliseconds of [0, 1, 999, 59_999, 3_600_000]) {
      expect(parseRetryAfter(formatRetryAfter(milliseconds))).toBeGreaterThanOrEqual(milliseconds);
    }
  });
});
