import {
  createManifestDocument,
  MemoryRegistry,
  parseManifest,
  parsePlatform,
  type Descriptor,
  type Repository,
} from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { copy, planCopy } from "./index.ts";

let source: Repository;
let target: Repository;

beforeEach(() => {
  source = new MemoryRegistry().repository("source/app");
  target = new MemoryRegistry().repository("target/app");
});

const amd64 = createImage({ platform: "linux/amd64", seed: 1 });
const arm64 = createImage({ platform: "linux/arm64/v8", seed: 2 });
const armV6 = createImage({ platform: "linux/arm/v6", seed: 3 });
const armV7 = createImage({ platform: "linux/arm/v7", seed: 4 });

/** What BuildKit lists beside an image: its provenance, for no platform. */
function attestationOf({ document }: Fixture): { readonly fixture: Fixture; readonly entry: Descriptor } {
  const fixture = createArtifact({
    artifactType: "application/vnd.in-toto+json",
    annotations: { of: document.descriptor.digest },
  });
  const annotations = {
    "vnd.docker.reference.type": "attestation-manifest",
    "vnd.docker.reference.digest": document.descriptor.digest,
  };
  const platform = { os: "unknown", architecture: "unknown" };
  return { fixture, entry: { ...fixture.document.descriptor, annotations, platform } };
}

function platforms(...texts: readonly string[]) {
  return texts.map(parsePlatform);
}

function copyOf(...wanted: readonly string[]) {
  return copy(
    { repository: source, at: "v1" },
    { repository: target, tags: ["v1"] },
    { platforms: platforms(...wanted) },
  );
}

describe("one platform", () => {
  it("is copied as that image, and nothing else is", async () => {
    await pushImage(source, createIndex({ manifests: [amd64, arm64] }), { tags: ["v1"] });
    const result = await copyOf("linux/arm64");
    expect(result.descriptor.digest).toBe(arm64.document.descriptor.digest);
    expect((await target.headManifest("v1"))?.digest).toBe(arm64.document.descriptor.digest);
    expect(await target.headManifest(amd64.document.descriptor.digest)).toBeUndefined();
    expect((await copyOf("linux/arm64")).status).toBe("unchanged");
  });

  it.each([
    ["linux/arm", armV7],
    ["linux/arm/v6", armV6],
  ])("%s is the newest variant that is what was asked for", async (wanted, { document }) => {
    await pushImage(source, createIndex({ manifests: [armV6, armV7] }), { tags: ["v1"] });
    expect((await copyOf(wanted)).descriptor.digest).toBe(document.descriptor.digest);
  });

  it("is found in an index that is in an index", async () => {
    const inner = createIndex({ manifests: [arm64] });
    await pushImage(source, createIndex({ manifests: [amd64, inner] }), { tags: ["v1"] });
    expect((await copyOf("linux/arm64")).descriptor.digest).toBe(arm64.document.descriptor.digest);
  });

  it("is an error with the platforms that there are if it is not there", async () => {
    await pushImage(source, createIndex({ manifests: [amd64, arm64] }), { tags: ["v1"] });
    await expect(copyOf("linux/s390x")).rejects.toMatchObject({
      code: "PLATFORM_UNKNOWN",
      side: "source",
      message: "source: there is no linux/s390x, but linux/amd64, linux/arm64/v8",
    });
    expect(await target.headManifest("v1")).toBeUndefined();
  });

  it("of an image in no index is what its configuration says", async () => {
    await pushImage(source, amd64, { tags: ["v1"] });
    await expect(copyOf("linux/arm64")).rejects.toMatchObject({ code: "PLATFORM_UNKNOWN" });
    expect((await copyOf("linux/amd64")).descriptor.digest).toBe(amd64.document.descriptor.digest);
  });

  it("is never an attestation", async () => {
    const { fixture, entry } = attestationOf(amd64);
    await pushImage(source, fixture);
    await pushImage(source, createIndex({ manifests: [amd64, entry] }), { tags: ["v1"] });
    await expect(copyOf("unknown/unknown")).rejects.toMatchObject({ code: "PLATFORM_UNKNOWN" });
  });
});

describe("several platforms", () => {
  it("are an index of their own, with their attestations and all that we do not know", async () => {
    const [kept, dropped] = [attestationOf(arm64), attestationOf(amd64)];
    await pushImage(source, kept.fixture);
    await pushImage(source, dropped.fixture);
    const images = createIndex({
      manifests: [amd64, arm64, armV7, kept.entry, dropped.entry],
      annotations: { a: "b" },
    });
    const raw: unknown = JSON.parse(new TextDecoder().decode(images.document.bytes));
    if (typeof raw !== "object") throw new Error("not an object");
    const mediaType = images.document.descriptor.mediaType;
    const document = createManifestDocument({ ...raw, mediaType, "com.example.kept": 1 });
    await pushImage(source, { ...images, document }, { tags: ["v1"] });

    const plan = await planCopy(
      { repository: source, at: "v1" },
      { repository: target, tags: ["v1"] },
      { platforms: platforms("linux/arm64", "linux/arm/v7") },
    );
    expect(plan.partOf?.digest).toBe(document.descriptor.digest);
    const result = await copyOf("linux/arm64", "linux/arm/v7");
    expect(result.descriptor).toEqual(plan.root);
    const published = await target.getManifest("v1");
    const index = parseManifest(published.bytes, published.descriptor.mediaType);
    expect(index).toMatchObject({ kind: "index", annotations: { a: "b" } });
    expect(index.kind === "index" && index.manifests.map(({ digest }) => digest)).toEqual(
      [arm64, armV7, kept.fixture].map((fixture) => fixture.document.descriptor.digest),
    );
    expect(JSON.parse(new TextDecoder().decode(published.bytes))).toHaveProperty(["com.example.kept"], 1);
    expect(await target.headManifest(amd64.document.descriptor.digest)).toBeUndefined();
    expect((await copyOf("linux/arm64", "linux/arm/v7")).status).toBe("unchanged");
  });

  it("that are all that there is leave the index as it is", async () => {
    const index = createIndex({ manifests: [amd64, arm64] });
    await pushImage(source, index, { tags: ["v1"] });
    const result = await copyOf("linux/arm64", "linux/amd64");
    expect(result.descriptor).toEqual(index.document.descriptor);
  });

  it("are taken out of an index that is in an index", async () => {
    const inner = createIndex({ manifests: [arm64, armV6, armV7] });
    await pushImage(source, createIndex({ manifests: [amd64, inner] }), { tags: ["v1"] });
    const { descriptor } = await copyOf("linux/arm64", "linux/arm/v7");
    const outer = await target.getManifest(descriptor.digest);
    const [entry, ...rest] = manifestsOf(outer);
    expect(rest).toEqual([]);
    const digests = manifestsOf(await target.getManifest(entry?.digest ?? "none")).map(
      ({ digest }) => digest,
    );
    expect(digests).toEqual([arm64, armV7].map(({ document }) => document.descriptor.digest));
  });

  it("keep the index as it is when it may be sparse", async () => {
    const index = createIndex({ manifests: [amd64, arm64, armV7] });
    await pushImage(source, index, { tags: ["v1"] });
    const plan = await planCopy(
      { repository: source, at: "v1" },
      { repository: target, tags: ["v1"] },
      { platforms: platforms("linux/arm64"), sparse: true },
    );
    expect(plan).toMatchObject({ root: index.document.descriptor, omitted: 2 });
    expect(plan.partOf).toBeUndefined();
    expect(plan.stages.map((stage) => stage.map(({ descriptor }) => descriptor.digest))).toEqual([
      [arm64.document.descriptor.digest],
      [index.document.descriptor.digest],
    ]);
  });

  it("are not sent after all when the target refuses a sparse index", async () => {
    await pushImage(source, createIndex({ manifests: [amd64, arm64] }), { tags: ["v1"] });
    const options = { platforms: platforms("linux/arm64"), sparse: true };
    const copying = copy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] }, options);
    await expect(copying).rejects.toMatchObject({ code: "MANIFEST_BLOB_UNKNOWN", side: "target" });
    expect(await target.headManifest(amd64.document.descriptor.digest)).toBeUndefined();
  });
});

function manifestsOf({ bytes, descriptor }: Awaited<ReturnType<Repository["getManifest"]>>) {
  const index = parseManifest(bytes, descriptor.mediaType);
  return index.kind === "index" ? index.manifests : [];
}
