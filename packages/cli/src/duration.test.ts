import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { optionError } from "./option-error.ts";

test.each([
  ["0s", 0],
  ["90s", 90_000],
  ["15m", 900_000],
  ["24h", 86_400_000],
  ["7d", 604_800_000],
])("%s is %i milliseconds", (text, milliseconds) => {
  expect(parseDuration(text, "grace")).toBe(milliseconds);
});

test("no text is no time", () => {
  expect(parseDuration(undefined, "grace")).toBeUndefined();
});

test.each(["", "1", "h", "-1h", "1.5h", "1w", "1h30m", "1H", " 1h", "9999999s"])("%j is refused", (text) => {
  const refusal = optionError("grace", `--grace needs a time such as 90s, 15m, 24h or 7d, not "${text}"`);
  expect(() => parseDuration(text, "grace")).toThrow(refusal);
});

test.each([
  [0, "0 s"],
  [1, "1 s"],
  [59_000, "59 s"],
  [59_001, "1 min 0 s"],
  [200_000, "3 min 20 s"],
  [3_599_999, "1 h 0 min"],
  [7_500_000, "2 h 5 min"],
])("%d ms are %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});
