import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatChallenge, parseChallenges, selectChallenge, type Challenge } from "./challenge.ts";

interface Row {
  readonly input: string | readonly string[];
  readonly expect: {
    readonly challenges: readonly unknown[];
    readonly warnings: readonly string[];
    readonly selected: Readonly<Record<string, string | null>> | null;
  } | null;
  readonly error: string | null;
  readonly usable: boolean;
  readonly note: string;
}

function parseRows(text: string): readonly Row[] {
  return JSON.parse(text) as readonly Row[];
}

const rows = parseRows(readFileSync(new URL("../../vectors/www-authenticate.json", import.meta.url), "utf8"));

/** As the vectors write it. */
function plain({ scheme, params, token68 }: Challenge): unknown {
  return { scheme, params: Object.fromEntries(params), ...(token68 !== undefined && { token68 }) };
}

describe("WWW-Authenticate as registries send it", () => {
  test("there are 57 rows", () => {
    expect(rows).toHaveLength(57);
  });

  test.each(rows)("$note", (row) => {
    const { challenges, warnings } = parseChallenges(row.input);
    expect(challenges.map(plain)).toEqual(row.expect?.challenges ?? []);
    expect(challenges.length === 0 ? "no-challenge" : null).toBe(row.error);
    expect(row.expect && warnings).toEqual(row.expect && row.expect.warnings);

    const selected = selectChallenge(challenges);
    const expected = row.expect?.selected ?? undefined;
    expect(selected !== undefined).toBe(row.usable);
    expect(selected && { ...selected, error: undefined }).toEqual(
      expected &&
        Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, value ?? undefined])),
    );
  });
});

test("a header that is absent holds nothing", () => {
  expect(parseChallenges(undefined)).toEqual({ challenges: [], warnings: [] });
});

test("the error of a Bearer challenge is kept, because it tells a bad token from missing rights", () => {
  const { challenges } = parseChallenges('Bearer realm="https://a.example/t",error="insufficient_scope"');
  expect(selectChallenge(challenges)).toMatchObject({ error: "insufficient_scope" });
});

describe("leniency", () => {
  test.each([
    ['Bearer realm="a" service="b"', { realm: "a", service: "b" }, ["missing-comma"]],
    ['Bearer realm="a"{, service="b"', { realm: "a", service: "b" }, ["missing-comma", "invalid-character"]],
    ['Bearer realm=="a", service="b"', { service: "b" }, ["invalid-character"]],
    ['Bearer "realm", service="b"', { service: "b" }, ["invalid-character"]],
  ])("%s", (header, params, warnings) => {
    const parsed = parseChallenges(header);
    expect(parsed.challenges.map(plain)).toEqual([{ scheme: "bearer", params }]);
    expect(parsed.warnings).toEqual(warnings);
  });

  test("a parameter of no scheme is never added to an earlier line", () => {
    const parsed = parseChallenges(['Bearer realm="a"', 'service="evil"']);
    expect(parsed.challenges.map(plain)).toEqual([{ scheme: "bearer", params: { realm: "a" } }]);
    expect(parsed.warnings).toEqual(["missing-scheme"]);
  });

  test("a word that is no token is no scheme", () => {
    expect(parseChallenges("Bea/rer").challenges).toEqual([]);
    expect(parseChallenges('Bearer"x"').challenges).toEqual([]);
  });
});

test("a challenge that names a parameter twice is ignored, and its neighbours are not", () => {
  const parsed = parseChallenges(
    'Bearer realm="https://a.example",Realm="https://evil.example", Basic realm="x"',
  );
  expect(parsed.challenges.map(plain)).toEqual([{ scheme: "basic", params: { realm: "x" } }]);
  expect(parsed.warnings).toEqual(["duplicate-parameter"]);
});

test("a parameter called __proto__ is a parameter (C21)", () => {
  const { challenges } = parseChallenges('Bearer __proto__="x",realm="a"');
  expect(challenges[0]?.params.get("__proto__")).toBe("x");
  expect(selectChallenge(challenges)).toMatchObject({ realm: "a" });
});

test("more than 16 Ki characters are refused, over all lines together", () => {
  const half = "x".repeat(8 * 1024);
  expect(parseChallenges([half, half]).challenges).toHaveLength(2);
  expect(() => parseChallenges([half, half, "x"])).toThrow(
    expect.objectContaining({ code: "LIMIT_EXCEEDED" }),
  );
  expect(parseChallenges([half, half, "x"], { limit: 20_000 }).challenges).toHaveLength(3);
});

describe("formatChallenge", () => {
  test("quotes every value and writes the scheme as clients compare it", () => {
    const params = new Map([
      ["realm", "https://auth.example/token"],
      ["scope", 'a"b\\c'],
    ]);
    expect(formatChallenge({ scheme: "bearer", params })).toBe(
      'Bearer realm="https://auth.example/token",scope="a\\"b\\\\c"',
    );
    expect(formatChallenge({ scheme: "negotiate", params: new Map(), token68: "abc==" })).toBe(
      "Negotiate abc==",
    );
    expect(formatChallenge({ scheme: "basic", params: new Map() })).toBe("Basic");
  });

  test.each<Challenge>([
    { scheme: "", params: new Map() },
    { scheme: "a b", params: new Map() },
    { scheme: "bearer", params: new Map([["realm", "x\r\nSet-Cookie: a=b"]]) },
    { scheme: "bearer", params: new Map([["re alm", "x"]]) },
    { scheme: "bearer", params: new Map([["realm", "\u2603"]]) },
    { scheme: "bearer", params: new Map(), token68: "a b" },
  ])("refuses what would split the header: %j", (challenge) => {
    expect(() => formatChallenge(challenge)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});

const token = fc.stringMatching(/^[a-z][a-z0-9!#$%&'*+.^_`|~-]{0,9}$/);
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,20}$/);
const challenge: fc.Arbitrary<Challenge> = fc.oneof(
  fc.record({
    scheme: token,
    params: fc
      .uniqueArray(fc.tuple(token, value), { selector: ([key]) => key })
      .map((pairs) => new Map(pairs)),
  }),
  fc.record({
    scheme: token,
    params: fc.constant(new Map<string, string>()),
    token68: fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,9}={0,2}$/),
  }),
);

test("parseChallenges reads any list of challenges back as they were formatted, on one line or several", () => {
  fc.assert(
    fc.property(fc.array(challenge), (given) => {
      const lines = given.map(formatChallenge);
      expect(parseChallenges(lines)).toEqual({ challenges: given, warnings: [] });
      expect(parseChallenges(lines.join(", "))).toEqual({ challenges: given, warnings: [] });
    }),
  );
});

test("no header makes parseChallenges throw, and every challenge it finds can be formatted if a header can hold it", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("Bearer ", 'realm="', '"', "=", ",", ";", "\\", " ", "/", "\t"),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      for (const { scheme, params } of parseChallenges(pieces.join("")).challenges) {
        expect(scheme).toMatch(/^[^\s=,;"/]+$/);
        for (const key of params.keys()) expect(key).toBe(key.toLowerCase());
      }
    }),
  );
});
