import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  MemoryRegistry,
  OciError,
  trace,
  type Digest,
  type Repository,
  type StoredManifest,
} from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createMemoryCache,
  inventory,
  openManifestCache,
  parsePolicy,
  planCleanup,
  type Inventory,
  type InventoryOptions,
  type InventorySource,
} from "../index.ts";

const day = 86_400_000;
const now = Date.parse("2026-06-01T00:00:00Z");
const pruned = parsePolicy({ rules: [{ name: "prs", delete: { tags: "pr-*" } }], limits: { minKeep: 0 } });

const platforms = ["linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le", "linux/riscv64"];
const indexOf = (seed: number): Fixture =>
  createIndex({
    manifests: platforms.map((platform, at) => createImage({ platform, seed: seed * 10 + at, layers: 1 })),
  });
const digestOfFixture = ({ document }: Fixture): Digest => document.descriptor.digest;

let calls: Record<string, number>;
let repository: Repository;

beforeEach(() => {
  calls = {};
  const registry = trace(new MemoryRegistry({ now: () => now - 40 * day }), ({ call }) => {
    calls[call] = (calls[call] ?? 0) + 1;
  });
  repository = registry.repository("team/app");
});

/** The state as a registry tells it whose tags have a digest, with what it took to know it. */
async function take(options: InventoryOptions = {}, source: InventorySource = repository) {
  calls = {};
  const state = await inventory(source, options);
  const { getManifest = 0, getBlob = 0, listReferrers = 0, headManifest = 0 } = calls;
  return { state, asked: { getManifest, getBlob, listReferrers, headManifest } };
}

/** The same repository, of which only names of tags are listed. */
function withoutDigests(source: Repository): InventorySource {
  return {
    name: source.name,
    listTags: (options) => source.listTags(options),
    listReferrers: (subject, options) => source.listReferrers(subject, options),
    headManifest: (at, options) => source.headManifest(at, options),
    getManifest: (at, options) => source.getManifest(at, options),
    getBlob: (digest, options) => source.getBlob(digest, options),
  };
}

const recordOf = (state: Inventory, fixture: Fixture): Inventory["manifests"][number] | undefined =>
  state.manifests.find(({ digest }) => digest === digestOfFixture(fixture));

describe("the inventory of a repository", () => {
  it("has every tag, and all that indexes list at any depth", async () => {
    const inner = indexOf(1);
    const outer = createIndex({ manifests: [inner, createImage({ seed: 99 })] });
    await pushImage(repository, outer, { tags: ["v1", "latest"] });
    const { state } = await take();
    expect(state).toMatchObject({ repository: "team/app", complete: true });
    expect(state.tags.map(({ name, digest }) => [name, digest])).toEqual([
      ["latest", digestOfFixture(outer)],
      ["v1", digestOfFixture(outer)],
    ]);
    expect(recordOf(state, outer)).toMatchObject({ kind: "index" });
    expect(recordOf(state, inner)).toMatchObject({ kind: "index", platforms });
    expect(state.manifests).toHaveLength(1 + 1 + platforms.length + 1);
  });

  it("has the referrers of all manifests, and those of them", async () => {
    const image = createImage();
    const signature = createArtifact({ artifactType: "test/signature", subject: image.document.descriptor });
    const countersignature = createArtifact({
      artifactType: "test/signature",
      subject: signature.document.descriptor,
    });
    await pushImage(repository, image, { tags: ["v1"] });
    await pushImage(repository, signature);
    await pushImage(repository, countersignature);
    const { state } = await take();
    expect(recordOf(state, signature)).toMatchObject({ kind: "artifact", subject: digestOfFixture(image) });
    expect(recordOf(state, countersignature)).toMatchObject({ subject: digestOfFixture(signature) });
  });

  it("asks of a registry that lists digests for indexes and referrers only", async () => {
    for (const seed of [1, 2, 3]) await pushImage(repository, indexOf(seed), { tags: [`v${seed}`] });
    const { asked } = await take();
    expect(asked).toEqual({ getManifest: 3, getBlob: 0, listReferrers: 3 * 6, headManifest: 0 });
  });

  it("asks with one HEAD for each tag where only names are listed", async () => {
    for (const seed of [1, 2])
      await pushImage(repository, createImage({ seed }), { tags: [`v${seed}`, `w${seed}`] });
    const { state, asked } = await take({}, withoutDigests(repository));
    expect(asked).toMatchObject({ headManifest: 4, getManifest: 0 });
    expect(state.tags).toHaveLength(4);
  });

  it("examines for a policy only what may go", async () => {
    for (const seed of [1, 2, 3, 4]) {
      await pushImage(repository, indexOf(seed), { tags: [seed === 4 ? "pr-4" : `v${seed}`] });
    }
    const { asked } = await take({ policy: pruned, now });
    expect(asked).toEqual({ getManifest: 4 + 5, getBlob: 0, listReferrers: 6, headManifest: 0 });
  });

  it("asks for no more than referrers where nearly everything goes", async () => {
    for (const seed of [1, 2, 3, 4]) {
      await pushImage(repository, indexOf(seed), { tags: [seed === 4 ? "v4" : `pr-${seed}`] });
    }
    const { asked } = await take({ policy: pruned, now });
    expect(asked).toEqual({ getManifest: 4, getBlob: 0, listReferrers: 4 * 6, headManifest: 0 });
  });

  it("asks once where referrers are listed by tags only, and reads what may go", async () => {
    for (const seed of [1, 2]) await pushImage(repository, indexOf(seed), { tags: [`pr-${seed}`] });
    const { asked } = await take(
      { policy: pruned, now },
      { ...withoutDigests(repository), listsReferrers: false },
    );
    expect(asked).toMatchObject({ getManifest: 2 * 6, listReferrers: 1 });
  });

  it("finds that what a rule condemns is the signature of what stays", async () => {
    const kept = createImage({ seed: 1 });
    const signature = createArtifact({ artifactType: "test/signature", subject: kept.document.descriptor });
    await pushImage(repository, kept, { tags: ["v1"] });
    await pushImage(repository, signature, { tags: ["pr-signature"] });
    for (const seed of [2, 3, 4]) await pushImage(repository, createImage({ seed }), { tags: [`v${seed}`] });
    const { state } = await take({ policy: pruned, now });
    const plan = planCleanup(state, pruned, { now });
    expect(plan.manifests.filter(({ action }) => action === "delete")).toEqual([]);
    expect(plan.tags.find(({ name }) => name === "pr-signature")?.action).toBe("delete");
  });

  it("removes the referrers of what goes, and what is in them", async () => {
    const gone = createImage({ seed: 1 });
    const inside = createImage({ seed: 2 });
    const bundle = createIndex({ manifests: [inside], subject: gone.document.descriptor });
    await pushImage(repository, gone, { tags: ["pr-1"] });
    await pushImage(repository, bundle);
    await pushImage(repository, createImage({ seed: 3 }), { tags: ["v1"] });
    const { state } = await take({ policy: pruned, now });
    const deleted = planCleanup(state, pruned, { now }).manifests.filter(({ action }) => action === "delete");
    expect(new Set(deleted.map(({ digest }) => digest))).toEqual(
      new Set([gone, bundle, inside].map(digestOfFixture)),
    );
  });
});

describe("when images were made", () => {
  const byAge = parsePolicy({
    time: ["created"],
    rules: [{ name: "old", delete: { tags: "pr-*", olderThan: "30d" } }],
  });

  it("is not asked unless the policy needs it, and then once for each image that it is about", async () => {
    const image = createImage({ created: "2026-01-01T00:00:00Z" });
    await pushImage(repository, image, { tags: ["pr-1", "pr-2"] });
    await pushImage(repository, createImage({ seed: 1 }), { tags: ["v1"] });
    expect((await take({ policy: pruned, now })).asked.getBlob).toBe(0);
    const pushedFirst = parsePolicy({ rules: [{ name: "old", delete: { tags: "pr-*", olderThan: "30d" } }] });
    expect((await take({ policy: pushedFirst, now })).asked.getBlob).toBe(0);
    const { state, asked } = await take({ policy: byAge, now });
    expect(asked.getBlob).toBe(1);
    expect(recordOf(state, image)?.created).toBe(Date.parse("2026-01-01T00:00:00Z"));
  });

  it("is that of the newest in an index that does not say it", async () => {
    const index = createIndex({
      manifests: ["2026-01-01T00:00:00Z", "2026-05-31T00:00:00Z"].map((created, seed) =>
        createImage({ seed, created }),
      ),
    });
    await pushImage(repository, index, { tags: ["pr-1"] });
    const { state, asked } = await take({ policy: byAge, now });
    expect(asked).toMatchObject({ getManifest: 3, getBlob: 2 });
    expect(planCleanup(state, byAge, { now }).tags[0]).toMatchObject({
      action: "keep",
      time: Date.parse("2026-05-31T00:00:00Z"),
    });
  });

  it("is asked where the newest has to be spared", async () => {
    const all = parsePolicy({ time: ["created"], rules: [{ name: "all", delete: { tags: "*" } }] });
    const years = ["2025", "2026", "2024"];
    for (const [seed, year] of years.entries()) {
      await pushImage(repository, createImage({ seed, created: `${year}-01-01T00:00:00Z` }), {
        tags: [year],
      });
    }
    const { state } = await take({ policy: all, now });
    const kept = planCleanup(state, all, { now }).tags.filter(({ action }) => action === "keep");
    expect(kept.map(({ name }) => name)).toEqual(["2026"]);
  });
});

describe("a registry's own list", () => {
  it("brings untagged manifests and times, and nothing is asked for them but what they refer to", async () => {
    const [tagged, loose] = [createImage({ seed: 1 }), createImage({ seed: 2 })];
    for (const image of [tagged, loose]) await pushImage(repository, image);
    const stored: readonly StoredManifest[] = [tagged, loose].map(({ document: { descriptor } }, at) => ({
      digest: descriptor.digest,
      mediaType: descriptor.mediaType,
      tags: at === 0 ? [{ name: "v1", immutable: true }] : [],
      pushed: now - 9 * day,
      pulled: "never",
    }));
    async function* listStoredManifests() {
      yield* stored;
    }
    const policy = parsePolicy({ untagged: { olderThan: "7d" } });
    const { state, asked } = await take({ policy, now, listing: { listStoredManifests } });
    expect(state.tags).toMatchObject([{ name: "v1", immutable: true }]);
    expect(recordOf(state, loose)).toMatchObject({ pushed: now - 9 * day, pulled: "never" });
    expect(asked).toMatchObject({ getManifest: 1, listReferrers: 1 });
    const plan = planCleanup(state, policy, { now });
    expect(plan.operations).toEqual([{ wave: 0, digest: digestOfFixture(loose) }]);
  });
});

describe("a registry that fails", () => {
  const denied = new OciError("DENIED", "not for you", { status: 403 });

  beforeEach(async () => {
    for (const seed of [1, 2]) await pushImage(repository, indexOf(seed), { tags: [`pr-${seed}`] });
    await pushImage(repository, createImage({ seed: 77 }), { tags: ["v1"] });
  });

  it.each<readonly [string, () => Partial<InventorySource>]>([
    [
      "cuts its list of tags short",
      () => ({
        listTagPages: async function* () {
          yield { tags: ["pr-1", "pr-2"], skipped: 0 };
          throw new OciError("CONNECTION_FAILED", "cut");
        },
      }),
    ],
    ["refuses a manifest half way", () => ({ getManifest: () => Promise.reject(denied) })],
    [
      "refuses a list of referrers half way",
      () => ({
        // oxlint-disable-next-line require-yield -- it never comes to that
        async *listReferrers() {
          throw denied;
        },
      }),
    ],
  ])("and %s leaves the inventory incomplete, and the plan blocked", async (_name, changed) => {
    const source = withoutDigests(repository);
    const { state } = await take({ policy: pruned, now }, { ...source, ...changed() });
    expect(state.complete).toBe(false);
    expect(state.problems).toHaveLength(1);
    const plan = planCleanup(state, pruned, { now });
    expect(plan).toMatchObject({ status: "blocked", blockedBy: ["incomplete-listing"], operations: [] });
  });

  it("and sends a manifest that cannot be read blocks a plan that keeps it", async () => {
    const source = withoutDigests(repository);
    const broken = (await source.headManifest("pr-1"))?.digest;
    const getManifest: InventorySource["getManifest"] = (at, options) =>
      at === broken
        ? Promise.reject(new OciError("DIGEST_MISMATCH", "not what it says"))
        : source.getManifest(at, options);
    const policy = parsePolicy({ rules: [{ name: "second", delete: { tags: "pr-2" } }] });
    const { state } = await take({ policy, now }, { ...source, getManifest });
    expect(state.complete).toBe(true);
    const plan = planCleanup(state, policy, { now });
    expect(plan).toMatchObject({ blockedBy: ["unreadable-manifest"], operations: [] });
  });

  it("and refuses at once throws", async () => {
    const listTags = () => {
      throw denied;
    };
    await expect(take({}, { ...withoutDigests(repository), listTags })).rejects.toBe(denied);
  });

  it("lists a tag that leads nowhere, which is then none", async () => {
    const source = withoutDigests(repository);
    const headManifest: InventorySource["headManifest"] = (at, options) =>
      at === "pr-1" ? Promise.resolve(undefined) : source.headManifest(at, options);
    const { state } = await take({}, { ...source, headManifest });
    expect(state.complete).toBe(true);
    expect(state.tags.map(({ name }) => name)).toEqual(["pr-2", "v1"]);
  });

  it("is left with the reason of whoever aborts", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const source = withoutDigests(repository);
    const getManifest: InventorySource["getManifest"] = (at, options) => {
      controller.abort(reason);
      return source.getManifest(at, options);
    };
    await expect(take({ signal: controller.signal }, { ...source, getManifest })).rejects.toBe(reason);
  });
});

describe("a cache of manifests", () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "cleanup-"));
    file = join(directory, "deep", "cache.jsonl");
    for (const seed of [1, 2, 3]) await pushImage(repository, indexOf(seed), { tags: [`v${seed}`] });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("spares every manifest that an earlier run has read", async () => {
    const policy = parsePolicy({
      time: ["created"],
      rules: [{ name: "old", delete: { tags: "v*", olderThan: "1d" } }],
    });
    const first = await take({ policy, now, cache: await openManifestCache(file) });
    expect(first.asked).toMatchObject({ getManifest: 3 * 6, getBlob: 3 * 5 });
    await pushImage(repository, indexOf(4), { tags: ["v4"] });
    const second = await take({ policy, now, cache: await openManifestCache(file) });
    expect(second.asked).toMatchObject({ getManifest: 6, getBlob: 5 });
    const fresh = await take({ policy, now });
    expect(second.state).toEqual(fresh.state);
  });

  it("loses nothing but the last line when a run is killed while it writes", async () => {
    await take({ cache: await openManifestCache(file) });
    const { length } = await readFile(file);
    await truncate(file, length - 10);
    const second = await take({ cache: await openManifestCache(file) });
    expect(second.asked.getManifest).toBe(1);
    const third = await take({ cache: await openManifestCache(file) });
    expect(third.asked.getManifest).toBe(0);
  });

  it("passes over lines that are nothing of ours", async () => {
    const own = await openManifestCache(file);
    await take({ cache: own });
    await writeFile(file, `null\n[]\n{"digest":"x"}\n${await readFile(file, "utf8")}\u0000\n`);
    expect((await take({ cache: await openManifestCache(file) })).asked.getManifest).toBe(0);
  });

  it("forgets what is no longer there once that is the most of it", async () => {
    await take({ cache: await openManifestCache(file) });
    for (const seed of [1, 2]) await repository.deleteTag(`v${seed}`);
    await take({ cache: await openManifestCache(file) });
    expect((await readFile(file, "utf8")).trimEnd().split("\n")).toHaveLength(1);
  });

  it("that cannot be written is an error", async () => {
    await expect(openManifestCache(directory)).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  });

  it("can also be kept in memory", async () => {
    const cache = createMemoryCache();
    await take({ cache });
    expect((await take({ cache })).asked.getManifest).toBe(0);
  });
});
