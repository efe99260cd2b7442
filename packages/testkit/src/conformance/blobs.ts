import { expect } from "vitest";
import {
  blobPath,
  expectContent,
  expectRefusal,
  expectStatus,
  headerOf,
  type ConformanceCase,
} from "./case.ts";
import { createWireBlob, expectPushed, pushAtOnce, pushStreamed, pushWithPut } from "./push.ts";

const size = 5000;

/** Ranges of a blob of 5,000 bytes, and what they name of it. */
const ranges: Readonly<Record<string, readonly [start: number, end: number]>> = {
  "bytes=0-9": [0, 9],
  "bytes=100-199": [100, 199],
  "bytes=4990-": [4990, 4999],
  "bytes=-10": [4990, 4999],
  "bytes=4990-9999": [4990, 4999],
  "bytes=-9999": [0, 4999],
};

const rangeCases = Object.entries(ranges).map(
  ([range, [start, end]]): ConformanceCase => ({
    title: `Range: ${range} is 206 with those bytes`,
    run: async (context) => {
      const { wire, name, seed } = context;
      const blob = createWireBlob({ size, seed });
      expectStatus(await pushWithPut(context, blob), 201);
      const answer = expectStatus(
        await wire("GET", blobPath(name, blob.digest), { headers: { range } }),
        206,
      );
      expect(headerOf(answer, "content-range")).toBe(`bytes ${start}-${end}/${size}`);
      expect(headerOf(answer, "content-length")).toBe(String(end - start + 1));
      expect(answer.body.equals(blob.bytes.subarray(start, end + 1))).toBe(true);
    },
  }),
);

const unsatisfiableCases = ["bytes=500-0", `bytes=${size}-`, "bytes=999999-1000000"].map(
  (range): ConformanceCase => ({
    title: `Range: ${range} is 416`,
    run: async (context) => {
      const blob = createWireBlob({ size, seed: context.seed });
      expectStatus(await pushWithPut(context, blob), 201);
      const target = blobPath(context.name, blob.digest);
      expectStatus(await context.wire("GET", target, { headers: { range } }), 416);
    },
  }),
);

/** Blobs that all repositories have in common, which must come back after they were deleted. */
const sharedCases = Object.entries({ "the empty blob": "", "the empty object": "{}" }).flatMap(
  ([title, text]) =>
    Object.entries({ "one POST": pushAtOnce, "POST and PUT": pushWithPut, "a stream": pushStreamed }).map(
      ([way, push]): ConformanceCase => ({
        title: `${title} is pushed by ${way}, deleted, and pushed again`,
        run: async (context) => {
          const blob = createWireBlob(Buffer.from(text));
          for (let round = 0; round < 2; round++) {
            await expectPushed(context, await push(context, blob), blob);
            expectStatus(await context.wire("DELETE", blobPath(context.name, blob.digest)), 202);
            expectStatus(await context.wire("GET", blobPath(context.name, blob.digest)), 404);
          }
        },
      }),
    ),
);

export const blobCases: readonly ConformanceCase[] = [
  {
    title: "a blob that was never pushed is 404 to GET, HEAD and DELETE",
    run: async ({ wire, name, seed }) => {
      const { digest } = createWireBlob({ size: 10, seed });
      expectRefusal(await wire("GET", blobPath(name, digest)), 404, "BLOB_UNKNOWN");
      expectStatus(await wire("HEAD", blobPath(name, digest)), 404);
      expectRefusal(await wire("DELETE", blobPath(name, digest)), 404, "BLOB_UNKNOWN");
    },
  },
  {
    title: "a blob of another repository is 404 here",
    run: async (context) => {
      const { wire, name, other, seed } = context;
      const blob = createWireBlob({ size: 10, seed });
      expectStatus(await pushAtOnce({ ...context, name: other }, blob), 201);
      expectStatus(await wire("GET", blobPath(name, blob.digest)), 404);
      await expectContent(wire, blobPath(other, blob.digest), blob);
    },
  },
  {
    title: "a blob that is here already can be pushed again",
    run: async (context) => {
      const blob = createWireBlob({ size: 10, seed: context.seed });
      for (const push of [pushWithPut, pushAtOnce, pushWithPut]) {
        await expectPushed(context, await push(context, blob), blob);
      }
    },
  },
  ...sharedCases,
  ...rangeCases,
  ...unsatisfiableCases,
];
