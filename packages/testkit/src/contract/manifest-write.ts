import { mediaType } from "@drayage/oci";
import { expect } from "vitest";
import { createArtifact } from "../fixture/artifact.ts";
import { createBlob } from "../fixture/blob.ts";
import { createIndex } from "../fixture/image-index.ts";
import { createImage } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase } from "./case.ts";
import { expectBytes, expectCode, listOf, upload } from "./expect.ts";

export const manifestWriteCases: readonly RepositoryCase[] = [
  {
    title: "putManifest resolves to the descriptor of what it stored",
    needs: ["write"],
    run: async ({ repository }) => {
      const image = createImage();
      expect(await pushImage(repository, image, { tags: ["v1"] })).toMatchObject(image.document.descriptor);
    },
  },
  {
    title: "putManifest without tags makes a manifest that only its digest names",
    needs: ["write"],
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage());
      expect(await repository.headManifest(digest)).toMatchObject({ digest });
      expect(await listOf(repository.listTags())).toEqual([]);
    },
  },
  {
    title: "putManifest points every tag it is given to the manifest",
    needs: ["write"],
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1.2.3", "v1.2", "v1"] });
      for (const tag of ["v1.2.3", "v1.2", "v1"]) {
        expect(await repository.headManifest(tag)).toMatchObject({ digest });
      }
    },
  },
  {
    title: "putManifest of what is there already changes nothing",
    needs: ["write"],
    run: async ({ repository }) => {
      const image = createImage();
      const first = await pushImage(repository, image, { tags: ["v1"] });
      expect(await repository.putManifest(image.document, { tags: ["v1"] })).toEqual(first);
      expect(await listOf(repository.listTags())).toEqual(["v1"]);
    },
  },
  {
    title: "putManifest moves a tag, and what it pointed to stays reachable by digest",
    needs: ["write"],
    run: async ({ repository }) => {
      const old = createImage();
      await pushImage(repository, old, { tags: ["v1"] });
      const { digest } = await pushImage(repository, createImage({ seed: 1 }), { tags: ["v1"] });
      expect(await repository.headManifest("v1")).toMatchObject({ digest });
      const found = await repository.getManifest(old.document.descriptor.digest);
      expectBytes(found.bytes, old.document.bytes);
    },
  },
  {
    title: "tags differ by case and can be 128 characters long",
    needs: ["write"],
    run: async ({ repository }) => {
      const long = "t".repeat(128);
      const lower = await pushImage(repository, createImage(), { tags: ["v1", long] });
      const upper = await pushImage(repository, createImage({ seed: 1 }), { tags: ["V1"] });
      expect(await repository.headManifest("v1")).toMatchObject({ digest: lower.digest });
      expect(await repository.headManifest("V1")).toMatchObject({ digest: upper.digest });
      expect(await repository.headManifest(long)).toMatchObject({ digest: lower.digest });
    },
  },
  {
    title: "putManifest stores a manifest under its sha512 digest",
    needs: ["write", "sha512"],
    run: async ({ repository }) => {
      const image = createImage({ algorithm: "sha512" });
      await pushImage(repository, image, { tags: ["v1"] });
      const { digest } = image.document.descriptor;
      expect(digest).toMatch(/^sha512:/);
      expectBytes((await repository.getManifest(digest)).bytes, image.document.bytes);
      expectBytes((await repository.getManifest("v1")).bytes, image.document.bytes);
    },
  },
  {
    title: "putManifest accepts a subject that does not exist",
    needs: ["write"],
    run: async ({ repository }) => {
      const subject = createImage({ seed: 404 }).document.descriptor;
      const { digest } = await pushImage(
        repository,
        createArtifact({ artifactType: "example/sbom", subject }),
      );
      expect(await repository.headManifest(digest)).toMatchObject({ digest });
    },
  },
  {
    title: "putManifest does not ask for layers that are not meant to be distributed",
    needs: ["write"],
    run: async ({ repository }) => {
      const foreign = createBlob(
        { size: 10 },
        { mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" },
      );
      const image = createArtifact({ artifactType: "example/image", blobs: [foreign] });
      await upload(repository, image.config);
      const { digest } = await repository.putManifest(image.document);
      expect(await repository.headManifest(digest)).toMatchObject({ digest });
    },
  },
  {
    title: "putManifest with a missing blob throws MANIFEST_BLOB_UNKNOWN and sets no tag",
    needs: ["write", "requiresContent"],
    run: async ({ repository }) => {
      const image = createImage({ layers: 2 });
      for (const blob of image.blobs.slice(0, 2)) await upload(repository, blob);
      await expectCode(repository.putManifest(image.document, { tags: ["v1"] }), "MANIFEST_BLOB_UNKNOWN");
      expect(await repository.headManifest("v1")).toBeUndefined();
      expect(await repository.headManifest(image.document.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "putManifest with a blob that only another repository has throws MANIFEST_BLOB_UNKNOWN",
    needs: ["write", "requiresContent"],
    run: async ({ repository, sibling }) => {
      const image = createImage();
      await pushImage(sibling("other").repository, image);
      await upload(repository, image.config);
      await expectCode(repository.putManifest(image.document), "MANIFEST_BLOB_UNKNOWN");
    },
  },
  {
    title: "putManifest of an index with a missing manifest throws MANIFEST_BLOB_UNKNOWN",
    needs: ["write", "requiresContent"],
    run: async ({ repository }) => {
      const [here, absent] = [createImage(), createImage({ platform: "linux/arm64" })];
      await pushImage(repository, here);
      const index = createIndex({ manifests: [here, absent] });
      await expectCode(repository.putManifest(index.document, { tags: ["v1"] }), "MANIFEST_BLOB_UNKNOWN");
      expect(await repository.headManifest("v1")).toBeUndefined();
    },
  },
  {
    title: "an index can list layers and configurations, as build caches do",
    needs: ["write"],
    run: async ({ repository }) => {
      const layer = createBlob({ size: 100 }, { mediaType: mediaType.ociLayerGzip });
      await upload(repository, layer);
      const cache = createIndex({ manifests: [layer.descriptor] });
      await repository.putManifest(cache.document, { tags: ["cache"] });
      expectBytes((await repository.getManifest("cache")).bytes, cache.document.bytes);
    },
  },
  {
    title: "putManifest with ifMatch moves a tag that is where it was expected",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const [old, next] = [createImage(), createImage({ seed: 1 })];
      const { digest } = await pushImage(repository, old, { tags: ["v1"] });
      await pushImage(repository, next);
      const moved = await repository.putManifest(next.document, { tags: ["v1"], ifMatch: digest });
      expect(await repository.headManifest("v1")).toMatchObject({ digest: moved.digest });
    },
  },
  {
    title: "putManifest with ifMatch throws PRECONDITION_FAILED if the tag has moved, and leaves it",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const [old, other, next] = [0, 1, 2].map((seed) => createImage({ seed }));
      if (old === undefined || other === undefined || next === undefined) throw new Error("three images");
      const { digest: expected } = await pushImage(repository, old, { tags: ["v1"] });
      const { digest: actual } = await pushImage(repository, other, { tags: ["v1"] });
      await pushImage(repository, next);
      const put = repository.putManifest(next.document, { tags: ["v1"], ifMatch: expected });
      await expectCode(put, "PRECONDITION_FAILED");
      expect(await repository.headManifest("v1")).toMatchObject({ digest: actual });
    },
  },
  {
    title: "putManifest with ifMatch throws PRECONDITION_FAILED if the tag does not exist",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const image = createImage();
      const { digest } = await pushImage(repository, image);
      const put = repository.putManifest(image.document, { tags: ["v1"], ifMatch: digest });
      await expectCode(put, "PRECONDITION_FAILED");
      expect(await repository.headManifest("v1")).toBeUndefined();
    },
  },
  {
    title: "putManifest with ifNoneMatch sets a tag that does not exist",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const image = createImage();
      await pushImage(repository, image);
      const { digest } = await repository.putManifest(image.document, { tags: ["v1"], ifNoneMatch: "*" });
      expect(await repository.headManifest("v1")).toMatchObject({ digest });
    },
  },
  {
    title: "putManifest with ifNoneMatch throws PRECONDITION_FAILED if the tag exists, and leaves it",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1"] });
      const next = createImage({ seed: 1 });
      await pushImage(repository, next);
      const put = repository.putManifest(next.document, { tags: ["v1"], ifNoneMatch: "*" });
      await expectCode(put, "PRECONDITION_FAILED");
      expect(await repository.headManifest("v1")).toMatchObject({ digest });
    },
  },
  {
    title: "putManifest with a condition that one of several tags fails sets none of them",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["taken"] });
      const next = createImage({ seed: 1 });
      await pushImage(repository, next);
      const put = repository.putManifest(next.document, { tags: ["free", "taken"], ifNoneMatch: "*" });
      await expectCode(put, "PRECONDITION_FAILED");
      expect(await repository.headManifest("free")).toBeUndefined();
      expect(await repository.headManifest("taken")).toMatchObject({ digest });
    },
  },
  {
    title: "of two conditional puts at the same time one wins",
    needs: ["write", "conditionalTags"],
    run: async ({ repository }) => {
      const images = [createImage({ seed: 1 }), createImage({ seed: 2 })];
      for (const image of images) await pushImage(repository, image);
      const puts = images.map(({ document }) =>
        repository.putManifest(document, { tags: ["v1"], ifNoneMatch: "*" }),
      );
      const outcomes = (await Promise.allSettled(puts)).map(({ status }) => status);
      expect(outcomes.toSorted()).toEqual(["fulfilled", "rejected"]);
    },
  },
];
