import type { Repository, StorageDriver } from "@drayage/oci";
import { createImage, createIndex, pushImage, type FixtureImage } from "@drayage/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brokenBelow } from "../../fixture/broken.ts";
import { takeTurns, type Actor } from "../../fixture/turns.ts";
import { createMemoryDriver } from "../drivers/memory.ts";
import { createRegistry } from "../registry.ts";
import { collectGarbage } from "./collect.ts";
import { planGarbage, type PlanGarbageOptions } from "./plan.ts";

/*
 * S26: what a push was told is here stays. Nobody is given any time of grace, so that all that a push has not used
 * yet is garbage at every moment; and every call of the storage waits for its turn, in any order.
 */

const image = createImage({ layers: 1 });
const index = createIndex({ manifests: [image] });
const outer = createIndex({ manifests: [index] });
const none = { grace: 0 };
/** `npm run soak` tries more. */
const numRuns = Number(process.env["DRAYAGE_RACES"] ?? 250);

const repositoryOf = (driver: StorageDriver, name = "a/b"): Repository =>
  createRegistry(driver).repository(name);

/** Pushes until it succeeds or nothing helps, as clients do. Resolves to whether it has been acknowledged. */
async function push(repository: Repository, pushed: FixtureImage, tag: string): Promise<boolean> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const isDone = await pushImage(repository, pushed, { tags: [tag] }).then(
      () => true,
      () => false,
    );
    if (isDone) return true;
  }
  return false;
}

/** Relies on what is there, and sends no byte. */
async function reuse(repository: Repository, pushed: FixtureImage, tag: string): Promise<boolean> {
  for (const { descriptor } of pushed.blobs) {
    if ((await repository.mountBlob(descriptor.digest).catch(() => undefined)) === undefined) return false;
  }
  return repository.putManifest(pushed.document, { tags: [tag] }).then(
    () => true,
    () => false,
  );
}

async function collect(driver: StorageDriver, options: PlanGarbageOptions = none): Promise<void> {
  await collectGarbage(driver, await planGarbage(driver, options));
}

interface Race {
  readonly prepare: (driver: StorageDriver) => Promise<unknown>;
  /** Where it has put what it says is acknowledged, as `repository:tag`. */
  readonly pushing: Actor<string | undefined>;
  /** Who works on the same storage too. */
  readonly others?: readonly Actor<undefined>[];
  readonly options?: PlanGarbageOptions;
  /** What has been acknowledged may be gone again, all of it. */
  readonly mayBeDeleted?: boolean;
}

const pushing: Actor<string | undefined> = async (driver) =>
  (await push(repositoryOf(driver), image, "v1")) ? "a/b:v1" : undefined;
const reusing: Actor<string | undefined> = async (driver) =>
  (await reuse(repositoryOf(driver), image, "v1")) ? "a/b:v1" : undefined;
const putting =
  ({ document }: Pick<FixtureImage, "document">): Actor<string | undefined> =>
  (driver) =>
    repositoryOf(driver)
      .putManifest(document, { tags: ["v1"] })
      .then(
        () => "a/b:v1",
        () => undefined,
      );
const putBlobs = async (driver: StorageDriver, name?: string): Promise<void> => {
  for (const { descriptor, open } of image.blobs) await repositoryOf(driver, name).putBlob(descriptor, open);
};
const putUntagged = async (driver: StorageDriver): Promise<void> => {
  await putBlobs(driver);
  await repositoryOf(driver).putManifest(image.document);
};

const deleting: Actor<undefined> = async (driver) => {
  await repositoryOf(driver).deleteManifest(image.document.descriptor.digest);
  return undefined;
};
const collecting =
  (options: PlanGarbageOptions): Actor<undefined> =>
  async (driver) => {
    await collect(driver, options);
    return undefined;
  };

const races: Readonly<Record<string, Race>> = {
  "a push of new content": { prepare: async () => undefined, pushing },
  "a push of content that is garbage here": { prepare: putBlobs, pushing },
  "a push that relies on blobs which are garbage": { prepare: putBlobs, pushing: reusing },
  "a push that mounts what is garbage elsewhere": {
    prepare: (driver) => putBlobs(driver, "other"),
    pushing: reusing,
  },
  "a push of bytes that no repository has any more": {
    async prepare(driver) {
      await putBlobs(driver);
      for (const { descriptor } of image.blobs) await repositoryOf(driver).deleteBlob(descriptor.digest);
    },
    pushing,
  },
  "a tag for a manifest that has none": {
    prepare: putUntagged,
    pushing,
    options: { grace: 0, untagged: 0 },
  },
  "an index of a manifest that no tag leads to": {
    prepare: putUntagged,
    pushing: putting(index),
    options: { grace: 0, untagged: 0 },
  },
  "an index of an index that no tag leads to": {
    async prepare(driver) {
      await putUntagged(driver);
      await repositoryOf(driver).putManifest(index.document);
    },
    pushing: putting(outer),
    options: { grace: 0, untagged: 0 },
  },
  "a push while somebody deletes the same manifest": {
    prepare: (driver) => push(repositoryOf(driver), image, "old"),
    pushing,
    others: [deleting],
    mayBeDeleted: true,
  },
  "a push while two collect": { prepare: putBlobs, pushing, others: [collecting(none)] },
  "a push while somebody pushes the same elsewhere": {
    prepare: putBlobs,
    pushing: reusing,
    others: [async (driver) => void (await push(repositoryOf(driver, "other"), image, "v1"))],
  },
};

const clock = { now: () => 0 };

/** What is broken of what is acknowledged, now or after everything that is garbage by now has gone. */
async function brokenOf(driver: StorageDriver, acknowledged: string | undefined): Promise<readonly string[]> {
  if (acknowledged === undefined) return [];
  const [name = "", tag = ""] = acknowledged.split(":");
  const before = await brokenBelow(repositoryOf(driver, name), tag);
  await collect(driver, { grace: 0, untagged: 0 });
  return [...before, ...(await brokenBelow(repositoryOf(driver, name), tag))];
}

describe("what is acknowledged while garbage is collected stays (S26)", () => {
  test.each(Object.entries(races))(
    "%s",
    async (_name, race) => {
      const { prepare, pushing: act, others = [], options = none, mayBeDeleted = false } = race;
      const actors = [act, collecting(options), ...others];
      const turn = fc.record({ actor: fc.nat(actors.length - 1), calls: fc.oneof(fc.nat(8), fc.nat(70)) });
      await fc.assert(
        fc.asyncProperty(fc.array(turn, { maxLength: 6 }), async (turns) => {
          const driver = createMemoryDriver(clock);
          await prepare(driver);
          const [acknowledged] = await takeTurns<string | undefined>(driver, actors, turns);
          const isGone = mayBeDeleted && (await repositoryOf(driver).headManifest("v1")) === undefined;
          expect(isGone ? [] : await brokenOf(driver, acknowledged)).toEqual([]);
        }),
        { numRuns },
      );
    },
    30_000 + numRuns * 50,
  );
});
