import { isOciError, type OciErrorCode } from "@drayage/oci";
import { expect } from "vitest";
import { createImage } from "../fixture/image.ts";
import { pushImage } from "../fixture/push.ts";
import type { RepositoryCase } from "./case.ts";
import { expectCode } from "./expect.ts";

const invalidNames = [
  "",
  "UPPER",
  "a//b",
  "/a",
  "a/",
  "a..b",
  "a/../b",
  "-a",
  "a-",
  "a b",
  "ä",
  "a%2fb",
  "a".repeat(256),
];
const invalidTags = ["", ".hidden", "-dash", "with space", "a/b", "../up", "ä", "t".repeat(129)];
const invalidDigests = ["sha256:../../etc", "sha256:ABC", "md5:d41d8cd98f00b204e9800998ecf8427e", "a:b"];

export const nameCases: readonly RepositoryCase[] = [
  {
    title: "a name that is no repository name is refused with NAME_INVALID",
    run: async ({ registry }) => {
      const accepted = invalidNames.filter(
        (name) => codeOf(() => registry.repository(name)) !== "NAME_INVALID",
      );
      expect(accepted).toEqual([]);
    },
  },
  {
    title: "names of one and of many components are repository names",
    run: async ({ registry }) => {
      for (const name of [
        "a",
        "library/hello-world",
        "a/b/c/d/e",
        "a__b",
        "a.b_c---d",
        "0",
        "a".repeat(200),
      ]) {
        expect(registry.repository(name).name).toBe(name);
      }
    },
  },
  {
    title: "reading a tag that is none is refused with TAG_INVALID",
    run: async ({ repository }) => {
      for (const tag of invalidTags) {
        await expectCode(repository.getManifest(tag), "TAG_INVALID");
        await expectCode(repository.headManifest(tag), "TAG_INVALID");
      }
    },
  },
  {
    title: "reading a digest that is none is refused with DIGEST_INVALID",
    run: async ({ repository }) => {
      for (const digest of invalidDigests) {
        await expectCode(repository.getManifest(digest), "DIGEST_INVALID");
        await expectCode(repository.headManifest(digest), "DIGEST_INVALID");
      }
    },
  },
  {
    title: "setting a tag that is none is refused with TAG_INVALID, and the manifest is not stored",
    needs: ["write"],
    run: async ({ repository }) => {
      const image = createImage();
      for (const blob of image.blobs) await repository.putBlob(blob.descriptor, blob.open);
      for (const tag of invalidTags) {
        await expectCode(repository.putManifest(image.document, { tags: ["v1", tag] }), "TAG_INVALID");
      }
      expect(await repository.headManifest("v1")).toBeUndefined();
      expect(await repository.headManifest(image.document.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "deleting a tag that is none is refused with TAG_INVALID",
    needs: ["write", "delete"],
    run: async ({ repository }) => {
      const { digest } = await pushImage(repository, createImage(), { tags: ["v1"] });
      for (const tag of [...invalidTags, digest]) await expectCode(repository.deleteTag(tag), "TAG_INVALID");
      expect(await repository.headManifest(digest)).toMatchObject({ digest });
    },
  },
];

function codeOf(call: () => unknown): OciErrorCode | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return isOciError(error) ? error.code : undefined;
  }
}
