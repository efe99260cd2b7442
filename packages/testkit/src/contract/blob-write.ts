import { bytesOf, verified, type Bytes } from "@drayage/oci";
import { expect } from "vitest";
import { bytesOfBlob, createBlob } from "../fixture/blob.ts";
import type { RepositoryCase } from "./case.ts";
import { contentOf, expectBytes, expectCode, unopened, upload } from "./expect.ts";

const size = 200_000;

export const blobWriteCases: readonly RepositoryCase[] = [
  {
    title: "putBlob of a blob that is there says present and opens nothing",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const { descriptor, open } = createBlob({ size, seed });
      expect(await repository.putBlob(descriptor, open)).toBe("uploaded");
      expect(await repository.putBlob(descriptor, unopened)).toBe("present");
    },
  },
  {
    title: "putBlob with force sends a blob that is there already",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const { descriptor, open } = createBlob({ size, seed });
      await repository.putBlob(descriptor, open);
      expect(await repository.putBlob(descriptor, open, { force: true })).toBe("uploaded");
      expect(await repository.headBlob(descriptor.digest)).toMatchObject({ size });
    },
  },
  {
    title: "putBlob mounts from a repository that has the blob, and opens nothing",
    needs: ["write", "mount"],
    run: async ({ repository, sibling, seed }) => {
      const blob = createBlob({ size, seed });
      const { repository: from } = sibling("from");
      await upload(from, blob);
      const put = repository.putBlob(blob.descriptor, unopened, { mountFrom: from.name });
      expect(await put).toBe("mounted");
      const content = await repository.getBlob(blob.descriptor.digest);
      expectBytes(await contentOf(content), await bytesOfBlob(blob));
    },
  },
  {
    title: "putBlob uploads when the repository to mount from lacks the blob",
    needs: ["write", "mount"],
    run: async ({ repository, sibling, seed }) => {
      const { descriptor, open } = createBlob({ size, seed });
      const { repository: from } = sibling("from");
      expect(await repository.putBlob(descriptor, open, { mountFrom: from.name })).toBe("uploaded");
      expect(await repository.headBlob(descriptor.digest)).toMatchObject({ size });
    },
  },
  {
    title: "putBlob takes bytes that are verified on their way",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const { descriptor, open } = createBlob({ size, seed });
      const put = repository.putBlob(descriptor, async (offset) => verified(await open(offset), descriptor));
      expect(await put).toBe("uploaded");
      expect(await repository.headBlob(descriptor.digest)).toMatchObject({ size });
    },
  },
  {
    title: "putBlob of the same blob twice at the same time leaves it whole",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size, seed });
      const put = () => repository.putBlob(blob.descriptor, blob.open);
      const results = await Promise.all([put(), put()]);
      expect(results).toContain("uploaded");
      const content = await repository.getBlob(blob.descriptor.digest);
      expectBytes(await contentOf(content), await bytesOfBlob(blob));
    },
  },
  {
    title: "putBlob stores a blob under its sha512 digest",
    needs: ["write", "sha512"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size, seed }, { algorithm: "sha512" });
      await upload(repository, blob);
      const content = await repository.getBlob(blob.descriptor.digest);
      expectBytes(await contentOf(content), await bytesOfBlob(blob));
    },
  },
  {
    title: "putBlob of other bytes throws DIGEST_MISMATCH and stores nothing",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const { descriptor } = createBlob({ size, seed });
      const other = createBlob({ size, seed: seed + 1 });
      await expectCode(repository.putBlob(descriptor, other.open), "DIGEST_MISMATCH");
      expect(await repository.headBlob(descriptor.digest)).toBeUndefined();
      expect(await repository.headBlob(other.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "putBlob of too few bytes throws SIZE_MISMATCH and stores nothing",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size, seed });
      const short = (await bytesOfBlob(blob)).subarray(0, size - 1);
      const put = repository.putBlob(blob.descriptor, async () => bytesOf(short));
      await expectCode(put, "SIZE_MISMATCH");
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "putBlob of too many bytes throws SIZE_MISMATCH and stores nothing",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size, seed });
      const bytes = await bytesOfBlob(blob);
      const put = repository.putBlob(blob.descriptor, async () => bytesOf(bytes, Uint8Array.of(0)));
      await expectCode(put, "SIZE_MISMATCH");
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "putBlob rejects with what its opener throws and stores nothing",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const { descriptor } = createBlob({ size, seed });
      const broken = new Error("the source is gone");
      await expect(repository.putBlob(descriptor, () => Promise.reject(broken))).rejects.toBe(broken);
      expect(await repository.headBlob(descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "putBlob rejects with what its source throws on the way, stores nothing, and can be done again",
    needs: ["write"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size, seed });
      const broken = new Error("the source broke off");
      const bytes = await bytesOfBlob(blob);
      const put = repository.putBlob(blob.descriptor, async () =>
        breakingOff(bytes.subarray(0, 1000), broken),
      );
      await expect(put).rejects.toBe(broken);
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
      await upload(repository, blob);
    },
  },
  {
    title: "mountBlob takes a blob over from the repository that is named",
    needs: ["write", "mount"],
    run: async ({ repository, sibling, seed }) => {
      const blob = createBlob({ size, seed });
      const { repository: from } = sibling("from");
      await upload(from, blob);
      const mounted = await repository.mountBlob(blob.descriptor.digest, { from: from.name });
      expect(mounted).toMatchObject({ digest: blob.descriptor.digest });
      const content = await repository.getBlob(blob.descriptor.digest);
      expectBytes(await contentOf(content), await bytesOfBlob(blob));
    },
  },
  {
    title: "mountBlob of a blob that is not there is undefined, and nothing appears",
    needs: ["write", "mount"],
    run: async ({ repository, sibling, seed }) => {
      const { digest } = createBlob({ size, seed }).descriptor;
      const { repository: from } = sibling("from");
      await upload(from, createBlob({ size: 1, seed }));
      expect(await repository.mountBlob(digest, { from: from.name })).toBeUndefined();
      expect(await repository.headBlob(digest)).toBeUndefined();
    },
  },
  {
    title: "mountBlob looks only in the repository that is named",
    needs: ["write", "mount"],
    run: async ({ repository, sibling, seed }) => {
      const blob = createBlob({ size, seed });
      await upload(sibling("has-it").repository, blob);
      const { repository: from } = sibling("lacks-it");
      await upload(from, createBlob({ size: 1, seed }));
      expect(await repository.mountBlob(blob.descriptor.digest, { from: from.name })).toBeUndefined();
    },
  },
  {
    title: "mountBlob without a source finds the blob wherever it is",
    needs: ["write", "mountFromAnywhere"],
    run: async ({ repository, sibling, seed }) => {
      const blob = createBlob({ size, seed });
      await upload(sibling("somewhere").repository, blob);
      const mounted = await repository.mountBlob(blob.descriptor.digest);
      expect(mounted).toMatchObject({ digest: blob.descriptor.digest });
      expect(await repository.headBlob(blob.descriptor.digest)).toMatchObject({ size });
    },
  },
];

async function* breakingOff(bytes: Uint8Array, error: Error): Bytes {
  yield bytes;
  throw error;
}
