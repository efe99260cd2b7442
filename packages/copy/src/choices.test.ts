import {
  createManifestDocument,
  mediaType,
  MemoryRegistry,
  trace,
  type CallEvent,
  type Repository,
} from "@drayage/oci";
import { createBlob, createImage, createIndex, pushImage } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { copy, estimateCopy, planCopy, type CopyOptions } from "./index.ts";

let calls: string[];
let source: Repository;
let target: Repository;

beforeEach(() => {
  calls = [];
  const see = (side: string) => (event: CallEvent) => void calls.push(`${event.call} ${side}`);
  source = trace(new MemoryRegistry(), see("source")).repository("source/app");
  target = trace(new MemoryRegistry(), see("target")).repository("target/app");
});

function copyV1(options: CopyOptions = {}) {
  return copy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] }, options);
}

describe("layers that are not meant to be distributed", () => {
  const foreign = { mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", size: 500 };

  beforeEach(async () => {
    await pushImage(source, createImage({ layers: [{ size: 300 }, foreign] }), { tags: ["v1"] });
  });

  it("are left where they are unless told", async () => {
    const result = await copyV1();
    expect(result.blobs.uploaded).toBe(2);
  });

  it("are copied when that is wanted, and the source has them", async () => {
    const result = await copyV1({ foreign: "copy" });
    expect(result.blobs.uploaded).toBe(3);
  });

  it("are a reason to refuse when that is wanted, before anything is sent", async () => {
    await expect(copyV1({ foreign: "refuse" })).rejects.toMatchObject({
      code: "UNSUPPORTED",
      side: "source",
    });
    expect(calls).not.toContain("putBlob target");
  });
});

describe("content that a descriptor carries in its data", () => {
  const config = createBlob(new TextEncoder().encode("{}"), { mediaType: mediaType.ociEmpty });
  const manifest = (data: string) =>
    createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      artifactType: "application/vnd.example",
      config: { ...config.descriptor, data },
      layers: [],
    });

  it("is not fetched", async () => {
    const document = manifest(btoa("{}"));
    await pushImage(source, { document, blobs: [config], manifests: [] }, { tags: ["v1"] });
    expect((await copyV1()).blobs.uploaded).toBe(1);
    expect(calls).not.toContain("getBlob source");
  });

  it("is fetched when it is not what the digest says", async () => {
    const document = manifest(btoa("[]"));
    await pushImage(source, { document, blobs: [config], manifests: [] }, { tags: ["v1"] });
    expect((await copyV1()).blobs.uploaded).toBe(1);
    expect(calls).toContain("getBlob source");
  });

  it("is a manifest just as well", async () => {
    const image = createImage();
    const data = Buffer.from(image.document.bytes).toString("base64");
    await pushImage(source, image);
    const index = createIndex({ manifests: [{ ...image.document.descriptor, data }] });
    await pushImage(source, index, { tags: ["v1"] });
    calls.length = 0;
    await copyV1();
    expect(calls.filter((call) => call === "getManifest source")).toHaveLength(1);
    expect(await target.headManifest(image.document.descriptor.digest)).toBeDefined();
  });
});

describe("a target that has lost content below a manifest", () => {
  const images = [createImage({ seed: 1 }), createImage({ seed: 2 })];
  const index = createIndex({ manifests: images });

  it("is repaired when it is looked into", async () => {
    await pushImage(source, index, { tags: ["v1"] });
    await copyV1();
    const [blob] = images[0]?.layers ?? [];
    if (blob === undefined) throw new Error("an image without layers");
    await target.deleteBlob(blob.descriptor.digest);
    expect((await copyV1()).status).toBe("unchanged");
    const result = await copyV1({ repair: true });
    expect(result).toMatchObject({ status: "copied", blobs: { uploaded: 1, present: 3 }, manifests: 0 });
    expect(await target.headBlob(blob.descriptor.digest)).toBeDefined();
    expect((await copyV1({ repair: true })).status).toBe("unchanged");
  });
});

describe("a tag that moves while it is copied", () => {
  it("is told where it is now, if asked", async () => {
    await pushImage(source, createImage({ seed: 1 }), { tags: ["v1"] });
    const moved = createImage({ seed: 2 });
    await pushImage(source, moved);
    const onProgress: CopyOptions["onProgress"] = ({ kind }) => {
      if (kind === "blob-started") void source.putManifest(moved.document, { tags: ["v1"] });
    };
    const result = await copyV1({ recheck: true, onProgress });
    expect(result.moved?.to?.digest).toBe(moved.document.descriptor.digest);
    expect((await copyV1({ recheck: true })).moved).toBeUndefined();
  });
});

describe("an estimate", () => {
  it("is what a copy costs at most", async () => {
    await pushImage(source, createImage({ layers: 10 }), { tags: ["v1"] });
    const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] });
    const bytes = plan.blobs.reduce((sum, { size }) => sum + size, 0);
    expect(estimateCopy(plan)).toEqual({
      manifests: 1,
      blobs: 11,
      bytes,
      requests: { source: 11, target: 23 },
    });
  });
});
