import { readFileSync } from "node:fs";
import { createDigester, digestOf, type Digest } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import {
  parsePolicy,
  planCleanup,
  remainingOf,
  type CleanupPlan,
  type Inventory,
  type ManifestKind,
  type PolicySource,
} from "./index.ts";

interface VectorState {
  readonly complete?: boolean;
  readonly manifests: readonly {
    readonly digest: string;
    readonly kind: ManifestKind;
    readonly children?: readonly string[];
    readonly subject?: string | null;
    readonly created?: string | null;
    readonly pushed?: string | null;
    readonly pulled?: string | null;
    readonly unreadable?: boolean;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly tags: readonly {
    readonly name: string;
    readonly digest: string;
    readonly pushed?: string | null;
    readonly immutable?: boolean;
  }[];
  readonly inUse?: readonly string[];
  readonly capabilities?: { readonly untag?: boolean };
}

interface Vector {
  readonly id: string;
  readonly title: string;
  readonly policy: PolicySource;
  readonly state: VectorState;
  readonly applyState?: VectorState;
  readonly expect: {
    readonly status: string;
    readonly executable: boolean;
    readonly blockedBy?: readonly string[];
    readonly keepTags: readonly string[];
    readonly deleteTags: readonly string[];
    readonly deleteManifests: readonly string[];
    readonly decidedBy: Readonly<Record<string, string>>;
    readonly order: readonly (readonly [string, string])[];
    readonly warnings?: readonly { readonly code: string; readonly digest: string }[];
    readonly execute?: { readonly tags: readonly string[]; readonly manifests: readonly string[] };
  };
}

const vectors = parseVectors(readFileSync(new URL("../vectors/cleanup.json", import.meta.url), "utf8"));
const now = parseTime(vectors.now) ?? 0;

function parseVectors(text: string): { readonly now: string; readonly cases: readonly Vector[] } {
  return JSON.parse(text) as { readonly now: string; readonly cases: readonly Vector[] };
}

function parseTime(text: string | null | undefined): number | undefined {
  return text === null || text === undefined ? undefined : Date.parse(text);
}

/** The digest that stands for a symbol of the vectors. */
function digestFor(symbol: string): Digest {
  return digestOf(new TextEncoder().encode(symbol));
}

/** A tag's name with the hex of the symbols in it. */
function nameFor(name: string): string {
  return name.replace(/\{(\w+)\}/, (_all, symbol: string) => digestFor(symbol).slice("sha256:".length));
}

/** The same list in an order that depends on `seed` alone. */
function shuffled<Entry>(list: readonly Entry[], seed: number): readonly Entry[] {
  const keyed = list.map((entry, index) => {
    const key = createDigester()
      .update(new TextEncoder().encode(`${seed}/${index}`))
      .digest();
    return { entry, key };
  });
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ entry }) => entry);
}

function inventoryOf(state: VectorState, seed: number): Inventory {
  return {
    repository: "team/app",
    complete: state.complete ?? true,
    manifests: shuffled(state.manifests, seed).map((manifest) => ({
      digest: digestFor(manifest.digest),
      kind: manifest.kind,
      children: manifest.children?.map(digestFor),
      subject: typeof manifest.subject === "string" ? digestFor(manifest.subject) : undefined,
      created: parseTime(manifest.created),
      pushed: parseTime(manifest.pushed),
      pulled: manifest.pulled === "never" ? "never" : parseTime(manifest.pulled),
      unreadable: manifest.unreadable,
      annotations: manifest.annotations,
    })),
    tags: shuffled(state.tags, seed + 1).map(({ name, digest, pushed, immutable }) => ({
      name: nameFor(name),
      digest: digestFor(digest),
      pushed: parseTime(pushed),
      immutable,
    })),
    inUse: (state.inUse ?? []).map(digestFor),
    capabilities: { untag: state.capabilities?.untag ?? true },
  };
}

function policyOf(source: PolicySource): ReturnType<typeof parsePolicy> {
  const { protect, ...rest } = source;
  if (protect === undefined) return parsePolicy(source);
  const digests = [protect.digests ?? []].flat().map(digestFor);
  return parsePolicy({ ...rest, protect: { ...protect, digests } });
}

/** A reason as the vectors write it. */
function reasonFor(reason: string): string {
  const symbol = reason.startsWith("linked:") ? reason.slice("linked:".length) : undefined;
  return symbol === undefined || symbol === "absent-subject" ? reason : `linked:${digestFor(symbol)}`;
}

function tagsOf(plan: CleanupPlan, action: "keep" | "delete"): readonly string[] {
  return plan.tags.filter((tag) => tag.action === action).map(({ name }) => name);
}

function deletedManifests(plan: CleanupPlan): readonly string[] {
  return plan.manifests.filter(({ action }) => action === "delete").map(({ digest }) => digest);
}

/** Where in the order something of the vectors is removed. */
function waveOf(plan: CleanupPlan, step: string): number | undefined {
  const name = step.startsWith("tag:") ? nameFor(step.slice("tag:".length)) : undefined;
  const digest = digestFor(step);
  return plan.operations.find(({ tag, digest: of }) =>
    name === undefined ? tag === undefined && of === digest : tag === name,
  )?.wave;
}

describe.each(vectors.cases)("$id $title", (vector) => {
  const wanted = vector.expect;
  const policy = policyOf(vector.policy);
  const planFor = (seed: number): CleanupPlan =>
    planCleanup(inventoryOf(vector.state, seed), policy, { now });
  const plan = planFor(0);

  it("keeps and deletes what it should, each for its reason", () => {
    expect(plan.status).toBe(wanted.status);
    expect(plan.blockedBy).toEqual(wanted.blockedBy ?? []);
    expect(tagsOf(plan, "keep")).toEqual(wanted.keepTags.map(nameFor).sort());
    expect(tagsOf(plan, "delete")).toEqual(wanted.deleteTags.map(nameFor).sort());
    expect(deletedManifests(plan)).toEqual(wanted.deleteManifests.map(digestFor).sort());
    const reasons = Object.entries(wanted.decidedBy).map(([name, reason]) => [
      nameFor(name),
      reasonFor(reason),
    ]);
    expect(Object.fromEntries(plan.tags.map((tag) => [tag.name, tag.decidedBy]))).toEqual(
      Object.fromEntries(reasons),
    );
    const warnings = (wanted.warnings ?? []).map(({ code, digest }) => ({ code, digest: digestFor(digest) }));
    expect(plan.warnings).toEqual(warnings);
  });

  it("removes in an order that breaks nothing", () => {
    const isKept = ([first, second]: readonly [string, string]): boolean =>
      (waveOf(plan, first) ?? Infinity) < (waveOf(plan, second) ?? -1);
    expect(wanted.order.filter((pair) => !isKept(pair))).toEqual([]);
  });

  it("is the same plan however the repository was listed", () => {
    expect([1, 2, 3, 4].map(planFor)).toEqual([plan, plan, plan, plan]);
  });
});

const applied = vectors.cases.flatMap(({ applyState, expect: { execute }, ...vector }) =>
  applyState === undefined || execute === undefined ? [] : [{ ...vector, applyState, execute }],
);

it("has cases for what changes between plan and apply", () => {
  expect(applied.length).toBeGreaterThan(6);
});

describe.each(applied)("at the moment of execution: $id $title", (vector) => {
  const plan = planCleanup(inventoryOf(vector.state, 0), policyOf(vector.policy), { now });

  it("does only what is still right", () => {
    const { operations, blockedBy } = remainingOf(plan, inventoryOf(vector.applyState, 1));
    expect(blockedBy).toBeUndefined();
    const tags = operations.flatMap(({ tag }) => tag ?? []);
    const manifests = operations.flatMap(({ tag, digest }) => (tag === undefined ? [digest] : []));
    expect(tags.sort()).toEqual(vector.execute.tags.map(nameFor).sort());
    expect(manifests.sort()).toEqual(vector.execute.manifests.map(digestFor).sort());
  });

  it("does nothing where the listing is cut short", () => {
    const cut = { ...inventoryOf(vector.applyState, 1), complete: false };
    expect(remainingOf(plan, cut)).toMatchObject({ operations: [], blockedBy: "incomplete-listing" });
  });
});
