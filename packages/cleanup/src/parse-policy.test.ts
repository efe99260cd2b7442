import { isOciError } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { parsePolicy } from "./index.ts";

function refusal(text: string): string {
  try {
    parsePolicy(text, { file: "policy.yaml" });
  } catch (error) {
    if (isOciError(error, "OPTION_INVALID")) return error.message;
    throw error;
  }
  return "accepted";
}

const yaml = `
version: 1
protect: { tags: [latest, 'v*'] }
rules:
  - { name: recent, keep:   { tags: ['pr-*'], newest: 3 } }
  - { name: old,    delete: { tags: 'pr-*', olderThan: 14d } }
untagged: { olderThan: 7d }
limits: { maxDeleteRatio: 0.5 }
`;
const source = {
  version: 1,
  protect: { tags: ["latest", "v*"] },
  rules: [
    { name: "recent", keep: { tags: ["pr-*"], newest: 3 } },
    { name: "old", delete: { tags: "pr-*", olderThan: "14d" } },
  ],
  untagged: { olderThan: "7d" },
  limits: { maxDeleteRatio: 0.5 },
} as const;

describe("a policy", () => {
  it("is the same in YAML, JSON and TypeScript", () => {
    const policy = parsePolicy(source);
    expect(parsePolicy(yaml)).toEqual(policy);
    expect(parsePolicy(JSON.stringify(source))).toEqual(policy);
    expect(policy).toMatchObject({
      time: ["tagPushed", "pushed", "created"],
      rules: [
        { keep: { tags: ["pr-*"], newest: 3 } },
        { delete: { tags: ["pr-*"], olderThan: 1_209_600_000 } },
      ],
      untagged: { olderThan: 604_800_000, time: ["pushed"] },
      limits: { minKeep: 1, maxDeleteRatio: 0.5 },
      onUnreadable: "block",
    });
  });

  it("keeps everything when it says nothing", () => {
    expect(parsePolicy("")).toMatchObject({ rules: [], limits: { minKeep: 1 } });
  });

  it.each([
    ["rules:\n  - name: a\n    delete: { tag: x }", "policy.yaml:3:20: rules[0].delete.tag: unknown key"],
    [
      "rules:\n  - { name: a, delete: { tags: x, olderThan: 3months } }",
      "policy.yaml:2:46: rules[0].delete.olderThan: must be a duration",
    ],
    [
      "rules: [{ name: a, delete: { regex: '(a)\\1' } }]",
      "rules[0].delete.regex: not a regular expression of RE2",
    ],
    ["rules: [{ name: a, delete: { regex: ['ok', '((a{99}){99}){99}'] } }]", "rules[0].delete.regex[1]: "],
    [
      "rules: [{ name: a, delete: { semver: 'not a range' } }]",
      "rules[0].delete.semver: not a range of versions",
    ],
    ["rules: [{ name: a, delete: { tags: '{a' } }]", "rules[0].delete.tags: glob with { that nothing closes"],
    ["rules: [{ name: a, delete: { tags: [] } }]", "rules[0].delete.tags: must not be an empty list"],
    ["rules: [{ name: a, delete: {} }]", "rules[0].delete: would delete everything"],
    ["rules: [{ name: a, keep: {}, delete: {} }]", "rules[0]: must not both keep and delete"],
    ["rules: [{ delete: { tags: x } }]", "rules[0]: must have a name"],
    ["rules: [{ name: a }]", "rules[0]: must have keep or delete"],
    ["rules: [{ name: a, keep: {} }, { name: a, keep: {} }]", 'rules[1]: a second rule of the name "a"'],
    ["rules: [{ name: a, keep: { newest: 0 } }]", "rules[0].keep.newest: must be a whole number from 1 on"],
    ["rules: [{ name: a, keep: { order: semver } }]", "rules[0].keep.order: says nothing without newest"],
    [
      "rules: [{ name: a, keep: { newest: 1, groupBy: day } }]",
      "rules[0].keep.groupBy: must be semver.major",
    ],
    ["rules: { name: a }", "rules: must be a list"],
    ["untagged: {}", "untagged: must have olderThan or newest"],
    ["orphanedReferrers: { newest: 3 }", "orphanedReferrers.newest: unknown key"],
    ["untagged: { olderThan: 1d, time: tagPushed }", "untagged.time: must be one of pushed, created"],
    ["protect: { digests: [sha256:abc] }", "protect.digests[0]: not a sha256 or sha512 digest"],
    ["limits: { maxDeleteRatio: 2 }", "limits.maxDeleteRatio: must be a number from 0 to 1"],
    ["limits: { minKeep: -1 }", "limits.minKeep: must be a whole number from 0 on"],
    ["version: 2", "version: must be 1"],
    ["onUnreadable: delete", "onUnreadable: must be one of block, ignore"],
    ["__proto__: { rules: [] }", "unknown key"],
    ["rules: []\nrules: []", "policy.yaml:2:1: not YAML (DUPLICATE_KEY)"],
    ["a: &a [x]\nb: *a", "aliases are not allowed"],
    ["- rules", "must be an object"],
  ])("refuses %j and says where", (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  it("refuses text that is too long or nested too deep", () => {
    expect(refusal(`# ${"x".repeat(256 * 1024)}`)).toContain("longer than");
    expect(refusal("[".repeat(100_000))).toContain("not YAML");
  });
});
