import type { Range } from "@drayage/oci";
import { expect } from "vitest";
import { bytesOfBlob, createBlob } from "../fixture/blob.ts";
import type { RepositoryCase } from "./case.ts";
import { contentOf, expectBytes, expectCode, upload } from "./expect.ts";

const size = 1000;

/** Ranges of a blob of 1000 bytes, and the bytes they mean, both ends included (RFC 9110 §14.1.2). */
const ranges: Readonly<
  Record<string, { readonly range: Range; readonly start: number; readonly end: number }>
> = {
  "the first byte": { range: { start: 0, end: 0 }, start: 0, end: 0 },
  "the last byte": { range: { start: 999, end: 999 }, start: 999, end: 999 },
  "some bytes in the middle": { range: { start: 100, end: 299 }, start: 100, end: 299 },
  "all bytes from a place on": { range: { start: 990 }, start: 990, end: 999 },
  "all bytes": { range: { start: 0 }, start: 0, end: 999 },
  "the last bytes": { range: { suffix: 7 }, start: 993, end: 999 },
  "more last bytes than there are": { range: { suffix: 5000 }, start: 0, end: 999 },
  "an end behind the last byte": { range: { start: 900, end: 5000 }, start: 900, end: 999 },
};

const unsatisfiable: Readonly<Record<string, Range>> = {
  "that starts at the end": { start: size },
  "that starts behind the end": { start: 5000, end: 6000 },
  "of no last bytes": { suffix: 0 },
};

const rangeCases: readonly RepositoryCase[] = Object.entries(ranges).map(([what, { range, start, end }]) => ({
  title: `getBlob with a range gives ${what}`,
  run: async ({ origin, repository, seed }) => {
    const blob = createBlob({ size, seed });
    await upload(origin, blob);
    const content = await repository.getBlob(blob.descriptor.digest, { range });
    expectBytes(await contentOf(content), (await bytesOfBlob(blob)).subarray(start, end + 1));
    expect(content.range).toEqual({ start, end });
    expect(content.descriptor).toMatchObject({ digest: blob.descriptor.digest, size });
  },
}));

const unsatisfiableCases: readonly RepositoryCase[] = Object.entries(unsatisfiable).map(([what, range]) => ({
  title: `getBlob with a range ${what} throws RANGE_INVALID`,
  run: async ({ origin, repository, seed }) => {
    const blob = createBlob({ size, seed });
    await upload(origin, blob);
    await expectCode(repository.getBlob(blob.descriptor.digest, { range }), "RANGE_INVALID");
  },
}));

const sizes: Readonly<Record<string, number>> = {
  "an empty blob": 0,
  "a blob of one byte": 1,
  "a blob of many chunks": 3 * 1024 * 1024 + 1,
};

const sizeCases: readonly RepositoryCase[] = Object.entries(sizes).map(([what, bytes]) => ({
  title: `getBlob gives ${what} as it was put`,
  run: async ({ origin, repository, seed }) => {
    const blob = createBlob({ size: bytes, seed });
    await upload(origin, blob);
    const content = await repository.getBlob(blob.descriptor.digest);
    expect(content.descriptor).toMatchObject({ digest: blob.descriptor.digest, size: bytes });
    expect(content.range).toBeUndefined();
    expectBytes(await contentOf(content), await bytesOfBlob(blob));
    expect(await repository.headBlob(blob.descriptor.digest)).toMatchObject({
      digest: blob.descriptor.digest,
      size: bytes,
    });
  },
}));

export const blobReadCases: readonly RepositoryCase[] = [
  ...sizeCases,
  ...rangeCases,
  ...unsatisfiableCases,
  {
    title: "getBlob of a blob that does not exist throws BLOB_UNKNOWN",
    run: async ({ origin, repository, seed }) => {
      await upload(origin, createBlob({ size: 10, seed }));
      const absent = createBlob({ size: 11, seed }).descriptor.digest;
      await expectCode(repository.getBlob(absent), "BLOB_UNKNOWN");
      await expectCode(repository.getBlob(absent, { range: { start: 0 } }), "BLOB_UNKNOWN");
    },
  },
  {
    title: "headBlob of a blob that does not exist is undefined",
    run: async ({ origin, repository, seed }) => {
      const absent = createBlob({ size: 11, seed }).descriptor.digest;
      expect(await repository.headBlob(absent)).toBeUndefined();
      await upload(origin, createBlob({ size: 10, seed }));
      expect(await repository.headBlob(absent)).toBeUndefined();
    },
  },
  {
    title: "a blob of one repository is not in another (CVE-2024-39897)",
    run: async ({ origin, sibling, seed }) => {
      const blob = createBlob({ size, seed });
      await upload(origin, blob);
      const other = sibling("other");
      await upload(other.origin, createBlob({ size: 1, seed }));
      expect(await other.repository.headBlob(blob.descriptor.digest)).toBeUndefined();
      await expectCode(other.repository.getBlob(blob.descriptor.digest), "BLOB_UNKNOWN");
    },
  },
];
