import { MemoryRegistry, type Repository } from "@drayage/oci";
import { createImage, createIndex, pushImage } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { applyCopy, planCopy, type CopyPlan } from "./index.ts";

let source: Repository;
let target: Repository;

beforeEach(() => {
  source = new MemoryRegistry().repository("source/app");
  target = new MemoryRegistry().repository("target/app");
});

function parsePlan(text: string): CopyPlan {
  return JSON.parse(text) as CopyPlan;
}

describe("a copy plan", () => {
  it("says what would be sent, and sends nothing", async () => {
    const images = ["linux/amd64", "linux/arm64"].map((platform, seed) => createImage({ platform, seed }));
    const [here, there] = images;
    const index = createIndex({ manifests: images });
    await pushImage(source, index, { tags: ["v1"] });
    if (there !== undefined) await pushImage(target, there);
    const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] });
    expect(plan.root).toEqual(index.document.descriptor);
    expect(plan.tags).toEqual(["v1"]);
    expect(plan.stages.map((stage) => stage.map(({ descriptor }) => descriptor.digest))).toEqual([
      [here?.document.descriptor.digest],
      [index.document.descriptor.digest],
    ]);
    expect(plan.present.map(({ digest }) => digest)).toEqual([there?.document.descriptor.digest]);
    const [config, layer] = [...(here?.blobs ?? [])].sort((a, b) => a.descriptor.size - b.descriptor.size);
    expect(plan.blobs).toEqual([config?.descriptor, layer?.descriptor]);
    expect(await target.headManifest("v1")).toBeUndefined();
  });

  it("has no stages when there is nothing to do", async () => {
    await pushImage(source, createImage(), { tags: ["v1"] });
    await pushImage(target, createImage(), { tags: ["v1"] });
    const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] });
    expect(plan.stages).toEqual([]);
    expect(plan.blobs).toEqual([]);
    expect((await applyCopy(plan, { source, target })).status).toBe("unchanged");
  });

  it("can be kept as JSON and applied later", async () => {
    const index = createIndex({ manifests: [createImage()], annotations: { note: "é" } });
    await pushImage(source, index, { tags: ["v1"] });
    const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] });
    const kept = parsePlan(JSON.stringify(plan));
    expect(kept).toEqual(plan);
    const result = await applyCopy(kept, { source, target });
    expect(result).toMatchObject({ status: "copied", manifests: 2, blobs: { uploaded: 2 } });
    expect(await target.getManifest("v1")).toEqual(index.document);
  });

  it("that was changed is not applied", async () => {
    await pushImage(source, createImage(), { tags: ["v1"] });
    const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] });
    const stages = plan.stages.map((stage) =>
      stage.map((manifest) => ({ ...manifest, content: manifest.content.replace("amd64", "arm64") + " " })),
    );
    const applying = applyCopy({ ...plan, stages }, { source, target });
    await expect(applying).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await target.headManifest("v1")).toBeUndefined();
  });
});
