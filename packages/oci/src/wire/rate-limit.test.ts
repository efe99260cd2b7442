import fc from "fast-check";
import { expect, test } from "vitest";
import { formatRateLimit, parseRateLimit } from "./rate-limit.ts";

test.each([
  // Docker Hub
  [
    {
      "ratelimit-limit": "100;w=21600",
      "ratelimit-remaining": "76;w=21600",
      "docker-ratelimit-source": "192.0.2.1",
    },
    { limit: 100, remaining: 76, window: 21_600, source: "192.0.2.1" },
  ],
  // the draft of the standard
  [{ "ratelimit-limit": "100, 100;w=60" }, { limit: 100 }],
  [{ "ratelimit-remaining": " 0 ; comment=x; w=60" }, { remaining: 0, window: 60 }],
  [{ "ratelimit-limit": ["10;w=1", "20;w=2"] }, { limit: 10, window: 1 }],
])("%j says %j", (headers, expected) => {
  expect(parseRateLimit(headers)).toEqual(expected);
});

test.each([
  {},
  { "docker-ratelimit-source": "192.0.2.1" },
  { "ratelimit-limit": "many" },
  { "ratelimit-limit": "-1", "ratelimit-remaining": "1e3" },
  { "ratelimit-limit": "99999999999999999999" },
])("%j says nothing", (headers) => {
  expect(parseRateLimit(headers)).toBeUndefined();
});

test("a source that goes on and on is cut", () => {
  const headers = { "ratelimit-limit": "1", "docker-ratelimit-source": "x".repeat(10_000) };
  expect(parseRateLimit(headers)?.source).toHaveLength(256);
});

test("what is formatted is parsed back", () => {
  const count = fc.nat();
  const source = fc.stringMatching(/^[\u0021-\u007e]{1,40}$/);
  const rateLimit = fc.record(
    { limit: count, remaining: count, window: count, source },
    { requiredKeys: ["limit"] },
  );
  fc.assert(
    fc.property(rateLimit, (value) => {
      expect(parseRateLimit(formatRateLimit(value))).toEqual(value);
    }),
  );
});

test.each([{ limit: -1 }, { limit: 1.5 }, { limit: 1, window: Number.NaN }, { limit: 1, source: "a\r\nb" }])(
  "%j cannot be said",
  (value) => {
    expect(() => formatRateLimit(value)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  },
);
