import { expect } from "vitest";
import { createBlob } from "../fixture/blob.ts";
import { createIndex } from "../fixture/image-index.ts";
import { createImage } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase } from "./case.ts";
import { expectBytes, expectCode, listOf, upload } from "./expect.ts";

const needs = ["write", "delete"] as const;

export const deleteCases: readonly RepositoryCase[] = [
  {
    title: "deleteTag removes the tag and neither the manifest nor its other tags",
    needs,
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1", "latest"] });
      expect(await repository.deleteTag("v1")).toBe("deleted");
      expect(await repository.headManifest("v1")).toBeUndefined();
      expect(await repository.headManifest("latest")).toMatchObject({ digest });
      expect(await repository.headManifest(digest)).toMatchObject({ digest });
      expect(await listOf(repository.listTags())).toEqual(["latest"]);
    },
  },
  {
    title: "deleteTag of the last tag keeps the manifest",
    needs,
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1"] });
      expect(await repository.deleteTag("v1")).toBe("deleted");
      expect(await repository.headManifest(digest)).toMatchObject({ digest });
    },
  },
  {
    title: "deleteTag of a tag that does not exist says absent",
    needs,
    run: async ({ repository }) => {
      await pushImage(repository, createImage(), { tags: ["v1"] });
      expect(await repository.deleteTag("v2")).toBe("absent");
      expect(await listOf(repository.listTags())).toEqual(["v1"]);
    },
  },
  {
    title: "deleteTag with ifMatch removes a tag that is where it was expected",
    needs: [...needs, "conditionalTags"],
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1"] });
      expect(await repository.deleteTag("v1", { ifMatch: digest })).toBe("deleted");
      expect(await repository.headManifest("v1")).toBeUndefined();
    },
  },
  {
    title: "deleteTag with ifMatch throws PRECONDITION_FAILED if the tag has moved, and leaves it",
    needs: [...needs, "conditionalTags"],
    run: async ({ repository }) => {
      const old = await pushImage(repository, createImage(), { tags: ["v1"] });
      const { digest } = await pushImage(repository, createImage({ seed: 1 }), { tags: ["v1"] });
      await expectCode(repository.deleteTag("v1", { ifMatch: old.digest }), "PRECONDITION_FAILED");
      expect(await repository.headManifest("v1")).toMatchObject({ digest });
    },
  },
  {
    title: "deleteManifest removes the manifest and every tag that points to it",
    needs,
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1", "latest"] });
      const kept = await pushImage(repository, createImage({ seed: 1 }), { tags: ["v2"] });
      expect(await repository.deleteManifest(digest)).toBe("deleted");
      expect(await repository.headManifest(digest)).toBeUndefined();
      expect(await repository.headManifest("latest")).toBeUndefined();
      expect(await listOf(repository.listTags())).toEqual(["v2"]);
      expect(await repository.headManifest("v2")).toMatchObject({ digest: kept.digest });
    },
  },
  {
    title: "deleteManifest of a manifest that does not exist says absent",
    needs,
    run: async ({ repository }) => {
      await pushImage(repository, createImage());
      const { digest } = createImage({ seed: 404 }).document.descriptor;
      expect(await repository.deleteManifest(digest)).toBe("absent");
    },
  },
  {
    title: "deleteManifest of an index keeps the manifests it lists",
    needs,
    run: async ({ repository }) => {
      const image = createImage();
      const { digest } = await pushImage(repository, createIndex({ manifests: [image] }), { tags: ["v1"] });
      expect(await repository.deleteManifest(digest)).toBe("deleted");
      const child = await repository.getManifest(image.document.descriptor.digest);
      expectBytes(child.bytes, image.document.bytes);
    },
  },
  {
    title: "a manifest can be put again after it was deleted",
    needs,
    run: async ({ repository }) => {
      const image = createImage();
      const { digest } = await pushImage(repository, image, { tags: ["v1"] });
      await repository.deleteManifest(digest);
      await pushImage(repository, image, { tags: ["v1"] });
      expectBytes((await repository.getManifest("v1")).bytes, image.document.bytes);
    },
  },
  {
    title: "deleteBlob removes the blob, and it can be put again",
    needs,
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size: 1000, seed });
      await upload(repository, blob);
      expect(await repository.deleteBlob(blob.descriptor.digest)).toBe("deleted");
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
      await expectCode(repository.getBlob(blob.descriptor.digest), "BLOB_UNKNOWN");
      await upload(repository, blob);
      expect(await repository.headBlob(blob.descriptor.digest)).toMatchObject({ size: 1000 });
    },
  },
  {
    title: "deleteBlob of a blob that does not exist says absent",
    needs,
    run: async ({ repository, seed }) => {
      await upload(repository, createBlob({ size: 10, seed }));
      const { digest } = createBlob({ size: 11, seed }).descriptor;
      expect(await repository.deleteBlob(digest)).toBe("absent");
    },
  },
  {
    title: "deleteBlob removes the blob from one repository only (CVE-2026-35172)",
    needs: [...needs, "mount"],
    run: async ({ repository, sibling, seed }) => {
      const { descriptor, open } = createBlob({ size: 1000, seed });
      const { repository: from } = sibling("from");
      await upload(from, { descriptor, open });
      await repository.putBlob(descriptor, open, { mountFrom: from.name });
      await from.deleteBlob(descriptor.digest);
      expect(await repository.headBlob(descriptor.digest)).toMatchObject({ size: 1000 });
      await upload(from, createBlob({ size: 1, seed }));
      expect(await from.headBlob(descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "deleting in a repository without content says absent, and does not make it exist",
    needs,
    run: async ({ repository, seed }) => {
      const { digest } = createBlob({ size: 1, seed }).descriptor;
      expect(await repository.deleteTag("v1")).toBe("absent");
      expect(await repository.deleteManifest(digest)).toBe("absent");
      expect(await repository.deleteBlob(digest)).toBe("absent");
      await expectCode(listOf(repository.listTags()), "NAME_UNKNOWN");
    },
  },
];
