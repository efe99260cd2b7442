import { expect } from "vitest";
import {
  blobPath,
  endOf,
  expectRefusal,
  expectStatus,
  headerOf,
  uploadsPath,
  withQuery,
  type ConformanceCase,
} from "./case.ts";
import {
  closeUpload,
  createWireBlob,
  expectPushed,
  openUpload,
  patchChunk,
  pushAtOnce,
  pushByAnonymousMount,
  pushByMount,
  pushInChunks,
  pushInOneChunk,
  pushStreamed,
  pushWithPut,
  type Push,
} from "./push.ts";

/** Every way in which the distribution-spec lets a blob be pushed. */
export const pushes: Readonly<Record<string, Push>> = {
  "one POST": pushAtOnce,
  "POST and PUT": pushWithPut,
  "one chunk": pushInOneChunk,
  "a stream": pushStreamed,
  "a mount": pushByMount,
  "a mount from anywhere": pushByAnonymousMount,
  "three chunks": pushInChunks(),
  "three chunks, the last with the PUT": pushInChunks({ isLastPut: true }),
  "three chunks out of order": pushInChunks({ isOutOfOrder: true }),
  "three chunks out of order, the last with the PUT": pushInChunks({ isLastPut: true, isOutOfOrder: true }),
};

const algorithms = ["sha256", "sha512"] as const;

const pushCases = algorithms.flatMap((algorithm) =>
  Object.entries(pushes).map(
    ([way, push]): ConformanceCase => ({
      title: `a ${algorithm} blob is pushed by ${way}, pulled, deleted, and gone`,
      run: async (context) => {
        const { wire, name, seed } = context;
        const blob = createWireBlob({ size: 4097, seed }, algorithm);
        expectStatus(await wire("GET", blobPath(name, blob.digest)), 404);
        await expectPushed(context, await push(context, blob), blob);
        expectStatus(await wire("DELETE", blobPath(name, blob.digest)), 202);
        expectStatus(await wire("HEAD", blobPath(name, blob.digest)), 404);
        await expectPushed(context, await push(context, blob), blob);
      },
    }),
  ),
);

/** The ways that send bytes, which a wrong digest has to be found in. */
const sending = Object.entries(pushes).filter(([way]) => !way.includes("mount") && !way.includes("order"));

const wrongDigestCases = algorithms.flatMap((algorithm) =>
  sending.map(
    ([way, push]): ConformanceCase => ({
      title: `a ${algorithm} digest of other bytes is 400 when pushed by ${way}, and nothing is stored`,
      run: async (context) => {
        const { wire, name, seed } = context;
        const { digest } = createWireBlob({ size: 10, seed }, algorithm);
        const { bytes } = createWireBlob({ size: 4097, seed: seed + 1 });
        expectRefusal(await push(context, { digest, bytes }), 400, "DIGEST_INVALID");
        expectStatus(await wire("HEAD", blobPath(name, digest)), 404);
      },
    }),
  ),
);

const mountCases: readonly ConformanceCase[] = [
  {
    title: "a mount of a blob that the source has not is an upload (202)",
    run: async (context) => {
      const { name, other, seed } = context;
      const blob = createWireBlob({ size: 100, seed });
      const { location } = await openUpload(context, `?mount=${blob.digest}&from=${other}`);
      expectStatus(await context.wire("HEAD", blobPath(name, blob.digest)), 404);
      await expectPushed(context, await closeAll(context, location, blob), blob);
    },
  },
  {
    title: "a mount from anywhere of a blob that nobody has is an upload (202)",
    run: async (context) => {
      const blob = createWireBlob({ size: 100, seed: context.seed });
      const { location } = await openUpload(context, `?mount=${blob.digest}`);
      await expectPushed(context, await closeAll(context, location, blob), blob);
    },
  },
  {
    title: "a mount says where the blob is in this repository",
    run: async (context) => {
      const blob = createWireBlob({ size: 100, seed: context.seed });
      const answer = expectStatus(await pushByMount(context, blob), 201);
      expect(headerOf(answer, "location")).toBe(blobPath(context.name, blob.digest));
    },
  },
];

function closeAll(
  { wire }: Parameters<Push>[0],
  location: string,
  { digest, bytes }: Parameters<Push>[1],
): ReturnType<Push> {
  return wire("PUT", withQuery(location, `digest=${digest}`), { body: bytes });
}

const sessionCases: readonly ConformanceCase[] = [
  {
    title: "an upload tells how far it is, and where it goes on",
    run: async (context) => {
      const { wire, seed } = context;
      const blob = createWireBlob({ size: 3000, seed });
      const { location } = await openUpload(context);
      const chunk = blob.bytes.subarray(0, 2000);
      expectStatus(await patchChunk(context, { location, start: 0, chunk }), 202);
      const status = expectStatus(await wire("GET", location), 204);
      expect(endOf(status)).toBe(1999);
      const rest = { location: headerOf(status, "location"), start: 2000, chunk: blob.bytes.subarray(2000) };
      const last = expectStatus(await patchChunk(context, rest), 202);
      const closed = await closeUpload(context, headerOf(last, "location"), blob.digest);
      await expectPushed(context, closed, blob);
    },
  },
  {
    title: "a location that was given earlier stays good: a chunk again is 416, a look is 204",
    run: async (context) => {
      const { wire, seed } = context;
      const { bytes } = createWireBlob({ size: 2000, seed });
      const { location } = await openUpload(context);
      expectStatus(await patchChunk(context, { location, start: 0, chunk: bytes }), 202);
      expectStatus(await patchChunk(context, { location, start: 0, chunk: bytes }), 416);
      expect(endOf(expectStatus(await wire("GET", location), 204))).toBe(1999);
    },
  },
  {
    title: "an upload that is cancelled is gone",
    run: async (context) => {
      const { location } = await openUpload(context);
      expectStatus(await context.wire("DELETE", location), 204);
      expectRefusal(await context.wire("GET", location), 404, "BLOB_UPLOAD_UNKNOWN");
      const { bytes, digest } = createWireBlob({ size: 2000, seed: context.seed });
      expectStatus(await patchChunk(context, { location, start: 0, chunk: bytes }), 404);
      expectStatus(await closeUpload(context, location, digest), 404);
    },
  },
  {
    title: "an upload can be started for an algorithm, and for none that is unknown",
    run: async (context) => {
      const blob = createWireBlob({ size: 100, seed: context.seed }, "sha512");
      const { location } = await openUpload(context, "?digest-algorithm=sha512");
      await expectPushed(context, await closeAll(context, location, blob), blob);
      const refused = await context.wire("POST", `${uploadsPath(context.name)}?digest-algorithm=md5`);
      expectRefusal(refused, 400, "DIGEST_INVALID");
    },
  },
  {
    title: "an upload that is closed without a digest stays open",
    run: async (context) => {
      const { wire, seed } = context;
      const blob = createWireBlob({ size: 100, seed });
      const { location } = await openUpload(context);
      expectRefusal(await wire("PUT", location, { body: blob.bytes }), 400, "DIGEST_INVALID");
      await expectPushed(context, await closeAll(context, location, blob), blob);
    },
  },
];

export const uploadCases: readonly ConformanceCase[] = [
  ...pushCases,
  ...wrongDigestCases,
  ...mountCases,
  ...sessionCases,
];
