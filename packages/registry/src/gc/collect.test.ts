import type { StorageDriver } from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage, type FixtureImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { brokenBelow } from "../../fixture/broken.ts";
import { changesOf, dyingAt } from "../../fixture/crash.ts";
import { hour, openTimedStorage, type TimedStorage } from "../../fixture/storage.ts";
import { createRegistry } from "../registry.ts";
import { collectGarbage } from "./collect.ts";
import type { GarbagePlan, GarbageReport } from "./garbage.ts";
import { planGarbage, type PlanGarbageOptions } from "./plan.ts";

const image = createImage({ layers: 2 });
const other = createImage({ layers: 2, seed: 1 });
const digestsOf = (pushed: FixtureImage) => pushed.blobs.map(({ descriptor }) => descriptor.digest).sort();

async function collect(
  { driver, clock }: TimedStorage,
  options: PlanGarbageOptions = { grace: hour },
): Promise<GarbageReport> {
  return collectGarbage(driver, await planGarbage(driver, options), { now: () => clock.now });
}

/** Pushes an image and deletes its manifest, so that nobody needs its blobs. */
async function leave(storage: TimedStorage, left: FixtureImage, name?: string): Promise<void> {
  await pushImage(storage.repository(name), left, { tags: ["left"] });
  await storage.repository(name).deleteManifest(left.document.descriptor.digest);
}

describe("blobs that no manifest needs", () => {
  test("leave their repository after the time of grace, and their bytes go as long after that", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    storage.clock.now += hour - 1;
    expect(await collect(storage)).toMatchObject({ links: 0, condemned: 0, blobs: 0 });
    storage.clock.now += 1;
    expect(await collect(storage)).toMatchObject({ links: 3, condemned: 3, blobs: 0, freed: 0 });
    expect(await storage.repository().headBlob(image.config.descriptor.digest)).toBeUndefined();
    expect(await storage.stored()).toEqual(digestsOf(image));
    storage.clock.now += hour - 1;
    expect(await collect(storage)).toMatchObject({ condemned: 3, blobs: 0 });
    storage.clock.now += 1;
    const freed = image.blobs.reduce((total, { descriptor }) => total + descriptor.size, 0);
    expect(await collect(storage)).toMatchObject({ condemned: 0, blobs: 3, freed });
    expect(await storage.stored()).toEqual([]);
  });

  test("leave nothing behind, not even their repository in the catalog", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    for (let run = 0; run < 2; run++) {
      storage.clock.now += hour;
      await collect(storage);
    }
    expect(await storage.keys("repos/a/b/_blobs/")).toEqual([]);
    for (const prefix of ["holders/", "gc/condemned/", "catalog/"])
      expect(await storage.keys(prefix)).toEqual([]);
  });

  test("stay where another repository needs them, and leave the one that does not", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository("needs"), image, { tags: ["v1"] });
    await leave(storage, image, "left");
    for (let run = 0; run < 3; run++) {
      storage.clock.now += hour;
      await collect(storage);
    }
    expect(await storage.repository("left").headBlob(image.config.descriptor.digest)).toBeUndefined();
    expect(await brokenBelow(storage.repository("needs"), "v1")).toEqual([]);
  });

  test("stay as long as they are asked to be there by those who push", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    for (let run = 0; run < 3; run++) {
      storage.clock.now += hour - 1;
      for (const { descriptor } of image.blobs) await storage.repository().mountBlob(descriptor.digest);
      expect(await collect(storage)).toMatchObject({ links: 0 });
    }
  });

  test("stay while a manifest may still arrive that needs them", async () => {
    const storage = openTimedStorage();
    for (const { descriptor, open } of image.blobs) await storage.repository().putBlob(descriptor, open);
    storage.clock.now += 2 * hour;
    const plans = await plansDuring(storage, image, { grace: hour });
    expect(plans.map(({ links }) => links.length)).toEqual([0]);
  });
});

/** What is planned when all that leads to a manifest is there, and the manifest is not yet. */
async function plansDuring(
  storage: TimedStorage,
  { document }: Pick<FixtureImage, "document">,
  options: PlanGarbageOptions,
): Promise<readonly GarbagePlan[]> {
  const plans: GarbagePlan[] = [];
  const { documents } = storage.driver;
  const slow = {
    ...storage.driver,
    documents: {
      ...documents,
      async put(...call: Parameters<typeof documents.put>) {
        if (call[0].includes("/_manifests/")) plans.push(await planGarbage(storage.driver, options));
        return documents.put(...call);
      },
    },
  };
  await createRegistry(slow, { now: () => storage.clock.now })
    .repository("a/b")
    .putManifest(document);
  return plans;
}

describe("bytes", () => {
  test("that no repository has ever had go too, as a crash leaves them", async () => {
    const storage = openTimedStorage();
    const [blob] = image.blobs;
    if (blob === undefined) throw new Error("an image has blobs");
    const token = await storage.driver.blobs.begin({ id: "00000000-0000-4000-8000-000000000000" });
    const appended = await storage.driver.blobs.append(token, await blob.open(0), { at: 0 });
    await storage.driver.blobs.commit(appended.token, blob.descriptor.digest, { verify: true });
    for (let run = 0; run < 2; run++) {
      storage.clock.now += hour;
      await collect(storage);
    }
    expect(await storage.stored()).toEqual([]);
  });

  test("that are pushed again after they were condemned are condemned no more", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    storage.clock.now += hour;
    expect(await collect(storage)).toMatchObject({ condemned: 3 });
    await pushImage(storage.repository("again"), image, { tags: ["v1"] });
    storage.clock.now += 2 * hour;
    expect(await collect(storage)).toMatchObject({ blobs: 0, condemned: 0 });
    expect(await storage.keys("gc/condemned/")).toEqual([]);
    expect(await brokenBelow(storage.repository("again"), "v1")).toEqual([]);
  });

  test("go at once without a time of grace", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    expect(await collect(storage, { grace: 0 })).toMatchObject({ links: 3, blobs: 3 });
    expect(await storage.stored()).toEqual([]);
  });
});

describe("manifests that no tag leads to", () => {
  const index = createIndex({ manifests: [image, other] });
  const signature = createArtifact({
    artifactType: "application/vnd.test",
    subject: image.document.descriptor,
  });
  const old = { grace: hour, untagged: 24 * hour };

  test("stay, unless they are asked to go", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), image);
    storage.clock.now += 1000 * hour;
    expect(await collect(storage)).toMatchObject({ manifests: 0, links: 0 });
    expect(await collect(storage, old)).toMatchObject({ manifests: 1, links: 3 });
  });

  test("go when they are old enough, and with them what only they needed", async () => {
    const storage = openTimedStorage();
    const { digest } = image.document.descriptor;
    await pushImage(storage.repository(), image);
    await pushImage(storage.repository(), other, { tags: ["v1"] });
    storage.clock.now += 24 * hour - 1;
    expect(await collect(storage, old)).toMatchObject({ manifests: 0 });
    storage.clock.now += 1;
    expect(await collect(storage, old)).toMatchObject({ manifests: 1 });
    expect(await storage.repository().headManifest(digest)).toBeUndefined();
    expect(await storage.keys(`repos/a/b/_uses/${digest.replace(":", "-")}/`)).toEqual([]);
    expect(await brokenBelow(storage.repository(), "v1")).toEqual([]);
  });

  test("stay while an index that has a tag needs them, and go with it", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), index, { tags: ["v1"] });
    storage.clock.now += 24 * hour;
    expect(await collect(storage, old)).toMatchObject({ manifests: 0 });
    await storage.repository().deleteTag("v1");
    const order: string[] = [];
    const plan = await planGarbage(storage.driver, old);
    await collectGarbage(storage.driver, plan, {
      now: () => storage.clock.now,
      onRemoved: ({ kind, digest }) => kind === "manifest" && order.push(digest),
    });
    expect(order).toHaveLength(3);
    expect(order[0]).toBe(index.document.descriptor.digest);
  });

  test("stay while what they refer to does, and go with it", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), image, { tags: ["v1"] });
    await pushImage(storage.repository(), signature);
    storage.clock.now += 24 * hour;
    expect(await collect(storage, old)).toMatchObject({ manifests: 0 });
    await storage.repository().deleteTag("v1");
    expect(await collect(storage, old)).toMatchObject({ manifests: 2 });
    const { digest } = image.document.descriptor;
    expect(await Array.fromAsync(storage.repository().listReferrers(digest))).toEqual([]);
  });

  test("stay while an index may still arrive that needs them", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), image);
    await pushImage(storage.repository(), other);
    storage.clock.now += 24 * hour;
    const plans = await plansDuring(storage, index, old);
    expect(plans.map(({ manifests }) => manifests.length)).toEqual([0]);
  });

  test("stay with what they need when they are given a tag after they were planned to go", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), index);
    storage.clock.now += 24 * hour;
    const plan = await planGarbage(storage.driver, old);
    expect(plan.manifests).toHaveLength(3);
    await storage.repository().putManifest(index.document, { tags: ["v1"] });
    const report = await collectGarbage(storage.driver, plan, { now: () => storage.clock.now });
    expect(report).toMatchObject({
      manifests: 0,
      links: 0,
      spared: 3 + plan.links.length + plan.blobs.length,
    });
    expect(await brokenBelow(storage.repository(), "v1")).toEqual([]);
  });
});

describe("a plan", () => {
  test("is all that it says, changes nothing, and survives as JSON", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    storage.clock.now += hour;
    const before = await storage.keys("repos/");
    const plan = await planGarbage(storage.driver, { grace: hour });
    expect(plan.links.map(({ digest }) => digest).sort()).toEqual(digestsOf(image));
    expect(plan.blobs.map(({ digest }) => digest)).toEqual(digestsOf(image));
    expect(plan.blobs.every(({ isDue }) => !isDue)).toBe(true);
    expect(await storage.keys("repos/")).toEqual(before);
    const { untagged: _, ...rest } = plan;
    expect(JSON.parse(JSON.stringify(plan))).toEqual(rest);
  });

  test("that is old spares whatever has been touched since", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    storage.clock.now += hour;
    const plan = await planGarbage(storage.driver, { grace: hour });
    await pushImage(storage.repository(), image, { tags: ["v1"] });
    const report = await collectGarbage(storage.driver, plan, { now: () => storage.clock.now });
    expect(report).toMatchObject({ links: 0, condemned: 0, spared: 6 });
    expect(await brokenBelow(storage.repository(), "v1")).toEqual([]);
  });

  test("spares a link that somebody has touched, though no manifest has come yet", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    storage.clock.now += hour;
    const plan = await planGarbage(storage.driver, { grace: hour });
    for (const { descriptor, open } of image.blobs) {
      await storage.repository().putBlob(descriptor, open, { force: true });
    }
    const report = await collectGarbage(storage.driver, plan, { now: () => storage.clock.now });
    expect(report).toMatchObject({ links: 0, spared: 6 });
  });

  test("spares a link that somebody puts down at the last moment", async () => {
    const storage = openTimedStorage();
    const [blob] = image.blobs;
    if (blob === undefined) throw new Error("an image has blobs");
    await leave(storage, image);
    storage.clock.now += hour;
    const plan = await planGarbage(storage.driver, { grace: hour });
    const { documents } = storage.driver;
    const late = {
      ...storage.driver,
      documents: {
        ...documents,
        async delete(...call: Parameters<typeof documents.delete>) {
          if (call[0].includes("/_blobs/")) {
            await storage.repository().putBlob(blob.descriptor, blob.open, { force: true });
          }
          return documents.delete(...call);
        },
      },
    };
    const report = await collectGarbage(late, plan, { now: () => storage.clock.now });
    expect(report).toMatchObject({ links: 2 });
    expect(await storage.repository().headBlob(blob.descriptor.digest)).toBeDefined();
  });

  test("puts a link back that a store has removed though somebody needs it by now", async () => {
    const storage = openTimedStorage();
    await leave(storage, image);
    storage.clock.now += hour;
    const plan = await planGarbage(storage.driver, { grace: hour });
    const { documents } = storage.driver;
    const careless = {
      ...storage.driver,
      documents: {
        ...documents,
        // Looks at the condition, and removes the document a moment later.
        async delete(...[key]: Parameters<typeof documents.delete>) {
          if (key.includes("/_blobs/"))
            await storage.repository().putManifest(image.document, { tags: ["v1"] });
          return documents.delete(key);
        },
      },
    };
    const report = await collectGarbage(careless, plan, { now: () => storage.clock.now });
    expect(report).toMatchObject({ links: 0 });
    expect(await brokenBelow(storage.repository(), "v1")).toEqual([]);
  });

  test("spares what a manifest needs that has come since, though no tag leads to it", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), image);
    const plan = await planGarbage(storage.driver, { grace: 0, untagged: 0 });
    const index = createIndex({ manifests: [image] });
    await storage.repository().putManifest(index.document);
    await collectGarbage(storage.driver, plan, { now: () => storage.clock.now });
    expect(await brokenBelow(storage.repository(), index.document.descriptor.digest)).toEqual([]);
  });

  test("is not made where a manifest cannot be read, since nobody knows what it needs", async () => {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), image, { tags: ["v1"] });
    const [key = ""] = await storage.keys("repos/a/b/_manifests/");
    await storage.driver.documents.put(key, new TextEncoder().encode("no manifest"));
    await expect(planGarbage(storage.driver)).rejects.toMatchObject({ code: "STORAGE_INVALID" });
  });

  test.each([{ grace: -1 }, { grace: Number.NaN }, { untagged: -1 }])("of %j is refused", async (options) => {
    const { driver } = openTimedStorage();
    await expect(planGarbage(driver, options)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("finds the content of a repository that a crash has kept out of the catalog", async () => {
    const storage = openTimedStorage();
    await leave(storage, image, "a");
    await leave(storage, image, "a/b");
    await leave(storage, image, "a-b/c");
    for (const name of ["a", "a/b", "a-b/c"]) await storage.driver.documents.delete(`catalog/${name}`);
    storage.clock.now += hour;
    const plan = await planGarbage(storage.driver, { grace: hour });
    expect([...new Set(plan.links.map(({ repository }) => repository))].sort()).toEqual([
      "a",
      "a-b/c",
      "a/b",
    ]);
  });
});

describe("a collection that is killed", () => {
  const later = createImage({ seed: 2 });
  const options = { grace: 0, untagged: 0 };
  const sweep = async (driver: StorageDriver): Promise<void> => {
    await collectGarbage(driver, await planGarbage(driver, options));
  };

  /** A storage in which there is one of everything to remove, and something to keep. */
  async function prepared(): Promise<TimedStorage> {
    const storage = openTimedStorage();
    await pushImage(storage.repository(), image, { tags: ["keep"] });
    await pushImage(storage.repository(), createIndex({ manifests: [other] }));
    await leave(storage, createImage({ seed: 3 }), "elsewhere");
    return storage;
  }

  test("at any change has broken nothing, and the next one ends its work", async () => {
    const changes = await changesOf((await prepared()).driver, sweep);
    expect(changes).toBeGreaterThan(30);
    for (let fatal = 0; fatal < changes; fatal++) {
      const storage = await prepared();
      await expect(sweep(dyingAt(storage.driver, fatal))).rejects.toThrow("killed");
      expect(await brokenBelow(storage.repository(), "keep")).toEqual([]);
      await pushImage(storage.repository(), later, { tags: ["more"] });
      // What a manifest leaves that was removed half way counts for an hour as that of one which arrives.
      storage.clock.now += hour + 1;
      await sweep(storage.driver);
      for (const tag of ["keep", "more"]) {
        expect(await brokenBelow(storage.repository(), tag)).toEqual([]);
      }
      expect(await storage.stored()).toEqual([...new Set([...digestsOf(image), ...digestsOf(later)])].sort());
    }
  });
});
