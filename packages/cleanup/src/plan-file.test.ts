import { digestOf, isOciError, type Digest } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import {
  explain,
  formatPlan,
  formatPlanTable,
  parsePlan,
  parsePolicy,
  planCleanup,
  remainingOf,
  type Inventory,
} from "./index.ts";

const now = Date.parse("2026-06-01T00:00:00Z");
const day = 86_400_000;
const digestFor = (symbol: string): Digest => digestOf(new TextEncoder().encode(symbol));
const [index, amd, arm, signature, kept] = ["i", "amd", "arm", "s", "k"].map(digestFor);
if (!index || !amd || !arm || !signature || !kept) throw new Error("five symbols have five digests");

const inventory: Inventory = {
  repository: "team/app",
  complete: true,
  manifests: [
    {
      digest: index,
      kind: "index",
      children: [amd, arm],
      pushed: now - 40 * day,
      platforms: ["linux/amd64", "linux/arm64"],
    },
    { digest: amd, kind: "image", pushed: now - 40 * day },
    { digest: arm, kind: "image", pushed: now - 40 * day },
    { digest: signature, kind: "artifact", subject: arm, pushed: now - 40 * day },
    { digest: kept, kind: "image", pushed: now - day },
  ],
  tags: [
    { name: "pr-1", digest: index },
    { name: "latest", digest: kept },
  ],
  inUse: [],
  capabilities: { untag: true },
};
const policy = parsePolicy({ rules: [{ name: "old-prs", delete: { tags: "pr-*", olderThan: "14d" } }] });
const plan = planCleanup(inventory, policy, { now });

describe("a plan as a file", () => {
  it("comes back as it went", () => {
    expect(parsePlan(formatPlan(plan))).toEqual(plan);
  });

  it("is refused once anything in it was changed", () => {
    const changed = formatPlan(plan).replace('"tag": "pr-1"', '"tag": "latest"');
    expect(changed).not.toBe(formatPlan(plan));
    for (const text of [changed, "{}", "[]", '{"version":1}', "not JSON"]) {
      expect(() => parsePlan(text)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    }
  });

  it("rests on the state, the policy and the moment", () => {
    const [tag] = inventory.tags;
    const others = [
      planCleanup(
        { ...inventory, tags: inventory.tags.map((one) => (one === tag ? { ...one, pushed: now } : one)) },
        policy,
        { now },
      ),
      planCleanup(inventory, parsePolicy({}), { now }),
      planCleanup(inventory, policy, { now: now + 1 }),
    ];
    expect(new Set([plan, ...others].map(({ basis }) => basis)).size).toBe(4);
  });
});

describe("a plan as a table", () => {
  it("says of each tag what becomes of it and why, and of each manifest that goes without one", () => {
    const short = (digest: Digest): string => digest.slice(0, 19);
    const lines = formatPlanTable(plan).map((line) => line.replaceAll(/ {2,}/g, "  ").trim());
    expect(lines.slice(0, 3)).toEqual([
      "TAG  DIGEST  AGE  PLATFORMS  REASON",
      `latest  ${short(kept)}  24h  default`,
      `-  pr-1  ${short(index)}  40d  linux/amd64,linux/arm64  rule:old-prs`,
    ]);
    expect(lines.slice(3, 6).toSorted()).toEqual(
      [
        `-  -  ${short(amd)}  child`,
        `-  -  ${short(arm)}  child`,
        `-  -  ${short(signature)}  referrer`,
      ].toSorted(),
    );
    expect(lines.at(-1)).toBe("1 of 2 tags and 4 of 5 manifests go");
  });
});

describe("an explanation", () => {
  it("leads from a signature to the rule that takes its image", () => {
    expect(explain(plan, signature)).toEqual({
      of: signature,
      action: "delete",
      chain: [
        `${signature} goes: referrer of ${arm}`,
        `${arm} goes: child of ${index}`,
        `${index} goes: tag pr-1`,
        "tag pr-1 goes: rule:old-prs",
      ],
    });
  });

  it("is refused for what the plan does not know", () => {
    const refusals = ["v9", digestFor("elsewhere")].map((at) => {
      try {
        return explain(plan, at);
      } catch (error) {
        return isOciError(error) ? error.code : error;
      }
    });
    expect(refusals).toEqual(["MANIFEST_UNKNOWN", "MANIFEST_UNKNOWN"]);
  });
});

describe("what remains of a plan", () => {
  it("spares what runs by now, with the index around it and its signature", () => {
    const { operations, held } = remainingOf(plan, { ...inventory, inUse: [arm] });
    expect(operations).toEqual([{ wave: 0, tag: "pr-1", digest: index }]);
    expect(held.map(({ why }) => why)).toEqual(["protected", "protected", "protected", "protected"]);
  });

  it("is nothing where a manifest came that cannot be read", () => {
    const manifests = [
      ...inventory.manifests,
      { digest: digestFor("new"), kind: "unknown" as const, unreadable: true },
    ];
    expect(remainingOf(plan, { ...inventory, manifests }).blockedBy).toBe("unreadable-manifest");
  });

  it("is nothing where a tag points to what was not listed", () => {
    const tags = [...inventory.tags, { name: "v2", digest: digestFor("new") }];
    expect(remainingOf(plan, { ...inventory, tags }).blockedBy).toBe("unreadable-manifest");
  });

  it("leaves a tag that was made immutable", () => {
    const tags = inventory.tags.map((tag) => ({ ...tag, immutable: true }));
    expect(remainingOf(plan, { ...inventory, tags }).held).toContainEqual({
      operation: { wave: 0, tag: "pr-1", digest: index },
      why: "protected",
    });
  });
});

describe("a plan is blocked", () => {
  it.each([
    [{ maxDeletedTags: 0 }, "max-deleted-tags"],
    [{ maxDeletedManifests: 3 }, "max-deleted-manifests"],
    [{ maxDeleteRatio: 0.49 }, "max-delete-ratio"],
  ])("over its limits %j", (limits, block) => {
    const limited = planCleanup(inventory, { ...policy, limits: { minKeep: 1, ...limits } }, { now });
    expect(limited).toMatchObject({ status: "blocked", blockedBy: [block] });
    expect(limited.operations.length).toBeGreaterThan(0);
  });

  it("where a tag that stays points to what was not listed", () => {
    const tags = [...inventory.tags, { name: "v2", digest: digestFor("unlisted") }];
    const blocked = planCleanup({ ...inventory, tags }, policy, { now });
    expect(blocked).toMatchObject({ status: "blocked", blockedBy: ["unreadable-manifest"], operations: [] });
  });

  it("never by an inventory that has a tag twice: that is refused", () => {
    const tags = [...inventory.tags, { name: "pr-1", digest: kept }];
    expect(() => planCleanup({ ...inventory, tags }, policy, { now })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
