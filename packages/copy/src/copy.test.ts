import { documentOf, mediaType, MemoryRegistry, trace, type CallEvent, type Repository } from "@drayage/oci";
import {
  createArtifact,
  createBlob,
  createImage,
  createIndex,
  pushImage,
  type Fixture,
} from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { copy, type CopyEvent } from "./index.ts";

interface Bench {
  readonly source: Repository;
  readonly target: Repository;
  /** Every call since the last time this was asked, counted. */
  counts(): Record<string, number>;
  /** The manifests that were put at the target, in order. */
  readonly published: readonly string[];
}

/** Two repositories of two registries, or with `isOneRegistry` of one. */
function createBench({ isOneRegistry = false } = {}): Bench {
  const calls: string[] = [];
  const published: string[] = [];
  const see = (side: string) => (event: CallEvent) => {
    calls.push(`${event.call} ${side}`);
    if (event.call === "putManifest" && side === "target") published.push(event.subject ?? "");
  };
  const first = new MemoryRegistry();
  const second = isOneRegistry ? first : new MemoryRegistry();
  return {
    source: trace(first, see("source")).repository("source/app"),
    target: trace(second, see("target")).repository("target/app"),
    published,
    counts() {
      const counted: Record<string, number> = {};
      for (const call of calls.splice(0)) counted[call] = (counted[call] ?? 0) + 1;
      return counted;
    },
  };
}

async function pushed(bench: Bench, fixture: Fixture): Promise<Fixture> {
  await pushImage(bench.source, fixture, { tags: ["v1"] });
  bench.counts();
  return fixture;
}

const fourImages = () =>
  ["linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le"].map((platform, seed) =>
    createImage({ platform, seed, layers: 4 }),
  );

describe("an image", () => {
  it("is copied byte for byte with 3 requests per blob and 3 more", async () => {
    const bench = createBench();
    const image = await pushed(bench, createImage({ layers: 10 }));
    const result = await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1"] },
    );
    // putBlob of something absent is a POST and a PUT.
    expect(bench.counts()).toEqual({
      "getManifest source": 1,
      "headManifest target": 1,
      "putBlob target": 11,
      "getBlob source": 11,
      "putManifest target": 1,
    });
    expect(result).toEqual({
      descriptor: image.document.descriptor,
      status: "copied",
      blobs: { uploaded: 11, mounted: 0, present: 0 },
      bytes: image.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      manifests: 1,
    });
    expect(await bench.target.getManifest("v1")).toEqual(image.document);
  });

  it("that is there already costs one request per side", async () => {
    const bench = createBench();
    const image = await pushed(bench, createImage());
    await pushImage(bench.target, image, { tags: ["v1"] });
    bench.counts();
    const result = await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1"] },
    );
    expect(bench.counts()).toEqual({ "getManifest source": 1, "headManifest target": 1 });
    expect(result.status).toBe("unchanged");
    expect(result.descriptor).toEqual(image.document.descriptor);
    expect(result.blobs).toEqual({ uploaded: 0, mounted: 0, present: 0 });
  });

  it("that is there already costs one request when it is named by digest", async () => {
    const bench = createBench();
    const { document } = await pushed(bench, createImage());
    await pushImage(bench.target, createImage(), { tags: ["v1"] });
    bench.counts();
    const at = document.descriptor.digest;
    const tagged = await copy({ repository: bench.source, at }, { repository: bench.target, tags: ["v1"] });
    expect(bench.counts()).toEqual({ "headManifest target": 1 });
    const untagged = await copy({ repository: bench.source, at }, { repository: bench.target });
    expect(bench.counts()).toEqual({ "headManifest target": 1 });
    expect([tagged.status, untagged.status]).toEqual(["unchanged", "unchanged"]);
  });

  it("by digest is tagged although the target has it untagged", async () => {
    const bench = createBench();
    const image = await pushed(bench, createImage());
    const at = await pushImage(bench.target, image);
    const target = { repository: bench.target, tags: ["v1"] };
    const result = await copy({ repository: bench.source, at: at.digest }, target);
    expect(result.blobs).toEqual({ uploaded: 0, mounted: 0, present: 2 });
    expect(await bench.target.headManifest("v1")).toEqual(image.document.descriptor);
  });

  it("by digest takes a tag away from what it pointed to", async () => {
    const bench = createBench();
    const { document } = await pushed(bench, createImage());
    await pushImage(bench.target, createImage({ seed: 1 }), { tags: ["v1"] });
    const source = { repository: bench.source, at: document.descriptor.digest };
    expect((await copy(source, { repository: bench.target, tags: ["v1"] })).status).toBe("copied");
    expect(await bench.target.headManifest("v1")).toEqual(document.descriptor);
  });

  it("gets several tags with one request", async () => {
    const bench = createBench();
    const { document } = await pushed(bench, createImage());
    await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1", "latest", "v1"] },
    );
    expect(bench.counts()).toMatchObject({ "headManifest target": 2, "putManifest target": 1 });
    expect(await bench.target.headManifest("latest")).toEqual(document.descriptor);
  });

  it("is not unchanged while one of several tags is elsewhere", async () => {
    const bench = createBench();
    const image = await pushed(bench, createImage());
    await pushImage(bench.target, image, { tags: ["v1"] });
    await pushImage(bench.target, createImage({ seed: 1 }), { tags: ["latest"] });
    const target = { repository: bench.target, tags: ["v1", "latest"] };
    expect((await copy({ repository: bench.source, at: "v1" }, target)).status).toBe("copied");
    expect(await bench.target.headManifest("latest")).toEqual(image.document.descriptor);
  });

  it("without tags is there by its digest only", async () => {
    const bench = createBench();
    const { document } = await pushed(bench, createImage());
    await copy({ repository: bench.source, at: "v1" }, { repository: bench.target });
    for await (const tag of bench.target.listTags()) expect.unreachable(`there is a tag ${tag}`);
    expect(await bench.target.headManifest(document.descriptor.digest)).toEqual(document.descriptor);
    expect((await copy({ repository: bench.source, at: "v1" }, { repository: bench.target })).status).toBe(
      "unchanged",
    );
  });

  it("is mounted from a repository of the same registry, without a byte being read", async () => {
    const bench = createBench({ isOneRegistry: true });
    await pushed(bench, createImage({ layers: 10 }));
    const result = await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1"] },
      { mountFrom: "source/app" },
    );
    expect(bench.counts()).toEqual({
      "getManifest source": 1,
      "headManifest target": 1,
      "putBlob target": 11,
      "putManifest target": 1,
    });
    expect(result.blobs).toEqual({ uploaded: 0, mounted: 11, present: 0 });
    expect(result.bytes).toBe(0);
  });

  it("is what the tag meant at first, even if the tag moves meanwhile", async () => {
    const bench = createBench();
    const { document } = await pushed(bench, createImage());
    const moving: Repository = {
      ...bench.source,
      async getBlob(digest, options) {
        await pushImage(bench.source, createImage({ seed: 1 }), { tags: ["v1"] });
        return bench.source.getBlob(digest, options);
      },
    };
    await copy({ repository: moving, at: "v1" }, { repository: bench.target, tags: ["v1"] });
    expect(await bench.target.headManifest("v1")).toEqual(document.descriptor);
    expect(await bench.source.headManifest("v1")).not.toEqual(document.descriptor);
  });

  it("must be what the caller expects", async () => {
    const bench = createBench();
    const { document } = await pushed(bench, createImage());
    const target = { repository: bench.target, tags: ["v1"] };
    const source = { repository: bench.source, at: "v1" };
    const expectDigest = createImage({ seed: 1 }).document.descriptor.digest;
    await expect(copy(source, target, { expectDigest })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      side: "source",
    });
    expect(await bench.target.headManifest("v1")).toBeUndefined();
    await copy(source, target, { expectDigest: document.descriptor.digest });
    expect(await bench.target.headManifest("v1")).toEqual(document.descriptor);
  });
});

describe("an index", () => {
  it("of four images with five blobs each costs 3 requests per blob and 15 more", async () => {
    const bench = createBench();
    const index = await pushed(bench, createIndex({ manifests: fourImages() }));
    const result = await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1"] },
    );
    expect(bench.counts()).toEqual({
      "getManifest source": 5,
      "headManifest target": 5,
      "putBlob target": 20,
      "getBlob source": 20,
      "putManifest target": 5,
    });
    expect(result).toMatchObject({ manifests: 5, blobs: { uploaded: 20 } });
    expect(await bench.target.getManifest("v1")).toEqual(index.document);
  });

  it("whose images are there is all that is sent", async () => {
    const bench = createBench();
    const images = fourImages();
    await pushed(bench, createIndex({ manifests: images }));
    for (const image of images) await pushImage(bench.target, image);
    bench.counts();
    await copy({ repository: bench.source, at: "v1" }, { repository: bench.target, tags: ["v1"] });
    expect(bench.counts()).toEqual({
      "getManifest source": 1,
      "headManifest target": 5,
      "putManifest target": 1,
    });
  });

  it("is published after everything below it, with its tag in the same request", async () => {
    const bench = createBench();
    const shared = createImage();
    // The image is a child and a grandchild: it must be there before the inner index is.
    const inner = createIndex({ manifests: [shared] });
    const index = await pushed(bench, createIndex({ manifests: [inner, shared] }));
    await copy({ repository: bench.source, at: "v1" }, { repository: bench.target, tags: ["v1"] });
    expect(bench.published).toEqual([shared, inner, index].map(({ document }) => document.descriptor.digest));
  });

  it("sends a blob once that all its images have", async () => {
    const bench = createBench();
    const layers = [{ size: 5000, seed: 7 }];
    const manifests = ["linux/amd64", "linux/arm64"].map((platform) => createImage({ platform, layers }));
    await pushed(bench, createIndex({ manifests }));
    const target = { repository: bench.target, tags: ["v1"] };
    const { blobs } = await copy({ repository: bench.source, at: "v1" }, target);
    expect(blobs).toEqual({ uploaded: 3, mounted: 0, present: 0 });
  });

  it("that lists blobs, as build caches do, is copied with them", async () => {
    const bench = createBench();
    const layer = createBlob({ size: 100 }, { mediaType: mediaType.ociLayerGzip });
    await bench.source.putBlob(layer.descriptor, layer.open);
    await pushed(bench, createIndex({ manifests: [layer.descriptor] }));
    await copy({ repository: bench.source, at: "v1" }, { repository: bench.target, tags: ["v1"] });
    expect(await bench.target.headBlob(layer.descriptor.digest)).toMatchObject({ size: 100 });
  });
});

describe("any other content", () => {
  const cases: Record<string, Fixture> = {
    "an artifact whose subject is not there": createArtifact({
      artifactType: "application/vnd.example.report",
      subject: createImage({ seed: 9 }).document.descriptor,
    }),
    "an artifact of unknown media types": createArtifact({
      artifactType: "application/vnd.example",
      blobs: [createBlob({ size: 10 }, { mediaType: "application/vnd.example.part+zip" })],
      config: createBlob({ size: 5 }, { mediaType: "application/vnd.example.config" }),
    }),
    "a Docker image": createImage({ mediaTypes: "docker" }),
    "a Docker manifest list": createIndex({
      mediaTypes: "docker",
      manifests: [createImage({ mediaTypes: "docker" })],
    }),
    "an empty index": createIndex({ manifests: [] }),
    "content named by sha512": createIndex({
      algorithm: "sha512",
      manifests: [createArtifact({ artifactType: "a/b", algorithm: "sha512" })],
    }),
  };
  it.each(Object.entries(cases))("is copied as it is: %s", async (_name, fixture) => {
    const bench = createBench();
    await pushed(bench, fixture);
    const { digest } = fixture.document.descriptor;
    await copy({ repository: bench.source, at: digest }, { repository: bench.target, tags: ["v1"] });
    expect(await bench.target.getManifest("v1")).toEqual(fixture.document);
  });

  it("keeps its bytes where they are not what we would write", async () => {
    const bench = createBench();
    const text = `{ "manifests": [ ],\n\t"schemaVersion": 2, "annotations": {"note": "\u00e9\ufeff"}, "more": 1 }\n`;
    const document = documentOf(new TextEncoder().encode(text), mediaType.ociIndex);
    await bench.source.putManifest(document, { tags: ["v1"] });
    await copy({ repository: bench.source, at: "v1" }, { repository: bench.target, tags: ["v1"] });
    expect((await bench.target.getManifest("v1")).bytes).toEqual(document.bytes);
  });

  it("leaves layers alone that are not meant to be distributed", async () => {
    const bench = createBench();
    const type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    const foreign = createBlob({ size: 100 }, { mediaType: type });
    const image = createArtifact({ artifactType: "a/b", blobs: [foreign] });
    for (const blob of image.blobs.slice(0, 1)) await bench.source.putBlob(blob.descriptor, blob.open);
    await bench.source.putManifest(image.document, { tags: ["v1"] });
    const target = { repository: bench.target, tags: ["v1"] };
    const { blobs } = await copy({ repository: bench.source, at: "v1" }, target);
    expect(blobs).toEqual({ uploaded: 1, mounted: 0, present: 0 });
    expect(await bench.target.headManifest("v1")).toEqual(image.document.descriptor);
  });
});

describe("the way of the work", () => {
  it("is told as it happens", async () => {
    const bench = createBench();
    const image = await pushed(bench, createImage());
    const events: CopyEvent[] = [];
    await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1"] },
      { concurrency: 1, onProgress: (event) => events.push(event) },
    );
    const smallestFirst = [...image.blobs].sort((a, b) => a.descriptor.size - b.descriptor.size);
    const told = smallestFirst.flatMap(({ descriptor: blob }) => [
      { kind: "blob-started", blob },
      { kind: "blob-bytes", blob, offset: blob.size, length: blob.size },
      { kind: "blob-done", blob, result: "uploaded" },
    ]);
    const manifest = image.document.descriptor;
    expect(events).toEqual([...told, { kind: "manifest-published", manifest, tags: ["v1"] }]);
  });

  it("has no more blobs under way than `concurrency` says", async () => {
    const bench = createBench();
    await pushed(bench, createImage({ layers: 12 }));
    let underWay = 0;
    let most = 0;
    const onProgress = ({ kind }: CopyEvent) => {
      if (kind === "blob-started") most = Math.max(most, ++underWay);
      if (kind === "blob-done") underWay--;
    };
    await copy(
      { repository: bench.source, at: "v1" },
      { repository: bench.target, tags: ["v1"] },
      { concurrency: 3, onProgress },
    );
    expect(most).toBe(3);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "asks for nothing with a concurrency of %d",
    async (concurrency) => {
      const bench = createBench();
      await pushed(bench, createImage());
      const target = { repository: bench.target, tags: ["v1"] };
      const copying = copy({ repository: bench.source, at: "v1" }, target, { concurrency });
      await expect(copying).rejects.toMatchObject({ code: "OPTION_INVALID" });
      expect(bench.counts()).toEqual({});
    },
  );

  it("asks for nothing with a tag that is none", async () => {
    const bench = createBench();
    const target = { repository: bench.target, tags: ["v1", "no tag"] };
    const copying = copy({ repository: bench.source, at: "v1" }, target);
    await expect(copying).rejects.toMatchObject({ code: "TAG_INVALID" });
    expect(bench.counts()).toEqual({});
  });
});
