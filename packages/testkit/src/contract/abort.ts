import { bytesOf, type CallOptions, type Repository } from "@drayage/oci";
import { expect } from "vitest";
import { createBlob } from "../fixture/blob.ts";
import { createImage } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryAbility, RepositoryCase } from "./case.ts";
import { listOf, tagsOf, unopened } from "./expect.ts";

const image = createImage();
const { digest } = image.document.descriptor;
const [layer] = image.layers.map(({ descriptor }) => descriptor);
const absent = createBlob({ size: 3, seed: 404 }).descriptor;

interface Call {
  readonly needs?: readonly RepositoryAbility[];
  run(repository: Repository, options: CallOptions): Promise<unknown>;
}

/** Every call of a repository; each would succeed, or want bytes, if it were not aborted. */
const calls: Readonly<Record<string, Call>> = {
  getManifest: { run: (repository, options) => repository.getManifest("v1", options) },
  headManifest: { run: (repository, options) => repository.headManifest("v1", options) },
  getBlob: { run: (repository, options) => repository.getBlob(layer?.digest ?? digest, options) },
  headBlob: { run: (repository, options) => repository.headBlob(layer?.digest ?? digest, options) },
  listTags: { run: (repository, options) => listOf(repository.listTags(options)) },
  listReferrers: { run: (repository, options) => listOf(repository.listReferrers(digest, options)) },
  putManifest: {
    needs: ["write"],
    run: (repository, options) => repository.putManifest(image.document, { ...options, tags: ["v2"] }),
  },
  putBlob: { needs: ["write"], run: (repository, options) => repository.putBlob(absent, unopened, options) },
  mountBlob: { needs: ["write"], run: (repository, options) => repository.mountBlob(absent.digest, options) },
  openUpload: { needs: ["write", "upload"], run: (repository, options) => repository.openUpload(options) },
  deleteManifest: {
    needs: ["write", "delete"],
    run: (repository, options) => repository.deleteManifest(digest, options),
  },
  deleteTag: {
    needs: ["write", "delete"],
    run: (repository, options) => repository.deleteTag("v1", options),
  },
  deleteBlob: {
    needs: ["write", "delete"],
    run: (repository, options) => repository.deleteBlob(layer?.digest ?? digest, options),
  },
};

const callCases: readonly RepositoryCase[] = Object.entries(calls).map(([name, call]) => ({
  title: `${name} rejects with the reason of a signal that is aborted, and does nothing`,
  needs: call.needs,
  run: async ({ origin, repository }) => {
    await pushImage(origin, image, { tags: ["v1"] });
    await pushImage(origin, createImage({ seed: 1, subject: image.document.descriptor }));
    const reason = new Error("changed my mind");
    await expect(call.run(repository, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await tagsOf(repository)).toEqual(["v1"]);
    expect(await repository.headManifest("v1")).toMatchObject({ digest });
    expect(await repository.headBlob(layer?.digest ?? digest)).toBeDefined();
  },
}));

export const abortCases: readonly RepositoryCase[] = [
  ...callCases,
  {
    title: "listRepositories rejects with the reason of a signal that is aborted",
    needs: ["list"],
    run: async ({ origin, registry }) => {
      await pushImage(origin, image);
      const reason = new Error("changed my mind");
      const list = listOf(registry.listRepositories({ signal: AbortSignal.abort(reason) }));
      await expect(list).rejects.toBe(reason);
    },
  },
  {
    title: "listTags that is aborted between two tags rejects with the reason",
    run: async ({ origin, repository }) => {
      await pushImage(origin, image, { tags: ["v1", "v2", "v3"] });
      const [controller, reason] = [new AbortController(), new Error("seen enough")];
      const list = repository.listTags({ signal: controller.signal, pageSize: 1 })[Symbol.asyncIterator]();
      expect((await list.next()).value).toBe("v1");
      controller.abort(reason);
      await expect(list.next()).rejects.toBe(reason);
    },
  },
  {
    title: "putBlob that is aborted while its source is silent rejects with the reason and stores nothing",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const { descriptor } = createBlob({ size: 1000, seed });
      const [controller, reason] = [new AbortController(), new Error("changed my mind")];
      const put = repository.putBlob(
        descriptor,
        async () => silentAfter(100, () => controller.abort(reason)),
        {
          signal: controller.signal,
        },
      );
      await expect(put).rejects.toBe(reason);
      expect(await repository.headBlob(descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "append and commit reject with the reason of a signal that is aborted, and the upload lives on",
    needs: ["write", "upload"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size: 1000, seed });
      const reason = new Error("changed my mind");
      const signal = AbortSignal.abort(reason);
      const session = await repository.openUpload();
      await expect(session.append(bytesOf(Uint8Array.of(1)), { signal })).rejects.toBe(reason);
      await expect(session.status({ signal })).rejects.toBe(reason);
      await session.append(await blob.open(0));
      await expect(session.commit(blob.descriptor.digest, { signal })).rejects.toBe(reason);
      await expect(session.cancel({ signal })).rejects.toBe(reason);
      expect(await session.status()).toBe(1000);
      await session.commit(blob.descriptor.digest);
      expect(await repository.headBlob(blob.descriptor.digest)).toMatchObject({ size: 1000 });
    },
  },
];

/** Gives `size` bytes, then calls `then` and never goes on. */
async function* silentAfter(size: number, then: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  yield new Uint8Array(size);
  then();
  await new Promise(() => undefined);
}
