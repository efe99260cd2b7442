import { env } from "node:process";
import { digestOf, type Digest } from "@drayage/oci";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  explain,
  parsePolicy,
  planCleanup,
  remainingOf,
  subjectOfTag,
  type CleanupPlan,
  type Inventory,
  type PolicySource,
} from "./index.ts";

const now = Date.parse("2026-06-01T00:00:00Z");
const day = 86_400_000;
/** How many repositories are made up for each property; ten thousand take a minute. */
const numRuns = Number(env["DRAYAGE_PROPERTY_RUNS"] ?? 500);

const count = 12;
const digests = Array.from({ length: count }, (_, index) => digestOf(new TextEncoder().encode(`m${index}`)));
const absent = digestOf(new TextEncoder().encode("absent"));
const digestAt = (index: number): Digest => digests[index] ?? absent;
const hexAt = (index: number): string => digestAt(index).slice("sha256:".length);

const timeAny = fc.option(
  fc.integer({ min: 0, max: 60 }).map((days) => now - days * day),
  { nil: undefined },
);

/** Manifests refer only to those before them, as digests do; some to one that is not there. */
const manifestsAny = fc.tuple(
  ...digests.map((digest, index) =>
    fc.record({
      digest: fc.constant(digest),
      kind: fc.constantFrom("image" as const, "index" as const, "artifact" as const),
      children: fc.uniqueArray(fc.integer({ min: -1, max: index - 1 }).map(digestAt), { maxLength: 3 }),
      subject: fc.option(fc.integer({ min: -1, max: index - 1 }).map(digestAt), { nil: undefined, freq: 3 }),
      created: timeAny,
      pushed: timeAny,
    }),
  ),
);
const normalTag = fc
  .tuple(fc.constantFrom("pr", "v", "dev"), fc.integer({ min: 1, max: 6 }))
  .map(([a, b]) => `${a}-${b}`);
const linkedTag = fc
  .tuple(fc.integer({ min: -1, max: count - 1 }), fc.constantFrom("", ".sig", ".att"))
  .map(([index, suffix]) => `sha256-${hexAt(index)}${suffix}`);
const tagAny = fc.record({
  name: fc.oneof({ weight: 3, arbitrary: normalTag }, { weight: 1, arbitrary: linkedTag }),
  digest: fc.integer({ min: 0, max: count - 1 }).map(digestAt),
  pushed: timeAny,
  immutable: fc.constantFrom(undefined, undefined, undefined, true),
});
const momentAny = fc.record({
  present: fc.subarray(digests, { minLength: 1 }),
  tags: fc.uniqueArray(tagAny, { selector: ({ name }) => name, maxLength: 10 }),
  inUse: fc.subarray(digests, { maxLength: 1 }),
});
/** The same repository at two moments: content stays what it is, and all else may have changed. */
const momentsAny: fc.Arbitrary<readonly [Inventory, Inventory]> = fc
  .record({
    manifests: manifestsAny,
    moments: fc.tuple(momentAny, momentAny),
    untagging: fc.constantFrom("always", "unless-last", "never"),
  })
  .map(({ manifests, moments: [before, after], untagging }) => {
    const at = ({ present, tags, inUse }: typeof before): Inventory => ({
      repository: "team/app",
      complete: true,
      manifests: manifests.filter(({ digest }) => present.includes(digest)),
      tags: tags.filter(({ digest }) => present.includes(digest)),
      inUse,
      capabilities: { untag: untagging !== "never", lastTagTakesManifest: untagging === "unless-last" },
    });
    return [at(before), at(after)] as const;
  });
const inventoryAny = momentsAny.map(([inventory]) => inventory);

const selectorAny = fc.record(
  { tags: fc.constantFrom("*", "pr-*", "v-*", "*-1"), olderThan: fc.constantFrom("1d", "20d") },
  { requiredKeys: ["tags"] },
);
type Rules = NonNullable<PolicySource["rules"]>;
const ruleAny: fc.Arbitrary<(name: string) => Rules[number]> = fc.oneof(
  selectorAny.map((selector) => (name: string) => ({ name, delete: selector })),
  selectorAny.map((selector) => (name: string) => ({ name, keep: selector })),
  fc.integer({ min: 1, max: 3 }).map((newest) => (name: string) => ({ name, keep: { tags: "*", newest } })),
);
const policyAny: fc.Arbitrary<PolicySource> = fc.record(
  {
    rules: fc.array(ruleAny, { maxLength: 4 }).map((rules) => rules.map((rule, index) => rule(`r${index}`))),
    protect: fc.constantFrom({ tags: "v-1" }, { digests: digestAt(0) }, { tags: "sha256-*" }),
    untagged: fc.constantFrom({ olderThan: "5d" }, { olderThan: "1d", newest: 1 }),
    orphanedReferrers: fc.constant({ olderThan: "5d" }),
    limits: fc.integer({ min: 0, max: 3 }).map((minKeep) => ({ minKeep })),
  },
  { requiredKeys: ["rules"] },
);

const plan = (inventory: Inventory, source: PolicySource): CleanupPlan =>
  planCleanup(inventory, parsePolicy(source), { now });

function deletedOf({ tags, manifests }: CleanupPlan): readonly string[] {
  const gone = ({ action }: { readonly action: string }): boolean => action === "delete";
  return [
    ...tags.filter(gone).map(({ name }) => name),
    ...manifests.filter(gone).map(({ digest }) => digest),
  ];
}

/** The repository without `gone`. */
function without(inventory: Inventory, gone: ReadonlySet<string>): Inventory {
  return {
    ...inventory,
    manifests: inventory.manifests.filter(({ digest }) => !gone.has(digest)),
    tags: inventory.tags.filter(({ name, digest }) => !gone.has(name) && !gone.has(digest)),
  };
}

/** What `before` had whole and `after` has no more: tags that dangle, indexes and images that lack something. */
function damage(before: Inventory, after: Inventory): readonly string[] {
  const [had, has] = [before, after].map(({ manifests }) => new Set(manifests.map(({ digest }) => digest)));
  const isLost = (digest: Digest | undefined): boolean =>
    digest !== undefined && had?.has(digest) === true && has?.has(digest) === false;
  const dangling = after.tags.filter(({ digest }) => isLost(digest)).map(({ name }) => `${name} dangles`);
  const lacking = after.manifests
    .filter(({ children }) => children?.some(isLost))
    .map(({ digest }) => `${digest} lacks`);
  const unsigned = before.manifests
    .filter(({ digest, subject }) => isLost(digest) && subject !== undefined && has?.has(subject))
    .map(({ subject }) => `${subject} lost a referrer`);
  return [...dangling, ...lacking, ...unsigned];
}

/** Expects that after any number of `operations` nothing that is left has lost anything. */
function expectHarmless(inventory: Inventory, operations: CleanupPlan["operations"]): void {
  const { untag, lastTagTakesManifest = false } = inventory.capabilities;
  const gone = new Set<string>();
  for (const { tag, digest } of operations) {
    gone.add(tag ?? digest);
    const others = inventory.tags.filter((one) => one.digest === digest && !gone.has(one.name));
    if (others.length === 0 && lastTagTakesManifest) gone.add(digest);
    const left =
      untag && !lastTagTakesManifest
        ? {
            ...inventory,
            manifests: inventory.manifests.filter((one) => !gone.has(one.digest)),
            tags: inventory.tags.filter(({ name }) => !gone.has(name)),
          }
        : without(inventory, gone);
    expect(damage(inventory, left)).toEqual([]);
  }
}

describe("a plan for any repository", () => {
  it("breaks nothing that stays, after any number of its operations", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, (inventory, policy) => {
        expectHarmless(inventory, plan(inventory, policy).operations);
      }),
      { numRuns },
    );
  });

  it("breaks nothing either once the repository has changed, and deletes nothing that it did not name", () => {
    fc.assert(
      fc.property(momentsAny, policyAny, ([before, after], policy) => {
        const made = plan(before, policy);
        const { operations } = remainingOf(made, after);
        expect(made.operations).toEqual(expect.arrayContaining([...operations]));
        expectHarmless(after, operations);
        for (const { tag, digest } of operations) {
          expect(after.inUse).not.toContain(tag === undefined ? digest : undefined);
        }
      }),
      { numRuns },
    );
  });

  it("keeps every manifest that a kept tag needs, and removes no tag that it does not name", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, (inventory, policy) => {
        const made = plan(inventory, policy);
        const left = without(inventory, new Set(deletedOf(made)));
        expect(damage(inventory, left)).toEqual([]);
        const kept = made.tags.filter(({ action }) => action === "keep").map(({ name }) => name);
        expect(left.tags.map(({ name }) => name).sort()).toEqual(kept);
      }),
      { numRuns },
    );
  });

  it("has nothing left to do once it is done", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, (inventory, policy) => {
        const first = plan(inventory, policy);
        const second = plan(without(inventory, new Set(deletedOf(first))), policy);
        fc.pre(first.status === "ok");
        expect(deletedOf(second)).toEqual([]);
      }),
      { numRuns },
    );
  });

  it("only shrinks with one more rule that keeps, and only grows with one more that deletes", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, ruleAny, (inventory, policy, ruleFor) => {
        const rule = ruleFor("more");
        // Which images minKeep spares depends on which are condemned.
        const base = { ...policy, limits: { minKeep: 0 } };
        const plans = [
          plan(inventory, base),
          plan(inventory, { ...base, rules: [...(base.rules ?? []), rule] }),
        ];
        // Which tag is the last one of its manifest depends on which others go.
        fc.pre(inventory.capabilities.lastTagTakesManifest !== true);
        // A blocked plan is empty whatever it would delete.
        fc.pre(plans.every(({ status }) => status === "ok"));
        const [before = [], after = []] = plans.map(deletedOf);
        const [less, more] = "keep" in rule ? [after, before] : [before, after];
        expect(less.filter((one) => !more.includes(one))).toEqual([]);
      }),
      { numRuns },
    );
  });

  it("is the same whatever the order of its rules, but for the stated reasons", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, (inventory, policy) => {
        const reversed = { ...policy, rules: policy.rules?.toReversed() };
        expect(deletedOf(plan(inventory, reversed))).toEqual(deletedOf(plan(inventory, policy)));
      }),
      { numRuns },
    );
  });

  it("explains every tag and every manifest, each step with the same outcome", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, (inventory, policy) => {
        const made = plan(inventory, policy);
        const entries = [
          ...made.tags
            .filter(({ decidedBy }) => decidedBy !== "capability:untag")
            .map(({ name, action }) => ({ at: name, action })),
          ...made.manifests.map(({ digest, action }) => ({ at: digest, action })),
        ];
        for (const { at, action } of entries) {
          const { chain } = explain(made, at);
          const word = action === "keep" ? " stays: " : " goes: ";
          expect(chain.filter((step) => !step.includes(word))).toEqual([]);
          expect(chain.at(-1)).not.toMatch(/child of|referrer of|linked by|index around/);
        }
      }),
      { numRuns },
    );
  });

  it("never lets a rule touch what a tag's name links to a digest", () => {
    fc.assert(
      fc.property(inventoryAny, policyAny, (inventory, policy) => {
        const linked = plan(inventory, policy).tags.filter(({ name }) => subjectOfTag(name) !== undefined);
        expect(linked.filter(({ decidedBy }) => /^(?:rule|default|limits)/.test(decidedBy))).toEqual([]);
      }),
      { numRuns },
    );
  });
});
