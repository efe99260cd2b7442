import { digestOf, type Digest, type DigestAlgorithm } from "@drayage/oci";
import { expect } from "vitest";
import {
  blobPath,
  endOf,
  expectContent,
  expectStatus,
  headerOf,
  uploadsPath,
  withQuery,
  type ConformanceContext,
} from "./case.ts";
import { noise } from "../fixture/noise.ts";
import type { WireAnswer } from "./wire.ts";

/** A blob with its bytes at hand. */
export interface WireBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** What one upload is told to do; resolves to the answer that ends it. */
export type Push = (context: ConformanceContext, blob: WireBlob) => Promise<WireAnswer>;

/** The least that chunks of the suite have, where the registry does not want more. */
const leastChunk = 1024;
const binary = { "content-type": "application/octet-stream" };

export function createWireBlob(
  content: Uint8Array | { readonly size: number; readonly seed: number },
  algorithm: DigestAlgorithm = "sha256",
): WireBlob {
  const bytes = content instanceof Uint8Array ? content : noiseOf(content);
  return { digest: digestOf(bytes, algorithm), bytes };
}

function noiseOf({ size, seed }: { readonly size: number; readonly seed: number }): Uint8Array {
  return Buffer.concat([...noise(seed, size)].map((segment) => segment.bytes()));
}

/** Opens an upload. Resolves to its location and the least that its chunks may have. */
export async function openUpload(
  { wire, name }: ConformanceContext,
  query = "",
): Promise<{ readonly location: string; readonly minChunk: number }> {
  const answer = expectStatus(await wire("POST", uploadsPath(name) + query), 202);
  const least = Number(answer.headers["oci-chunk-min-length"] ?? 0);
  return { location: headerOf(answer, "location"), minChunk: Math.max(least, leastChunk) };
}

/** `POST` with the digest and the whole blob. */
export const pushAtOnce: Push = ({ wire, name }, { digest, bytes }) =>
  wire("POST", `${uploadsPath(name)}?digest=${digest}`, { headers: binary, body: bytes });

/** `POST`, then `PUT` with the whole blob. */
export const pushWithPut: Push = async (context, { digest, bytes }) => {
  const { location } = await openUpload(context);
  return context.wire("PUT", withQuery(location, `digest=${digest}`), { headers: binary, body: bytes });
};

/** `POST`, `PATCH` with one chunk, `PUT`. */
export const pushInOneChunk: Push = async (context, blob) => {
  const { location } = await openUpload(context);
  const patched = await patchChunk(context, { location, start: 0, chunk: blob.bytes });
  expectStatus(patched, 202);
  return closeUpload(context, headerOf(patched, "location"), blob.digest);
};

/** `POST`, `PATCH` whose length nobody says, `PUT`. */
export const pushStreamed: Push = async (context, { digest, bytes }) => {
  const { location } = await openUpload(context);
  const patched = await context.wire("PATCH", location, { headers: binary, body: bytes, isStreamed: true });
  expectStatus(patched, 202);
  return closeUpload(context, headerOf(patched, "location"), digest);
};

/** A mount from the other repository, which gets the blob first. */
export const pushByMount: Push = async (context, blob) => {
  const { wire, name, other } = context;
  expectStatus(await pushWithPut({ ...context, name: other }, blob), 201);
  return wire("POST", `${uploadsPath(name)}?mount=${blob.digest}&from=${other}`);
};

/** A mount that does not say where from. */
export const pushByAnonymousMount: Push = async (context, blob) => {
  const { wire, name, other } = context;
  expectStatus(await pushWithPut({ ...context, name: other }, blob), 201);
  return wire("POST", `${uploadsPath(name)}?mount=${blob.digest}`);
};

export interface ChunkPush {
  /** The last chunk comes with the `PUT`. */
  readonly isLastPut?: boolean;
  /** Sends a chunk too early and one twice, and expects that the upload goes on all the same. */
  readonly isOutOfOrder?: boolean;
}

/** `POST`, three chunks, `PUT`. */
export function pushInChunks({ isLastPut = false, isOutOfOrder = false }: ChunkPush = {}): Push {
  return async (context, { digest, bytes }) => {
    const opened = await openUpload(context);
    const size = Math.max(opened.minChunk, Math.ceil(bytes.byteLength / 3));
    let { location } = opened;
    for (let start = 0; start < bytes.byteLength; start += size) {
      const chunk = bytes.subarray(start, start + size);
      const isLast = start + size >= bytes.byteLength;
      const method = isLast && isLastPut ? "PUT" : "PATCH";
      const target = method === "PUT" ? withQuery(location, `digest=${digest}`) : location;
      if (isOutOfOrder) location = await sendOutOfOrder(context, { method, target, location, start, chunk });
      const next = method === "PUT" ? withQuery(location, `digest=${digest}`) : location;
      const answer = await patchChunk(context, { method, location: next, start, chunk });
      if (method === "PUT") return answer;
      expectStatus(answer, 202);
      expect(endOf(answer)).toBe(start + chunk.byteLength - 1);
      location = headerOf(answer, "location");
    }
    return closeUpload(context, location, digest);
  };
}

interface Misplaced {
  readonly method: string;
  readonly target: string;
  readonly location: string;
  /** Where the chunk belongs. */
  readonly start: number;
  readonly chunk: Uint8Array;
}

/** Sends the chunk where it does not belong. Resolves to where the upload goes on. */
async function sendOutOfOrder(
  context: ConformanceContext,
  { method, target, location, start, chunk }: Misplaced,
): Promise<string> {
  const wrong = start === 0 ? chunk.byteLength : 0;
  expectStatus(await patchChunk(context, { method, location: target, start: wrong, chunk }), 416);
  const status = expectStatus(await context.wire("GET", location), 204);
  expect(endOf(status)).toBe(Math.max(start - 1, 0));
  return headerOf(status, "location");
}

/** Sends one chunk with its range. */
export function patchChunk(
  { wire }: ConformanceContext,
  {
    method = "PATCH",
    location,
    start,
    chunk,
  }: {
    readonly method?: string;
    readonly location: string;
    readonly start: number;
    readonly chunk: Uint8Array;
  },
): Promise<WireAnswer> {
  const range = `${start}-${start + chunk.byteLength - 1}`;
  return wire(method, location, { headers: { ...binary, "content-range": range }, body: chunk });
}

/** The `PUT` without a body that ends an upload. */
export function closeUpload(
  { wire }: ConformanceContext,
  location: string,
  digest: string,
): Promise<WireAnswer> {
  const headers = { ...binary, "content-length": "0" };
  return wire("PUT", withQuery(location, `digest=${digest}`), { headers });
}

/** Passes if the answer says that the blob is here, and it is. */
export async function expectPushed(
  { wire, name }: ConformanceContext,
  answer: WireAnswer,
  blob: WireBlob,
): Promise<void> {
  expectStatus(answer, 201);
  expect(headerOf(answer, "docker-content-digest")).toBe(blob.digest);
  await expectContent(wire, headerOf(answer, "location"), blob);
  await expectContent(wire, blobPath(name, blob.digest), blob);
}
