import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOciError } from "./errors.ts";
import { resolveRange, type Range } from "./range.ts";

describe("resolveRange", () => {
  it.each<[string, Range, number, number]>([
    ["the first byte", { start: 0, end: 0 }, 0, 0],
    ["the last byte", { start: 9, end: 9 }, 9, 9],
    ["everything from a place on", { start: 4 }, 4, 9],
    ["an end behind the last byte", { start: 4, end: 99 }, 4, 9],
    ["the last bytes", { suffix: 3 }, 7, 9],
    ["more last bytes than there are", { suffix: 99 }, 0, 9],
  ])("of %s, in 10 bytes", (_what, range, start, end) => {
    expect(resolveRange(range, 10)).toEqual({ start, end });
  });

  it.each<[Range, number]>([
    [{ start: 10 }, 10],
    [{ start: 5, end: 4 }, 10],
    [{ start: -1 }, 10],
    [{ start: 0.5 }, 10],
    [{ start: Number.NaN }, 10],
    [{ start: 0, end: Number.NaN }, 10],
    [{ start: 0, end: 2.5 }, 10],
    [{ suffix: 0 }, 10],
    [{ suffix: -1 }, 10],
    [{ start: 0 }, 0],
    [{ suffix: 1 }, 0],
  ])("of %j in %i bytes throws RANGE_INVALID, and says how many there are", (range, size) => {
    expect(() => resolveRange(range, size)).toThrow(
      expect.objectContaining({ code: "RANGE_INVALID", detail: { size } }),
    );
  });

  it("gives bytes that exist, or throws", () => {
    const bound = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double());
    fc.assert(
      fc.property(bound, fc.option(bound, { nil: undefined }), fc.nat(20), (start, end, size) => {
        const found = resolved({ start, end }, size);
        const isWithin =
          found === "RANGE_INVALID" ||
          (Number.isInteger(found.start + found.end) &&
            0 <= found.start &&
            found.start <= found.end &&
            found.end < size);
        expect(isWithin).toBe(true);
      }),
    );
  });
});

function resolved(range: Range, size: number) {
  try {
    return resolveRange(range, size);
  } catch (error) {
    if (isOciError(error, "RANGE_INVALID")) return error.code;
    throw error;
  }
}
