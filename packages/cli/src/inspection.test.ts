import {
  bytesOf,
  createManifestDocument,
  documentOf,
  MemoryRegistry,
  mediaType,
  trace,
  type Repository,
} from "@drayage/oci";
import {
  createArtifact,
  createBlob,
  createImage,
  createIndex,
  pushImage,
  type Fixture,
} from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { inspectAt } from "./inspection.ts";

let repository: Repository;
let calls: string[];

beforeEach(() => {
  calls = [];
  const registry = trace(new MemoryRegistry(), ({ call }) => calls.push(call));
  repository = registry.repository("app");
});

async function inspected(fixture: Fixture) {
  const { digest } = await pushImage(repository, fixture);
  calls.length = 0;
  return inspectAt(repository, digest, {});
}

describe("an inspection", () => {
  it("of an image tells its platform, age, labels and layers with two requests", async () => {
    const image = createImage({ platform: "linux/arm64/v8", layers: 2, annotations: { note: "x" }, seed: 3 });
    expect(await inspected(image)).toEqual({
      descriptor: image.document.descriptor,
      platform: "linux/arm64/v8",
      created: "2020-01-01T00:00:00Z",
      entrypoint: [],
      cmd: [],
      labels: { seed: "3" },
      size: [image.document, image.config, ...image.layers].reduce(
        (sum, part) => sum + part.descriptor.size,
        0,
      ),
      annotations: { note: "x" },
      layers: image.layers.map(({ descriptor }) => descriptor),
    });
    expect(calls).toEqual(["getManifest", "getBlob"]);
  });

  it("of an image tells what a container of it runs", async () => {
    const { image, config } = await pushRunnable({ Entrypoint: ["/bin/app"], Cmd: ["--port", "80"] });
    expect(await inspectAt(repository, image.descriptor.digest, {})).toMatchObject({
      entrypoint: ["/bin/app"],
      cmd: ["--port", "80"],
      size: image.descriptor.size + config.size,
    });
  });

  it("of an index tells the same of each image it lists", async () => {
    const images = ["linux/amd64", "linux/arm64"].map((platform, seed) => createImage({ platform, seed }));
    const { manifests } = await inspected(createIndex({ manifests: images }));
    expect(manifests).toMatchObject([
      { platform: "linux/amd64", labels: { seed: "0" } },
      { platform: "linux/arm64", labels: { seed: "1" } },
    ]);
  });

  it("does not go down into an index within an index", async () => {
    const inner = createIndex({ manifests: [createImage()] });
    const { manifests } = await inspected(createIndex({ manifests: [inner] }));
    expect(manifests).toEqual([{ descriptor: inner.document.descriptor }]);
    expect(calls).toEqual(["getManifest", "getManifest"]);
  });

  it("of an artifact reads no configuration that is none", async () => {
    const subject = createImage({ seed: 8 }).document.descriptor;
    const found = await inspected(createArtifact({ artifactType: "application/vnd.example", subject }));
    expect(found).toMatchObject({ artifactType: "application/vnd.example", subject });
    expect(found.platform).toBeUndefined();
    expect(calls).toEqual(["getManifest"]);
  });

  it("says which manifests of an index the repository does not have", async () => {
    const absent = createImage({ platform: "linux/arm64" });
    const { descriptor } = absent.document;
    const index = createIndex({ manifests: [descriptor] });
    const sparse: Repository = {
      ...repository,
      getManifest: (at, options) =>
        at === "v1" ? Promise.resolve(index.document) : repository.getManifest(at, options),
    };
    const { manifests } = await inspectAt(sparse, "v1", {});
    expect(manifests).toEqual([{ descriptor, isMissing: true }]);
  });

  it("shows blobs in an index as layers", async () => {
    const layer = createBlob({ size: 9 }, { mediaType: "application/vnd.oci.image.layer.v1.tar" });
    await repository.putBlob(layer.descriptor, layer.open);
    const found = await inspected(createIndex({ manifests: [layer.descriptor] }));
    expect(found).toMatchObject({ layers: [layer.descriptor], manifests: [] });
  });
});

/** An image without layers, with `config` as what it says about containers of it. */
async function pushRunnable(config: Readonly<Record<string, readonly string[]>>) {
  const bytes = new TextEncoder().encode(JSON.stringify({ architecture: "amd64", os: "linux", config }));
  const { descriptor } = documentOf(bytes, mediaType.ociConfig);
  await repository.putBlob(descriptor, async () => bytesOf(bytes));
  const image = createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: descriptor,
    layers: [],
  });
  await repository.putManifest(image);
  return { image, config: descriptor };
}
