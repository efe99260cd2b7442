import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, mediaType, type Digest } from "@drayage/oci";
import { expect, onTestFinished, test } from "vitest";
import { startRegistry, startRegistryOverBucket, type RegistryProcess } from "./registry-process.ts";
import { startS3 } from "./s3-process.ts";

/** 20 are enough to find what breaks often; `npm run soak` does 200. */
const kills = Number(process.env["DRAYAGE_KILLS"] ?? 20);
const repository = "/v2/soak/app";

/** What the registry has said that it has. */
interface Acknowledged {
  readonly manifests: Map<Digest, readonly Digest[]>;
  /** By location, what is being uploaded and how many of its bytes are there. */
  readonly uploads: Map<string, { readonly bytes: Buffer; offset: number }>;
  /** How many requests it has answered. */
  answers: number;
}

let made = 0;
function newBytes(size: number): Buffer {
  return Buffer.alloc(size, `${process.pid} ${made++} `);
}

/** Pushes of all kinds at the same time, until `stop` or until the registry is gone. */
async function pushUntilGone(place: Place, stop: AbortSignal): Promise<void> {
  const until = async (push: () => Promise<void>): Promise<void> => {
    try {
      while (!stop.aborted) await push();
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  };
  await Promise.all([
    until(() => pushImage(place, pushAtOnce)),
    until(() => pushImage(place, pushStreamed)),
    until(() => pushInChunks(place)),
  ]);
}

/** Where to push to, and what it has said. */
interface Place {
  readonly url: string;
  readonly known: Acknowledged;
}

type PushBlob = (place: Place, bytes: Buffer) => Promise<Digest>;

async function send(
  { url, known }: Place,
  target: string,
  { status, ...request }: RequestInit & { readonly status: number },
): Promise<Response> {
  const answer = await fetch(url + target, request);
  known.answers++;
  const body = await answer.arrayBuffer();
  if (answer.status !== status)
    throw new Error(`${target}: ${answer.status} ${Buffer.from(body).toString()}`);
  return answer;
}

async function pushAtOnce(place: Place, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes);
  await send(place, `${repository}/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    body: bytes,
    status: 201,
  });
  return digest;
}

async function pushStreamed(place: Place, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes);
  const opened = await send(place, `${repository}/blobs/uploads/`, { method: "POST", status: 202 });
  const location = opened.headers.get("location") ?? "";
  await send(place, location, { method: "PATCH", body: bytes, status: 202 });
  await send(place, `${location}?digest=${digest}`, { method: "PUT", status: 201 });
  return digest;
}

async function pushImage(place: Place, push: PushBlob): Promise<void> {
  const blobs = [newBytes(1000), newBytes(300_000)];
  const digests: Digest[] = [];
  for (const bytes of blobs) digests.push(await push(place, bytes));
  const [config, ...layers] = blobs.map((bytes, index) => ({
    mediaType: index === 0 ? mediaType.ociConfig : mediaType.ociLayer,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  }));
  const manifest = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers };
  const body = Buffer.from(JSON.stringify(manifest));
  const tag = `v${made % 7}`;
  await send(place, `${repository}/manifests/${tag}`, { method: "PUT", body, status: 201 });
  place.known.manifests.set(digestOf(body), digests);
}

/** Sends chunks and keeps book; every fourth upload is left open for those who come after the kill. */
async function pushInChunks(place: Place): Promise<void> {
  const bytes = newBytes(400_000);
  const opened = await send(place, `${repository}/blobs/uploads/`, { method: "POST", status: 202 });
  const location = opened.headers.get("location") ?? "";
  const upload = { bytes, offset: 0 };
  place.known.uploads.set(location, upload);
  for (let start = 0; start < 300_000; start += 100_000) {
    const body = bytes.subarray(start, start + 100_000);
    const headers = { "content-range": `${start}-${start + 99_999}` };
    await send(place, location, { method: "PATCH", body, headers, status: 202 });
    upload.offset = start + 100_000;
  }
  if (made % 4 === 0) return;
  const closing = { method: "PUT", body: bytes.subarray(300_000), status: 201 };
  place.known.uploads.delete(location); // from here on it may have ended without our knowing
  await send(place, `${location}?digest=${digestOf(bytes)}`, closing);
}

/** Every manifest that was acknowledged is complete, byte for byte. */
async function requireManifests(url: string, { manifests }: Acknowledged): Promise<void> {
  for (const [digest, blobs] of manifests) {
    const manifest = await fetch(`${url}${repository}/manifests/${digest}`);
    expect(digestOf(Buffer.from(await manifest.arrayBuffer()))).toBe(digest);
    for (const blob of blobs) {
      const content = await fetch(`${url}${repository}/blobs/${blob}`);
      expect(digestOf(Buffer.from(await content.arrayBuffer()))).toBe(blob);
    }
  }
}

async function requireTags(url: string): Promise<void> {
  const answer = await fetch(`${url}${repository}/tags/list`);
  if (answer.status === 404) return; // nothing has been stored yet
  const page: unknown = await answer.json();
  const tags = typeof page === "object" && page !== null && "tags" in page ? page.tags : undefined;
  if (!Array.isArray(tags)) throw new Error("no list of tags");
  for (const tag of tags) {
    const { status } = await fetch(`${url}${repository}/manifests/${String(tag)}`, { method: "HEAD" });
    expect([tag, status]).toEqual([tag, 200]);
  }
}

/** Every upload is where it was said to be or further on, and goes on from there. */
async function finishUploads(place: Place): Promise<void> {
  const { url, known } = place;
  const { uploads } = known;
  for (const [location, { bytes, offset }] of uploads) {
    const status = await fetch(url + location);
    expect(status.status).toBe(204);
    const end = Number(status.headers.get("range")?.split("-")[1]);
    const reported = end === 0 ? 0 : end + 1;
    expect(reported).toBeGreaterThanOrEqual(offset);
    const headers = { "content-range": `${reported}-${bytes.byteLength - 1}` };
    const body = bytes.subarray(reported);
    await send(place, `${location}?digest=${digestOf(bytes)}`, { method: "PUT", body, headers, status: 201 });
  }
  uploads.clear();
}

/** What registries stand on one after the other. */
interface Storage {
  readonly start: (round: number) => Promise<RegistryProcess>;
  readonly remove: () => Promise<void>;
}

async function openDirectory(): Promise<Storage> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-kill-"));
  return { start: () => startRegistry(directory), remove: () => rm(directory, { recursive: true }) };
}

/** How long who has been killed in the middle of an upload has it for himself, where others might serve it. */
const lease = 120_000;

async function openBucket(): Promise<Storage> {
  const { place, kill } = await startS3();
  return { start: (round) => startRegistryOverBucket(place, round * lease), remove: kill };
}

test.each([
  ["a directory", openDirectory],
  ["a bucket", openBucket],
])(
  `a registry over %s that is killed ${kills} times while it is pushed to loses nothing that it has acknowledged`,
  {
    timeout: 60_000 + kills * 30_000,
  },
  async (kind, open) => {
    const { start, remove } = await open();
    onTestFinished(remove);
    const all: Acknowledged = { manifests: new Map(), uploads: new Map(), answers: 0 };
    let acknowledged = 0;
    for (let round = 0; round <= kills; round++) {
      const server = await start(round);
      onTestFinished(() => server.kill());
      await requireManifests(server.url, all);
      await requireTags(server.url);
      await finishUploads({ url: server.url, known: all });
      acknowledged += all.manifests.size;
      all.manifests.clear();
      const stop = new AbortController();
      const pushing = pushUntilGone({ url: server.url, known: all }, stop.signal);
      const last = all.answers + Math.random() * 60;
      const isFar = (): boolean => all.answers >= last;
      await expect.poll(isFar, { interval: 1 + Math.random() * 20, timeout: 60_000 }).toBe(true);
      stop.abort();
      await server.kill();
      await pushing;
    }
    expect(acknowledged).toBeGreaterThan(0);
    process.stdout.write(
      `killed ${kills} times over ${kind}, ${acknowledged} manifests acknowledged, none lost\n`,
    );
  },
);
