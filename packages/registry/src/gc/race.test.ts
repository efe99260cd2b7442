import type { Repository, StorageDriver } from "@drayage/oci";
import { createImage, createIndex, pushImage, type FixtureImage } from "@drayage/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brokenBelow } from "../../fixture/broken.ts";
import { interleaved } from "../../fixture/interleaved.ts";
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
const none = { grace: 0 };

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
  /** Those that run at the same time; what they resolve to is the tag that they have had acknowledged. */
  readonly actors: readonly ((driver: StorageDriver) => Promise<string | undefined>)[];
}

const pushing = (tag: string, name?: string) => async (driver: StorageDriver) =>
  (await push(repositoryOf(driver, name), image, tag)) ? tag : undefined;
const reusing = (tag: string, name?: string) => async (driver: StorageDriver) =>
  (await reuse(repositoryOf(driver, name), image, tag)) ? tag : undefined;
const collecting = (options?: PlanGarbageOptions) => async (driver: StorageDriver) => {
  await collect(driver, options);
  return undefined;
};
const putBlobs = async (driver: StorageDriver, name?: string): Promise<void> => {
  for (const { descriptor, open } of image.blobs) await repositoryOf(driver, name).putBlob(descriptor, open);
};

const races: Readonly<Record<string, Race>> = {
  "a push of new content": { prepare: async () => undefined, actors: [pushing("v1"), collecting()] },
  "a push of content that is garbage here": { prepare: putBlobs, actors: [pushing("v1"), collecting()] },
  "a push that finds all of its blobs": { prepare: putBlobs, actors: [reusing("v1"), collecting()] },
  "a push that mounts what is garbage elsewhere": {
    prepare: (driver) => putBlobs(driver, "other"),
    actors: [reusing("v1"), collecting()],
  },
  "a push of what nobody has any more": {
    async prepare(driver) {
      await putBlobs(driver);
      for (const { descriptor } of image.blobs) await repositoryOf(driver).deleteBlob(descriptor.digest);
    },
    actors: [pushing("v1"), collecting()],
  },
  "two pushes of one image, and two collectors": {
    prepare: putBlobs,
    actors: [pushing("v1"), reusing("v2"), collecting(), collecting()],
  },
  "a push of an image whose manifest is being deleted": {
    prepare: (driver) => push(repositoryOf(driver), image, "old"),
    actors: [
      async (driver) => {
        await repositoryOf(driver).deleteManifest(image.document.descriptor.digest);
        return undefined;
      },
      async (driver) => ((await push(repositoryOf(driver, "other"), image, "v1")) ? "other:v1" : undefined),
      collecting(),
    ],
  },
  "a tag for what no tag leads to": {
    async prepare(driver) {
      await putBlobs(driver);
      await repositoryOf(driver).putManifest(image.document);
    },
    actors: [pushing("v1"), collecting({ grace: 0, untagged: 0 })],
  },
  "an index of what no tag leads to": {
    async prepare(driver) {
      await putBlobs(driver);
      await repositoryOf(driver).putManifest(image.document);
    },
    actors: [
      async (driver) => {
        const put = repositoryOf(driver).putManifest(index.document, { tags: ["v1"] });
        return put.then(
          () => "v1",
          () => undefined,
        );
      },
      collecting({ grace: 0, untagged: 0 }),
    ],
  },
};

describe("collecting garbage breaks nothing that is acknowledged meanwhile (S26)", () => {
  test.each(Object.entries(races))("%s", async (_name, { prepare, actors }) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const driver = createMemoryDriver({ now: () => 0 });
        await prepare(driver);
        const wait = (call: string): Promise<unknown> => scheduler.schedule(Promise.resolve(), call);
        const runs = actors.map((act) => act(interleaved(driver, wait)));
        const tags = await scheduler.waitFor(Promise.all(runs));
        for (const tag of tags.filter((each) => each !== undefined)) {
          const [name, at] = tag.includes(":") ? tag.split(":") : ["a/b", tag];
          expect(await brokenBelow(repositoryOf(driver, name), at ?? "")).toEqual([]);
        }
        await collect(driver);
        await collect(driver, { grace: 0, untagged: 0 });
        for (const tag of tags.filter((each) => each !== undefined)) {
          const [name, at] = tag.includes(":") ? tag.split(":") : ["a/b", tag];
          expect(await brokenBelow(repositoryOf(driver, name), at ?? "")).toEqual([]);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
