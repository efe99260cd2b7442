import { readFileSync } from "node:fs";
import { isOciError } from "@drayage/oci";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePolicy, type PolicySource } from "./index.ts";

const schema: unknown = JSON.parse(
  readFileSync(new URL("../policy.schema.json", import.meta.url).pathname, "utf8"),
);
const validate = new Ajv({ allErrors: true, strictTypes: false, strictRequired: false }).compile(
  typeof schema === "object" && schema !== null ? schema : {},
);

/** Whether the parser takes a document, given as the text of a file. */
function isParsed(document: unknown): boolean {
  try {
    parsePolicy(JSON.stringify(document));
    return true;
  } catch (error) {
    if (isOciError(error, "OPTION_INVALID")) return false;
    throw error;
  }
}

/** Values of every type, right for some field and wrong for the others. */
const values = [
  1,
  0,
  -1,
  1.5,
  0.5,
  "",
  "x",
  "14d",
  "14",
  "time",
  "semver",
  "semver.minor",
  "regex.version",
  "pushed",
  "tagPushed",
  "created",
  "exclude",
  "image",
  "block",
  "ignore",
  true,
  [],
  ["x"],
  ["14d"],
  ["pushed", "created"],
  ["tagPushed"],
  ["image", "index"],
  ["semver.major", "regex.line"],
  ["x", 1],
  {},
  { x: "y" },
  { x: 1 },
  { olderThan: "7d" },
  { newest: 2 },
  { olderThan: "7d", newest: 0, time: "created" },
  { olderThan: "7d", time: ["tagPushed"] },
  { tags: "x" },
  { tags: [] },
  { minKeep: 0, maxDeleteRatio: 1 },
];
const valueAny = fc
  .constantFrom<readonly unknown[]>(...values.map((value) => [value]))
  .map(([value]) => value);
const some = (keys: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.dictionary(fc.constantFrom(...keys), valueAny, { maxKeys: 3 });
const selectorKeys = ["tags", "notTags", "prerelease", "kinds", "annotations", "olderThan", "newerThan"];
const keepKeys = [...selectorKeys, "notPulledFor", "newest", "order", "groupBy", "unknown"];
const ruleAny = fc.record(
  {
    name: fc.constantFrom("a", "", 1),
    keep: some(keepKeys),
    delete: some([...selectorKeys, "newest"]),
    other: valueAny,
  },
  { requiredKeys: [] },
);
const documentAny = fc.oneof(
  some(["version", "time", "untagged", "orphanedReferrers", "limits", "onUnreadable", "unknown"]),
  fc.record({ rules: fc.array(ruleAny, { maxLength: 1 }) }),
  fc.record({ limits: some(["minKeep", "maxDeletedTags", "maxDeletedManifests", "maxDeleteRatio", "x"]) }),
  fc.record({ protect: some(["tags", "x"]) }),
  fc.record({ rules: valueAny }),
);

describe("the JSON Schema of a policy", () => {
  it("takes what the parser takes, and nothing else", () => {
    fc.assert(
      fc.property(documentAny, (document) => {
        expect({ document, ok: validate(document) }).toEqual({ document, ok: isParsed(document) });
      }),
      { numRuns: 3000 },
    );
  });

  it.each<readonly [string, PolicySource]>([
    ["nothing", {}],
    [
      "every key there is",
      {
        version: 1,
        time: "pushed",
        protect: { tags: "v*", digests: [] },
        rules: [
          {
            name: "a",
            keep: {
              tags: "*",
              notTags: ["x"],
              regex: "(?<version>.*)",
              semver: ">=1",
              prerelease: "include",
              kinds: "image",
              annotations: { a: "*" },
              olderThan: "1s",
              newerThan: "2m",
              notPulledFor: "3h",
              newest: 1,
              order: "semver",
              groupBy: ["semver.major", "regex.version"],
            },
          },
          { name: "b", delete: { tags: ["x"] } },
        ],
        untagged: { olderThan: "4d", newest: 1, time: ["pushed", "created"] },
        orphanedReferrers: { olderThan: "5w", time: "created" },
        limits: { minKeep: 0, maxDeletedTags: 1, maxDeletedManifests: 2, maxDeleteRatio: 0.5 },
        onUnreadable: "ignore",
      },
    ],
  ])("takes %s", (_name, document) => {
    expect(isParsed(document)).toBe(true);
    expect(validate(document)).toBe(true);
  });
});
