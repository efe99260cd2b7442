import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  childrenOf,
  createMemoryJournal,
  MemoryRegistry,
  OciError,
  parseManifest,
  type ContentDeleter,
  type Digest,
  type OciErrorCode,
  type Repository,
} from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import {
  applyCleanup,
  inventory,
  openJournalFile,
  parsePolicy,
  planCleanup,
  type ApplyCleanupOptions,
  type CleanupEntry,
  type CleanupPlan,
} from "../index.ts";

const now = Date.parse("2026-06-01T00:00:00Z");
const policy = parsePolicy({ rules: [{ name: "prs", delete: { tags: "pr-*" } }], limits: { minKeep: 0 } });
const digestOfFixture = ({ document }: Fixture): Digest => document.descriptor.digest;
const tagFor = (fixture: Fixture, suffix: string): string =>
  `${digestOfFixture(fixture).replace(":", "-")}${suffix}`;
const signatureOf = (fixture: Fixture): Fixture =>
  createArtifact({ artifactType: "test/signature", subject: fixture.document.descriptor });

const shared = createImage({ seed: 1 });
const own = createImage({ seed: 2, platform: "linux/arm64" });
const condemned = createIndex({ manifests: [shared, own] });
const inner = createIndex({ manifests: [createImage({ seed: 3 })] });
const nested = createIndex({ manifests: [inner, createImage({ seed: 4 })] });
const kept = createIndex({ manifests: [shared, createImage({ seed: 5, platform: "linux/s390x" })] });
const newcomer = createImage({ seed: 6 });

let repository: Repository;

/** Indexes, one inside another, that share an image with one that stays; signatures in all three forms. */
async function fill(): Promise<Repository> {
  const filled = new MemoryRegistry().repository("team/app");
  await pushImage(filled, condemned, { tags: ["pr-1", "pr-2"] });
  await pushImage(filled, nested, { tags: ["pr-3"] });
  await pushImage(filled, kept, { tags: ["v1"] });
  for (const image of [condemned, own, kept, shared]) await pushImage(filled, signatureOf(image));
  for (const image of [nested, kept]) {
    const artifact = createArtifact({ artifactType: `test/${tagFor(image, "")}` });
    await pushImage(filled, artifact, { tags: [tagFor(image, ".sig")] });
  }
  const listed = createArtifact({ artifactType: "test/listed" });
  await pushImage(filled, createIndex({ manifests: [listed] }), { tags: [tagFor(own, "")] });
  return filled;
}

async function planFor(source: Repository): Promise<CleanupPlan> {
  return planCleanup(await inventory(source, { policy, now }), policy, { now });
}

/** The repository's own ways, and what happens before each deletion. */
function deleterWith(
  before: (at: string) => Promise<unknown> | undefined | void,
  target: Repository = repository,
): ContentDeleter {
  return {
    untagging: "always",
    async deleteTag(tag, options) {
      await before(tag);
      return target.deleteTag(tag, options);
    },
    async deleteManifest(digest, options) {
      await before(digest);
      return target.deleteManifest(digest, options);
    },
  };
}

/** What a tag leads to and is not there: nothing, if it is whole. */
async function missingFrom(source: Repository, tag: string): Promise<readonly Digest[]> {
  const open = [(await source.getManifest(tag)).descriptor.digest];
  const missing: Digest[] = [];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if ((await source.headManifest(digest)) === undefined) {
      missing.push(digest);
      continue;
    }
    const { bytes, descriptor } = await source.getManifest(digest);
    const { manifests } = childrenOf(parseManifest(bytes, descriptor.mediaType));
    open.push(...manifests.map((child) => child.digest));
  }
  return missing;
}

async function contentOf(source: Repository): Promise<readonly string[]> {
  const { tags, manifests } = await inventory(source);
  return [...tags.map(({ name }) => name), ...manifests.map(({ digest }) => digest)].sort();
}

async function apply(plan: CleanupPlan, options: ApplyCleanupOptions = {}) {
  const entries: CleanupEntry[] = [];
  const result = await applyCleanup(plan, repository, {
    concurrency: 1,
    onEntry: (entry) => entries.push(entry),
    ...options,
  });
  return { ...result, entries };
}

const whole = ["v1", tagFor(kept, ".sig")];

beforeEach(async () => {
  repository = await fill();
});

describe("applying a plan", () => {
  it("deletes what it says in its order, and nothing else", async () => {
    const plan = await planFor(repository);
    const before = await contentOf(repository);
    const { status, outcomes, entries } = await apply(plan);
    expect(status).toBe("done");
    expect(outcomes).toMatchObject({ done: plan.operations.length, failed: 0, refused: 0 });
    expect(entries.map(({ tag, digest }) => tag ?? digest)).toEqual(
      plan.operations.map(({ tag, digest }) => tag ?? digest),
    );
    const gone = new Set(plan.operations.map(({ tag, digest }) => tag ?? digest));
    expect(await contentOf(repository)).toEqual(before.filter((one) => !gone.has(one)));
    for (const tag of whole) expect(await missingFrom(repository, tag)).toEqual([]);
    expect((await planFor(repository)).operations).toEqual([]);
  });

  it("refuses a blocked plan, one of another repository and one that leaves nothing, unless it is told", async () => {
    const plan = await planFor(repository);
    const before = await contentOf(repository);
    const blocked = { ...plan, status: "blocked", blockedBy: ["max-delete-ratio"] } as const;
    expect(await apply(blocked)).toMatchObject({ status: "blocked", blockedBy: ["max-delete-ratio"] });
    const emptying = { ...plan, warnings: [{ code: "leaves-nothing" }] } as const;
    expect(await apply(emptying)).toMatchObject({ status: "blocked", blockedBy: ["leaves-nothing"] });
    await expect(apply({ ...plan, repository: "team/other" })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    expect(await contentOf(repository)).toEqual(before);
    expect(await apply(emptying, { allowEmpty: true })).toMatchObject({ status: "done" });
  });

  it("stops at what one run may do, and the next goes on", async () => {
    const plan = await planFor(repository);
    const journal = createMemoryJournal<CleanupEntry>();
    const first = await apply(plan, { journal, maxOperations: 3 });
    expect(first).toMatchObject({ status: "partly", outcomes: { done: 3 } });
    const second = await apply(plan, { journal });
    expect(second).toMatchObject({ status: "done", outcomes: { done: plan.operations.length - 3 } });
  });

  it("removes by digest what cannot be untagged, and leaves tags of what stays", async () => {
    await repository.putManifest(kept.document, { tags: ["pr-4"] });
    const plan = await planFor(repository);
    const deleter: ContentDeleter = { ...deleterWith(() => undefined), untagging: "never" };
    const { status, outcomes } = await apply(plan, { deleter });
    const tags = plan.operations.filter(({ tag }) => tag !== undefined).length;
    expect({ status, outcomes }).toMatchObject({
      status: "partly",
      outcomes: { refused: tags, done: plan.operations.length - tags },
    });
    const left = (await inventory(repository)).tags.map(({ name }) => name);
    expect(left.toSorted()).toEqual(["pr-4", ...whole].toSorted());
  });
});

describe("killed while it applies a plan", () => {
  it("has broken nothing, whatever it was at, and the next run finishes", async () => {
    const plan = await planFor(repository);
    await apply(plan);
    const finished = await contentOf(repository);
    for (let at = 1; at <= plan.operations.length; at++) {
      for (const when of ["before", "after"] as const) {
        repository = await fill();
        const journal = createMemoryJournal<CleanupEntry>();
        let left = at;
        const die = async (): Promise<void> => {
          if (--left < 0) throw new Error("killed");
        };
        const deleter = deleterWith(die);
        // What was deleted is not always written down.
        const append: typeof journal.append = async (entry) => {
          if (when === "after" && left === 0) throw new Error("killed");
          await journal.append(entry);
        };
        const killed = apply(plan, { journal: { ...journal, append }, deleter });
        const isDone = when === "before" && at === plan.operations.length;
        const ending = await killed.then(({ status }) => status, String);
        expect(ending).toBe(isDone ? "done" : "Error: killed");
        for (const tag of whole) expect(await missingFrom(repository, tag)).toEqual([]);
        expect(await apply(plan, { journal })).toMatchObject({ status: "done" });
        expect(await contentOf(repository)).toEqual(finished);
      }
    }
  });
});

describe("since the plan was made", () => {
  it("a tag that moved survives, and what it points to", async () => {
    const plan = await planFor(repository);
    await repository.putManifest(nested.document, { tags: ["pr-1"] });
    const { outcomes } = await apply(plan);
    expect(outcomes).toMatchObject({ moved: 1 });
    expect(await missingFrom(repository, "pr-1")).toEqual([]);
    expect(await repository.headManifest("pr-3")).toBeUndefined();
  });

  it("a tag that moves after the last look survives too", async () => {
    const plan = await planFor(repository);
    const deleter = deleterWith((at) =>
      at === "pr-2" ? repository.putManifest(nested.document, { tags: ["pr-2"] }) : undefined,
    );
    expect(await apply(plan, { deleter })).toMatchObject({ status: "done", outcomes: { moved: 1 } });
    expect(await missingFrom(repository, "pr-2")).toEqual([]);
  });

  it("an image that was tagged again stays with its signatures", async () => {
    const plan = await planFor(repository);
    await repository.putManifest(condemned.document, { tags: ["release"] });
    expect(await apply(plan)).toMatchObject({ status: "done" });
    expect(await missingFrom(repository, "release")).toEqual([]);
    for (const image of [condemned, own]) {
      expect(await repository.headManifest(digestOfFixture(signatureOf(image)))).toBeDefined();
    }
    expect(await missingFrom(repository, tagFor(own, ""))).toEqual([]);
  });

  it("an index was pushed that needs a condemned image, which is found out in time", async () => {
    const plan = await planFor(repository);
    const late = createIndex({ manifests: [own, newcomer] });
    let clock = now;
    let pushed = false;
    const deleter = deleterWith(async () => {
      clock += 30_000;
      if (!pushed) await pushImage(repository, late, { tags: ["v2"] });
      pushed = true;
    });
    await apply(plan, { deleter, now: () => clock });
    expect(await missingFrom(repository, "v2")).toEqual([]);
  });

  it("a tag was set while it is applied, which the next look finds", async () => {
    const plan = await planFor(repository);
    let clock = now;
    const deleter = deleterWith(async (at) => {
      clock += 2000;
      if (at === "pr-3") await repository.putManifest(nested.document, { tags: ["v3"] });
    });
    await apply(plan, { deleter, now: () => clock });
    expect(await missingFrom(repository, "v3")).toEqual([]);
  });

  it("is looked at again and again, without reading an index twice", async () => {
    const plan = await planFor(repository);
    const reads: string[] = [];
    let clock = now;
    const deleter = deleterWith(async () => void (clock += 2000));
    const getManifest: Repository["getManifest"] = (at, options) => {
      reads.push(at);
      return repository.getManifest(at, options);
    };
    const listTags = { listTags: repository.listTags.bind(repository), name: repository.name };
    const target = {
      ...listTags,
      getManifest,
      inventory: repository.inventory,
      headManifest: repository.headManifest.bind(repository),
      getBlob: repository.getBlob.bind(repository),
      listReferrers: repository.listReferrers.bind(repository),
      deleteTag: repository.deleteTag.bind(repository),
      deleteManifest: repository.deleteManifest.bind(repository),
    };
    const result = await applyCleanup(plan, target, {
      deleter,
      concurrency: 1,
      now: () => clock,
      freshFor: 0,
    });
    expect(result.status).toBe("done");
    expect(reads).toEqual([...new Set(reads)]);
  });

  it.each(["before", "while"] as const)("what was signed %s it was applied stays", async (when) => {
    const plan = await planFor(repository);
    const late = createArtifact({ artifactType: "test/sbom", subject: condemned.document.descriptor });
    if (when === "before") await pushImage(repository, late);
    const deleter = deleterWith((at) => (at === "pr-1" ? pushImage(repository, late) : undefined));
    const { outcomes } = await apply(plan, when === "while" ? { deleter } : {});
    expect(outcomes.protected).toBeGreaterThan(0);
    for (const image of [condemned, own, late]) {
      expect(await repository.headManifest(digestOfFixture(image))).toBeDefined();
    }
  });

  it("what was deleted and came back is left alone", async () => {
    const plan = await planFor(repository);
    const journal = createMemoryJournal<CleanupEntry>();
    await apply(plan, { journal });
    await pushImage(repository, condemned, { tags: ["pr-1"] });
    await apply(plan, { journal });
    expect(await missingFrom(repository, "pr-1")).toEqual([]);
  });

  it("the registry has stopped to list: blocked, and nothing is deleted", async () => {
    const plan = await planFor(repository);
    const before = await contentOf(repository);
    const listing = {
      async *listStoredManifests() {
        yield { digest: digestOfFixture(condemned), tags: [{ name: "pr-1" }] };
        throw new OciError("DENIED", "no more", { status: 403 });
      },
    };
    expect(await apply(plan, { listing })).toMatchObject({
      status: "blocked",
      blockedBy: ["incomplete-listing"],
      outcomes: { done: 0 },
    });
    expect(await contentOf(repository)).toEqual(before);
  });
});

describe("what a registry refuses", () => {
  it("keeps what it needs: the manifests of an index that cannot be deleted", async () => {
    const plan = await planFor(repository);
    const deleter: ContentDeleter = {
      ...deleterWith(() => undefined),
      deleteManifest: async (digest) =>
        digest === digestOfFixture(condemned)
          ? { refused: "popular", message: "pulled too often" }
          : repository.deleteManifest(digest),
    };
    const { status, entries } = await apply(plan, { deleter });
    expect(status).toBe("partly");
    expect(entries.find(({ outcome }) => outcome === "refused")).toMatchObject({
      digest: digestOfFixture(condemned),
      reason: "popular",
      message: "pulled too often",
    });
    for (const image of [own, signatureOf(condemned), signatureOf(own)]) {
      expect(await repository.headManifest(digestOfFixture(image))).toBeDefined();
    }
    expect(await repository.headManifest(digestOfFixture(nested))).toBeUndefined();
  });

  it.each<readonly [OciErrorCode, Partial<CleanupEntry>]>([
    ["DENIED", { outcome: "refused", reason: "denied" }],
    ["UNSUPPORTED", { outcome: "refused", reason: "unsupported" }],
    ["UNAVAILABLE", { outcome: "failed", reason: "UNAVAILABLE" }],
    ["MANIFEST_UNKNOWN", { outcome: "gone" }],
  ])("as %s is an outcome, and the rest goes on", async (code, expected) => {
    const plan = await planFor(repository);
    const deleter = deleterWith((at) =>
      at === digestOfFixture(nested) ? Promise.reject(new OciError(code, "no")) : undefined,
    );
    const { entries } = await apply(plan, { deleter });
    expect(
      entries.find(({ tag, digest }) => tag === undefined && digest === digestOfFixture(nested)),
    ).toMatchObject(expected);
    expect(await repository.headManifest(digestOfFixture(condemned))).toBeUndefined();
    const hasInner = (await repository.headManifest(digestOfFixture(inner))) !== undefined;
    expect(hasInner).toBe(expected.outcome !== "gone");
  });

  it("as UNAUTHORIZED ends the run", async () => {
    const plan = await planFor(repository);
    const deleter = deleterWith(() => Promise.reject(new OciError("UNAUTHORIZED", "who?")));
    await expect(apply(plan, { deleter })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  it("over and over ends the run", async () => {
    for (let seed = 100; seed < 140; seed++) {
      await pushImage(repository, createImage({ seed }), { tags: [`pr-${seed}`] });
    }
    const plan = await planFor(repository);
    const deleter = deleterWith(() => Promise.reject(new OciError("UNAVAILABLE", "down")));
    const { status, outcomes } = await apply(plan, { deleter });
    expect(status).toBe("partly");
    expect(outcomes.failed).toBeLessThan(plan.operations.length);
  });
});

describe("a registry whose last tag takes the manifest along", () => {
  it("keeps a tag of what stays, also if the others went only since the plan", async () => {
    const image = createImage({ seed: 20 });
    const index = createIndex({ manifests: [image] });
    await pushImage(repository, index, { tags: ["v2"] });
    await repository.putManifest(image.document, { tags: ["pr-7", "other"] });
    const state = await inventory(repository, { policy, now, untagging: "unless-last" });
    const plan = planCleanup(state, policy, { now });
    expect(plan.tags.find(({ name }) => name === "pr-7")?.action).toBe("delete");
    await repository.deleteTag("other");
    const deleter: ContentDeleter = { ...deleterWith(() => undefined), untagging: "unless-last" };
    await apply(plan, { deleter });
    expect(await repository.headManifest("pr-7")).toBeDefined();
    const alone = await inventory(repository, { policy, now, untagging: "unless-last" });
    expect(planCleanup(alone, policy, { now }).tags.find(({ name }) => name === "pr-7")).toMatchObject({
      action: "keep",
      decidedBy: "capability:untag",
    });
  });
});

describe("a journal in a file", () => {
  it("keeps every entry in order, and passes over what a kill has cut off", async () => {
    const directory = await mkdtemp(join(tmpdir(), "cleanup-"));
    try {
      const file = join(directory, "journal.jsonl");
      const plan = await planFor(repository);
      const journal = await openJournalFile(file);
      const { entries } = await apply(plan, { journal, concurrency: 4 });
      await journal.close();
      await truncate(file, (await readFile(file)).length - 5);
      const again = await openJournalFile(file);
      const [last] = entries;
      if (last !== undefined) await again.append(last);
      const read: CleanupEntry[] = [];
      for await (const entry of again.read()) read.push(entry);
      await again.close();
      expect(read).toEqual([...entries.slice(0, -1), last]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("that cannot be opened is an error", async () => {
    await expect(openJournalFile(tmpdir())).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  });
});
