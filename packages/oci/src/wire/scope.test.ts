import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coversScope, formatScope, mergeScopes, parseScope, parseScopes, type Scope } from "./scope.ts";

describe("parseScope: the scope grammar of token authentication", () => {
  test.each<readonly [string, Scope]>([
    [
      "repository:samalba/my-app:pull,push",
      { type: "repository", name: "samalba/my-app", actions: ["pull", "push"] },
    ],
    ["repository:a:*", { type: "repository", name: "a", actions: ["*"] }],
    ["registry:catalog:*", { type: "registry", name: "catalog", actions: ["*"] }],
    ["repository(plugin):a/b:pull", { type: "repository", name: "a/b", actions: ["pull"] }],
    ["repository:a:", { type: "repository", name: "a", actions: [] }],
    ["repository:a:pull,,p ush", { type: "repository", name: "a", actions: ["pull"] }],
    ["repository:a:metadata_read", { type: "repository", name: "a", actions: ["metadata_read"] }],
  ])("%s", (text, scope) => {
    expect(parseScope(text)).toEqual(scope);
  });

  test("the name reaches from the first to the last colon (S7)", () => {
    expect(parseScope("repository:host:5000/a/b:pull")?.name).toBe("host:5000/a/b");
    expect(parseScope("repository:[::1]:5000/a:pull")?.name).toBe("[::1]:5000/a");
  });

  test.each([
    "",
    "*",
    ":",
    "::",
    "repository",
    "repository:a",
    "a b:c:d",
    "Repository:a:pull",
    "repository:a&b:pull",
  ])("%j is no scope", (text) => {
    expect(parseScope(text)).toBeUndefined();
  });
});

test("scopes come in lists separated by spaces and in repeated parameters; what is none is left out (C19)", () => {
  const scopes = parseScopes(["repository:a:pull repository:b:pull", "*", "registry:catalog:*"]);
  expect(scopes.map(formatScope)).toEqual(["repository:a:pull", "repository:b:pull", "registry:catalog:*"]);
  expect(parseScopes("repository:a:pull  repository:b:push")).toHaveLength(2);
});

test("formatScope sorts actions, and * absorbs the others", () => {
  expect(formatScope({ type: "repository", name: "a", actions: ["push", "pull", "push"] })).toBe(
    "repository:a:pull,push",
  );
  expect(formatScope({ type: "repository", name: "a", actions: ["push", "*"] })).toBe("repository:a:*");
});

test.each<Scope>([
  { type: "repository", name: "a:pull repository:b", actions: ["pull"] },
  { type: "repository", name: "", actions: ["pull"] },
  { type: "repository:x", name: "a", actions: ["pull"] },
  { type: "repository", name: "a", actions: ["pull,push"] },
  { type: "repository", name: "a", actions: ["pull repository:b:push"] },
])("formatScope refuses $name $actions, which would be another scope (C19)", (scope) => {
  expect(() => formatScope(scope)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
});

test("mergeScopes unites the actions of one resource and keeps the order of first mention", () => {
  const merged = mergeScopes(parseScopes("repository:b:push repository:a:pull repository:b:pull"));
  expect(merged.map(formatScope)).toEqual(["repository:b:pull,push", "repository:a:pull"]);
  expect(mergeScopes(parseScopes("repository:a:pull repository:a:*")).map(formatScope)).toEqual([
    "repository:a:*",
  ]);
});

describe("coversScope", () => {
  const needed: Scope = { type: "repository", name: "a", actions: ["pull", "push"] };
  test.each([
    ["repository:a:pull,push,delete", true],
    ["repository:a:pull repository:a:push", true],
    ["repository:a:*", true],
    ["repository:a:pull", false],
    ["repository:a/b:*", false],
    ["repository:*:*", false],
    ["registry:a:*", false],
    ["", false],
  ])("%s: %s", (granted, covers) => {
    expect(coversScope(parseScopes(granted), needed)).toBe(covers);
  });
});

const scope: fc.Arbitrary<Scope> = fc.record({
  type: fc.constantFrom("repository", "registry"),
  name: fc.stringMatching(/^[a-z0-9._/:-]{1,20}$/),
  actions: fc.subarray(["delete", "pull", "push"]),
});

test("parseScope reads every scope back as it was formatted", () => {
  fc.assert(
    fc.property(scope, (given) => {
      expect(parseScope(formatScope(given))).toEqual(given);
    }),
  );
});

test("no text makes parseScope throw, and what it returns can be formatted", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((middle) => `repository:${middle}:pull`),
  );
  fc.assert(
    fc.property(text, (given) => {
      const parsed = parseScope(given);
      expect(parsed && parseScope(formatScope(parsed))?.name).toBe(parsed?.name);
    }),
  );
});

test("merging twice changes nothing, and what is merged covers every part", () => {
  fc.assert(
    fc.property(fc.array(scope), (scopes) => {
      const merged = mergeScopes(scopes);
      expect(mergeScopes(merged)).toEqual(merged);
      for (const part of scopes) expect(coversScope(merged, part)).toBe(true);
    }),
  );
});
