import { bytesOf, type UploadSession } from "@drayage/oci";
import { expect } from "vitest";
import { bytesOfBlob, createBlob } from "../fixture/blob.ts";
import type { RepositoryCase } from "./case.ts";
import { contentOf, expectBytes, expectCode } from "./expect.ts";

const needs = ["write", "upload"] as const;

/** A blob that is sent in two halves, each as large as a chunk has to be. */
async function inHalves({ minChunk = 0 }: UploadSession, seed: number) {
  const half = Math.max(100_000, minChunk);
  const blob = createBlob({ size: 2 * half, seed });
  return { blob, bytes: await bytesOfBlob(blob), half, size: 2 * half };
}

export const uploadCases: readonly RepositoryCase[] = [
  {
    title: "an upload in pieces publishes the blob when it is committed, and not before",
    needs,
    run: async ({ repository, seed }) => {
      const session = await repository.openUpload();
      const { blob, bytes, half, size } = await inHalves(session, seed);
      expect(session.offset).toBe(0);
      expect(await session.append(bytesOf(bytes.subarray(0, half)))).toBe(half);
      expect(session.offset).toBe(half);
      expect(await session.append(bytesOf(bytes.subarray(half)), { at: half })).toBe(size);
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
      expect(await session.commit(blob.descriptor.digest)).toMatchObject({
        digest: blob.descriptor.digest,
        size,
      });
      expectBytes(await contentOf(await repository.getBlob(blob.descriptor.digest)), bytes);
    },
  },
  {
    title: "the status of an upload is how many bytes the registry has",
    needs,
    run: async ({ repository, seed }) => {
      const bytes = await bytesOfBlob(createBlob({ size: 1000, seed }));
      const session = await repository.openUpload();
      expect(await session.status()).toBe(0);
      await session.append(bytesOf(bytes));
      expect(await session.status()).toBe(1000);
    },
  },
  {
    title: "an upload is continued by its id from another repository object",
    needs,
    run: async ({ registry, repository, seed }) => {
      const begun = await repository.openUpload();
      const { blob, bytes, half } = await inHalves(begun, seed);
      await begun.append(bytesOf(bytes.subarray(0, half)));
      const continued = await registry.repository(repository.name).openUpload({ id: begun.id });
      expect(continued.offset).toBe(half);
      await continued.append(bytesOf(bytes.subarray(half)), { at: continued.offset });
      await continued.commit(blob.descriptor.digest);
      expectBytes(await contentOf(await repository.getBlob(blob.descriptor.digest)), bytes);
    },
  },
  {
    title: "an append at another place than the offset throws RANGE_INVALID, and the upload lives on",
    needs,
    run: async ({ repository, seed }) => {
      const session = await repository.openUpload();
      const { blob, bytes, half } = await inHalves(session, seed);
      await session.append(bytesOf(bytes.subarray(0, half)));
      await expectCode(session.append(bytesOf(bytes.subarray(half)), { at: half + 1 }), "RANGE_INVALID");
      await expectCode(session.append(bytesOf(bytes), { at: 0 }), "RANGE_INVALID");
      expect(await session.status()).toBe(half);
      await session.append(bytesOf(bytes.subarray(half)), { at: half });
      await session.commit(blob.descriptor.digest);
      expectBytes(await contentOf(await repository.getBlob(blob.descriptor.digest)), bytes);
    },
  },
  {
    title: "a commit with a digest that the bytes do not have throws DIGEST_INVALID and publishes nothing",
    needs,
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size: 200_000, seed });
      const wrong = createBlob({ size: 200_000, seed: seed + 1 }).descriptor.digest;
      const session = await repository.openUpload();
      await session.append(await blob.open(0));
      await expectCode(session.commit(wrong), "DIGEST_INVALID");
      expect(await repository.headBlob(wrong)).toBeUndefined();
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "an upload that was committed is gone",
    needs,
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size: 1000, seed });
      const session = await repository.openUpload();
      await session.append(await blob.open(0));
      await session.commit(blob.descriptor.digest);
      await expectCode(session.status(), "BLOB_UPLOAD_UNKNOWN");
      await expectCode(repository.openUpload({ id: session.id }), "BLOB_UPLOAD_UNKNOWN");
    },
  },
  {
    title: "an upload that was cancelled is gone, and its bytes with it",
    needs,
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size: 1000, seed });
      const session = await repository.openUpload();
      await session.append(await blob.open(0));
      await session.cancel();
      await expectCode(session.status(), "BLOB_UPLOAD_UNKNOWN");
      await expectCode(session.append(await blob.open(0)), "BLOB_UPLOAD_UNKNOWN");
      await expectCode(session.commit(blob.descriptor.digest), "BLOB_UPLOAD_UNKNOWN");
      expect(await repository.headBlob(blob.descriptor.digest)).toBeUndefined();
    },
  },
  {
    title: "cancelling an upload that is gone is success",
    needs,
    run: async ({ repository }) => {
      const session = await repository.openUpload();
      await session.cancel();
      await expect(session.cancel()).resolves.toBeUndefined();
    },
  },
  {
    title: "an upload of one repository cannot be continued in another",
    needs,
    run: async ({ repository, sibling }) => {
      const { id } = await repository.openUpload();
      await expectCode(sibling("other").repository.openUpload({ id }), "BLOB_UPLOAD_UNKNOWN");
    },
  },
  {
    title: "an empty upload publishes the empty blob",
    needs,
    run: async ({ repository }) => {
      const empty = createBlob({ size: 0 }).descriptor;
      const session = await repository.openUpload();
      expect(await session.commit(empty.digest)).toMatchObject({ digest: empty.digest, size: 0 });
      expect(await repository.headBlob(empty.digest)).toMatchObject({ size: 0 });
    },
  },
  {
    title: "two uploads at the same time do not mix",
    needs,
    run: async ({ repository, seed }) => {
      const uploaded = await Promise.all(
        [seed, -seed].map(async (each) => {
          const session = await repository.openUpload();
          const { blob, bytes, half } = await inHalves(session, each);
          await session.append(bytesOf(bytes.subarray(0, half)));
          await session.append(bytesOf(bytes.subarray(half)));
          return session.commit(blob.descriptor.digest);
        }),
      );
      for (const { digest, size } of uploaded) {
        expect(await repository.headBlob(digest)).toMatchObject({ size });
      }
    },
  },
  {
    title: "an upload can be committed under a sha512 digest",
    needs: [...needs, "sha512"],
    run: async ({ repository, seed }) => {
      const blob = createBlob({ size: 200_000, seed }, { algorithm: "sha512" });
      const session = await repository.openUpload({ algorithm: "sha512" });
      await session.append(await blob.open(0));
      await session.commit(blob.descriptor.digest);
      expectBytes(await contentOf(await repository.getBlob(blob.descriptor.digest)), await bytesOfBlob(blob));
    },
  },
  {
    title: "an append whose source breaks off leaves an upload that can be continued",
    needs,
    run: async ({ repository, seed }) => {
      const session = await repository.openUpload();
      const { blob, bytes, half } = await inHalves(session, seed);
      await session.append(bytesOf(bytes.subarray(0, half)));
      const broken = new Error("the source broke off");
      const breakingOff = async function* () {
        yield bytes.subarray(half, half + 1000);
        throw broken;
      };
      await expect(session.append(breakingOff())).rejects.toBe(broken);
      const at = await session.status();
      expect([half, half + 1000]).toContain(at);
      await session.append(bytesOf(bytes.subarray(at)), { at });
      await session.commit(blob.descriptor.digest);
      expectBytes(await contentOf(await repository.getBlob(blob.descriptor.digest)), bytes);
    },
  },
];
