import { MemoryRegistry, trace, type CallEvent, type Digest, type Repository } from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { copy, planCopy } from "./index.ts";

let source: Repository;
let target: Repository;
let published: string[];

beforeEach(() => {
  published = [];
  const see = (event: CallEvent) => {
    if (event.call === "putManifest") published.push(event.subject ?? "");
  };
  source = new MemoryRegistry().repository("source/app");
  target = trace(new MemoryRegistry(), see).repository("target/app");
});

const image = createImage();
const digest = digestOf(image);
const signature = createArtifact({
  artifactType: "application/vnd.example.signature",
  subject: image.document.descriptor,
});
/** A signature's own signature. */
const countersignature = createArtifact({
  artifactType: "application/vnd.example.signature",
  subject: signature.document.descriptor,
  annotations: { second: "true" },
});

function digestOf({ document }: Fixture): Digest {
  return document.descriptor.digest;
}

function copyAll(referrers = true) {
  return copy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] }, { referrers });
}

async function referrersAt(repository: Repository, subject: Digest): Promise<readonly Digest[]> {
  return (await Array.fromAsync(repository.listReferrers(subject))).map((referrer) => referrer.digest);
}

describe("referrers", () => {
  beforeEach(async () => {
    await pushImage(source, image, { tags: ["v1"] });
    await pushImage(source, signature);
    await pushImage(source, countersignature);
  });

  it("stay unless they are asked for", async () => {
    await copyAll(false);
    expect(await referrersAt(target, digest)).toEqual([]);
  });

  it("come along, and so does what refers to them, before the tag does", async () => {
    await copyAll();
    expect(await referrersAt(target, digest)).toEqual([digestOf(signature)]);
    expect(await referrersAt(target, digestOf(signature))).toEqual([digestOf(countersignature)]);
    expect(published.at(-1)).toBe(digest);
    expect(published).toHaveLength(3);
  });

  it("of an image that is there already are copied alone", async () => {
    await copyAll(false);
    const result = await copyAll();
    expect(result).toMatchObject({ status: "copied", manifests: 2 });
    expect(await referrersAt(target, digest)).toEqual([digestOf(signature)]);
    expect((await copyAll()).status).toBe("unchanged");
  });

  it("of the images of an index come along, whether or not the index is there", async () => {
    await pushImage(source, createIndex({ manifests: [image] }), { tags: ["v1"] });
    await copyAll(false);
    await copyAll();
    expect(await referrersAt(target, digest)).toEqual([digestOf(signature)]);
  });

  it("that contain what they refer to are published after it", async () => {
    const around = createIndex({ manifests: [image], subject: image.document.descriptor });
    await pushImage(source, around);
    await copyAll();
    expect(published.indexOf(digestOf(around))).toBeGreaterThan(published.indexOf(digest));
    expect(await target.headManifest(digestOf(around))).toBeDefined();
  });
});

describe("tags that are made of a digest", () => {
  const tag = `${digest.replace(":", "-")}.sig`;
  const tagged = createArtifact({ artifactType: "application/vnd.dev.cosign.simplesigning.v1+json" });

  beforeEach(async () => {
    await pushImage(source, image, { tags: ["v1"] });
    await pushImage(source, tagged, { tags: [tag, "other"] });
  });

  it("come along with the manifest that they name, under the same tag", async () => {
    await copyAll();
    expect((await target.headManifest(tag))?.digest).toBe(digestOf(tagged));
    expect(await target.headManifest("other")).toBeUndefined();
    expect((await copyAll()).status).toBe("unchanged");
  });

  it("are moved when the signature has changed", async () => {
    await copyAll();
    const renewed = createArtifact({ artifactType: "application/vnd.example.renewed" });
    await pushImage(source, renewed, { tags: [tag] });
    await copyAll();
    expect((await target.headManifest(tag))?.digest).toBe(digestOf(renewed));
  });

  it("of other images stay", async () => {
    const other = `sha256-${"0".repeat(64)}.sig`;
    await pushImage(source, tagged, { tags: [other] });
    const plan = await planCopy(
      { repository: source, at: "v1" },
      { repository: target, tags: ["v1"] },
      { referrers: true },
    );
    expect(plan.stages.flat().flatMap(({ tags }) => tags ?? [])).toEqual([tag, "v1"]);
  });
});
