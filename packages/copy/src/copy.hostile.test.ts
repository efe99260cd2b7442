import {
  documentOf,
  isOciError,
  mediaType,
  MemoryRegistry,
  OciError,
  readAll,
  trace,
  type Bytes,
  type Descriptor,
  type Digest,
  type Repository,
  type Side,
} from "@drayage/oci";
import { createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { copy, type CopyEvent, type CopyOptions } from "./index.ts";

type Call = (...args: never[]) => unknown;

let source: Repository;
let target: Repository;

beforeEach(() => {
  // A traced repository is an object of functions, so that single ones can be replaced.
  source = trace(new MemoryRegistry(), () => undefined).repository("source/app");
  target = trace(new MemoryRegistry(), () => undefined).repository("target/app");
});

const twoImages = () => {
  const manifests = ["linux/amd64", "linux/arm64"].map((platform, seed) => createImage({ platform, seed }));
  return createIndex({ manifests });
};

function copyV1(
  { from = source, to = target }: { from?: Repository; to?: Repository },
  options: CopyOptions = {},
) {
  return copy({ repository: from, at: "v1" }, { repository: to, tags: ["v1"] }, options);
}

/** Nothing that the target has is incomplete, and the tag is not there. */
async function expectNothingPublished(fixture: Fixture): Promise<void> {
  expect(await target.headManifest("v1")).toBeUndefined();
  expect(await target.headManifest(fixture.document.descriptor.digest)).toBeUndefined();
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copied = Uint8Array.from(bytes);
  copied[0] = (copied[0] ?? 0) ^ 1;
  return copied;
}

async function* changed(
  body: Bytes,
  change: (chunk: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) yield change(chunk);
}

describe("a source that answers with something else", () => {
  it.each([
    ["one wrong byte", "DIGEST_MISMATCH", flipped],
    ["a byte too few", "SIZE_MISMATCH", (chunk: Uint8Array) => chunk.subarray(1)],
    ["a byte too many", "SIZE_MISMATCH", (chunk: Uint8Array) => Buffer.concat([chunk, chunk.subarray(0, 1)])],
  ])("publishes nothing: a blob with %s", async (_name, code, change) => {
    const image = createImage();
    await pushImage(source, image, { tags: ["v1"] });
    const lying: Repository = {
      ...source,
      async getBlob(digest, options) {
        const content = await source.getBlob(digest, options);
        return { ...content, body: changed(content.body, change) };
      },
    };
    await expect(copyV1({ from: lying })).rejects.toMatchObject({ code });
    await expectNothingPublished(image);
  });

  it.each(["root", "child"])("publishes nothing: a wrong byte in the %s manifest", async (which) => {
    const index = twoImages();
    await pushImage(source, index, { tags: ["v1"] });
    const lying: Repository = {
      ...source,
      async getManifest(at, options) {
        const document = await source.getManifest(at, options);
        const isRoot = at === "v1";
        return isRoot === (which === "root") ? { ...document, bytes: flipped(document.bytes) } : document;
      },
    };
    await expect(copyV1({ from: lying })).rejects.toMatchObject({ code: "DIGEST_MISMATCH", side: "source" });
    await expectNothingPublished(index);
  });

  it("publishes nothing: another manifest than the digest asked for", async () => {
    const index = twoImages();
    await pushImage(source, index, { tags: ["v1"] });
    const other = await pushImage(source, createImage({ seed: 7 }));
    const lying: Repository = {
      ...source,
      getManifest: (at, options) => source.getManifest(at === "v1" ? at : other.digest, options),
    };
    await expect(copyV1({ from: lying })).rejects.toMatchObject({ code: "DIGEST_MISMATCH", side: "source" });
    await expectNothingPublished(index);
  });

  it("publishes nothing: a manifest that is none", async () => {
    const document = documentOf(new TextEncoder().encode("[]"), mediaType.ociManifest);
    const invalid: Repository = { ...source, getManifest: async () => document };
    await expect(copyV1({ from: invalid })).rejects.toMatchObject({
      code: "MANIFEST_INVALID",
      side: "source",
    });
    expect(await target.headManifest("v1")).toBeUndefined();
  });

  it("publishes nothing: an index with a wrong size for a manifest", async () => {
    const image = createImage();
    await pushImage(source, image);
    const { descriptor } = image.document;
    const index = createIndex({ manifests: [{ ...descriptor, size: descriptor.size + 1 }] });
    await pushImage(source, index, { tags: ["v1"] });
    await expect(copyV1({})).rejects.toMatchObject({ code: "SIZE_MISMATCH", side: "source" });
    await expectNothingPublished(index);
  });

  it("C22: follows indexes eight levels deep and no further", async () => {
    let nested: Fixture = createImage();
    for (let level = 0; level < 8; level++) nested = createIndex({ manifests: [nested] });
    await pushImage(source, nested, { tags: ["v1"] });
    expect((await copyV1({})).manifests).toBe(9);
    const tooDeep = createIndex({ manifests: [nested, createImage({ seed: 1 })] });
    await pushImage(source, tooDeep, { tags: ["v2"] });
    const empty = trace(new MemoryRegistry(), () => undefined).repository("target/app");
    const copying = copy({ repository: source, at: "v2" }, { repository: empty, tags: ["v2"] });
    await expect(copying).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", side: "source" });
    expect(await empty.headManifest("v2")).toBeUndefined();
  });

  it("holds no more than 32 MiB of manifests in memory", async () => {
    const note = "x".repeat(8 * 1024 * 1024);
    const images = [0, 1, 2, 3].map((seed) => createImage({ seed, annotations: { note } }));
    const index = createIndex({ manifests: images });
    const documents = [index, ...images].map(({ document }) => document);
    const large: Repository = {
      ...source,
      async getManifest(at) {
        return documents.find(({ descriptor }) => descriptor.digest === at) ?? index.document;
      },
    };
    await expect(copyV1({ from: large })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", side: "source" });
    await expectNothingPublished(index);
  });
});

describe("a copy that breaks off", () => {
  const calls = ["getManifest", "getBlob", "headManifest", "putBlob", "putManifest"] as const;

  /** Both repositories; each call is counted, and `interfere` called with its number before it is made. */
  function interrupted(interfere: (call: number, side: Side) => void): { from: Repository; to: Repository } {
    let made = 0;
    const wrap = (repository: Repository, side: Side): Repository => {
      const replaced: Partial<Record<keyof Repository, Call>> = {};
      for (const name of calls) {
        replaced[name] = async (...args) => {
          interfere(++made, side);
          return Reflect.apply(repository[name], repository, args);
        };
      }
      return Object.assign({ ...repository }, replaced);
    };
    return { from: wrap(source, "source"), to: wrap(target, "target") };
  }

  /** root twice, two children twice, four blobs twice, three manifests put. */
  const allCalls = 2 + 4 + 8 + 3;

  it("makes the calls that the next two tests break off", async () => {
    await pushImage(source, twoImages(), { tags: ["v1"] });
    let made = 0;
    await copyV1(interrupted((call) => (made = call)));
    expect(made).toBe(allCalls);
  });

  it("at any call has published nothing partial, says at which side, and ends when done again", async () => {
    for (let failing = 1; failing <= allCalls; failing++) {
      source = trace(new MemoryRegistry(), () => undefined).repository("source/app");
      target = trace(new MemoryRegistry(), () => undefined).repository("target/app");
      const index = twoImages();
      await pushImage(source, index, { tags: ["v1"] });
      let failed: Side | undefined;
      const ends = interrupted((call, side) => {
        if (call !== failing) return;
        failed = side;
        throw new OciError("UNAVAILABLE", "try later");
      });
      const error: unknown = await copyV1(ends).catch((reason: unknown) => reason);
      expect(failed).toBeDefined();
      expect(isOciError(error, "UNAVAILABLE") && error.side).toBe(failed);
      await expectNothingPublished(index);
      expect((await copyV1({})).status).toBe("copied");
      expect(await target.getManifest("v1")).toEqual(index.document);
    }
  });

  it("by an abort at any call rejects with the signal's reason and publishes nothing", async () => {
    for (let aborting = 1; aborting <= allCalls; aborting++) {
      source = trace(new MemoryRegistry(), () => undefined).repository("source/app");
      target = trace(new MemoryRegistry(), () => undefined).repository("target/app");
      const index = twoImages();
      await pushImage(source, index, { tags: ["v1"] });
      const controller = new AbortController();
      const reason = new Error("enough");
      const ends = interrupted((call) => {
        if (call === aborting) controller.abort(reason);
      });
      await expect(copyV1(ends, { signal: controller.signal })).rejects.toBe(reason);
      await expectNothingPublished(index);
    }
  });

  it("because the source has nothing does not wait for the target", async () => {
    let asked: AbortSignal | undefined;
    const waiting: Repository = {
      ...target,
      async headManifest(_at, { signal } = {}) {
        asked = signal;
        return new Promise(() => undefined);
      },
    };
    await expect(copyV1({ to: waiting })).rejects.toMatchObject({ code: "MANIFEST_UNKNOWN", side: "source" });
    expect(asked?.aborted).toBe(true);
  });

  it("says that the source broke off a body which the target was reading", async () => {
    await pushImage(source, createImage(), { tags: ["v1"] });
    const breaking: Repository = {
      ...source,
      async getBlob(digest, options) {
        const content = await source.getBlob(digest, options);
        const body = changed(content.body, () => {
          throw new OciError("CONNECTION_FAILED", "cut");
        });
        return { ...content, body };
      },
    };
    await expect(copyV1({ from: breaking })).rejects.toMatchObject({
      code: "CONNECTION_FAILED",
      side: "source",
    });
  });

  it("goes on in a blob where the target says, and holds all of it against its digest", async () => {
    const image = createImage({ layers: 0 });
    await pushImage(source, image, { tags: ["v1"] });
    const events: CopyEvent[] = [];
    const parts: Uint8Array[] = [];
    const resuming: Repository = {
      ...target,
      async putBlob(descriptor, open, options) {
        for (const offset of [0, 10]) {
          parts.push(await readAll(await open(offset), { limit: descriptor.size }));
        }
        return target.putBlob(descriptor, open, options);
      },
    };
    const ranges: unknown[] = [];
    const asked: Repository = {
      ...source,
      getBlob(digest, options) {
        ranges.push(options?.range);
        return source.getBlob(digest, options);
      },
    };
    await copyV1({ from: asked, to: resuming }, { onProgress: (event) => events.push(event) });
    // A range of a blob cannot be held against anything.
    expect(ranges).toEqual([undefined, undefined, undefined]);
    expect(parts[1]).toEqual(parts[0]?.subarray(10));
    const size = image.config.descriptor.size;
    const offsets = events.flatMap((event) => (event.kind === "blob-bytes" ? [event.offset] : []));
    expect(offsets).toEqual([size, size, size]);
  });
});

describe("a target that wrongly says it has something", () => {
  const sent: Digest[] = [];

  /** Says of the blobs among `lies` that they are there, and of the manifests as well, unless it is forced. */
  function lying(lies: readonly Descriptor[], refuse: (error: unknown) => unknown = (error) => error) {
    sent.length = 0;
    const isLie = (at: string) => lies.some(({ digest }) => digest === at);
    const repository: Repository = {
      ...target,
      async headManifest(at, options) {
        return lies.find(({ digest }) => digest === at) ?? target.headManifest(at, options);
      },
      async putBlob(blob, open, options) {
        if (isLie(blob.digest) && options?.force !== true) return "present";
        sent.push(blob.digest);
        return target.putBlob(blob, open, options);
      },
      async putManifest(document, options) {
        try {
          return await target.putManifest(document, options);
        } catch (error) {
          throw refuse(error);
        }
      },
    };
    return repository;
  }

  it("is sent exactly the blob that it then misses", async () => {
    const image = createImage({ layers: 3 });
    await pushImage(source, image, { tags: ["v1"] });
    const lies = image.layers.slice(1, 2).map(({ descriptor }) => descriptor);
    const result = await copyV1({ to: lying(lies) });
    expect(sent).toHaveLength(4);
    expect(sent.at(-1)).toBe(lies[0]?.digest);
    expect(result.blobs).toEqual({ uploaded: 4, mounted: 0, present: 0 });
    expect(await target.getManifest("v1")).toEqual(image.document);
  });

  it("is sent every blob again if it does not say what it misses", async () => {
    const image = createImage({ layers: 3 });
    await pushImage(source, image, { tags: ["v1"] });
    const lies = image.blobs.slice(1, 2).map(({ descriptor }) => descriptor);
    const silent = () => new OciError("MANIFEST_BLOB_UNKNOWN", "something is missing");
    await copyV1({ to: lying(lies, silent) });
    expect(sent).toHaveLength(3 + 4);
    expect(await target.getManifest("v1")).toEqual(image.document);
  });

  it("is understood in the words of any registry", async () => {
    const image = createImage({ layers: 2 });
    await pushImage(source, image, { tags: ["v1"] });
    const lies = image.layers.map(({ descriptor }) => descriptor);
    const detail = lies.map(({ digest }) => ({
      code: "MANIFEST_BLOB_UNKNOWN",
      detail: { digest, more: null },
    }));
    const wordy = () => new OciError("MANIFEST_BLOB_UNKNOWN", "missing", { detail });
    await copyV1({ to: lying(lies, wordy) });
    expect(sent).toHaveLength(1 + 2);
  });

  it("is given an image with all its blobs that it then misses for an index", async () => {
    const index = twoImages();
    await pushImage(source, index, { tags: ["v1"] });
    const lies = index.manifests.slice(0, 1).map(({ document }) => document.descriptor);
    const result = await copyV1({ to: lying(lies) });
    expect(result).toMatchObject({ manifests: 3, blobs: { uploaded: 4 } });
    expect(await target.getManifest("v1")).toEqual(index.document);
  });

  it("gets no third chance", async () => {
    await pushImage(source, createImage(), { tags: ["v1"] });
    let puts = 0;
    const stubborn: Repository = {
      ...target,
      async putManifest() {
        puts++;
        throw new OciError("MANIFEST_BLOB_UNKNOWN", "still missing");
      },
    };
    await expect(copyV1({ to: stubborn })).rejects.toMatchObject({
      code: "MANIFEST_BLOB_UNKNOWN",
      side: "target",
    });
    expect(puts).toBe(2);
  });

  it("gets no third chance for what is below the manifest either", async () => {
    const index = twoImages();
    await pushImage(source, index, { tags: ["v1"] });
    const [child] = index.manifests.map(({ document }) => document.descriptor);
    let puts = 0;
    const stubborn: Repository = {
      ...lying(child === undefined ? [] : [child]),
      async putManifest(document, options) {
        if (document.descriptor.digest !== child?.digest) return target.putManifest(document, options);
        puts++;
        throw new OciError("MANIFEST_BLOB_UNKNOWN", "still missing");
      },
    };
    await expect(copyV1({ to: stubborn })).rejects.toMatchObject({ code: "MANIFEST_BLOB_UNKNOWN" });
    expect(puts).toBe(1);
    await expectNothingPublished(index);
  });

  it("is sent nothing if it misses what the manifest does not need", async () => {
    await pushImage(source, createImage(), { tags: ["v1"] });
    const detail = createImage({ seed: 5 }).document.descriptor.digest;
    let puts = 0;
    const confused: Repository = {
      ...lying([]),
      async putManifest() {
        puts++;
        throw new OciError("MANIFEST_BLOB_UNKNOWN", "missing", { detail });
      },
    };
    await expect(copyV1({ to: confused })).rejects.toMatchObject({ code: "MANIFEST_BLOB_UNKNOWN" });
    expect(sent).toHaveLength(2);
    expect(puts).toBe(1);
  });
});
