import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { digestOf, mediaType, type Digest, type StorageDriver } from "@drayage/oci";
import {
  collectGarbage,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
  planGarbage,
  type GarbageReport,
} from "@drayage/registry";
import { openS3Driver } from "@drayage/registry-s3";
import { createS3Emulator } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { startDrayage, textOf } from "./command-process.ts";
import { startRegistry } from "./registry-process.ts";

/** So long on each storage; `npm run soak` takes ten minutes. */
const seconds = Number(process.env["DRAYAGE_GC_SECONDS"] ?? 9);
const repository = "/v2/soak/app";
const layers = Array.from({ length: 30 }, (_, index) => Buffer.alloc(5000, `layer ${index}`));

interface Image {
  readonly digest: Digest;
  readonly tag: string;
  readonly blobs: readonly Digest[];
}

/** What goes on at a registry, which some serve, some push to, and some collect the garbage of. */
interface Scene {
  /** Where it is served, by one or more. */
  readonly urls: readonly string[];
  /** What has been acknowledged and not been deleted. */
  readonly images: Map<Digest, Image>;
  readonly counts: { pushed: number; refused: number; removed: number; collections: number };
  isOver: boolean;
}

function pick<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

/** Sends a request and reads the answer to its end, so that its connection is free. */
async function send(scene: Scene, target: string, request: RequestInit = {}): Promise<SentAnswer> {
  const answer = await fetch(pick(scene.urls) + target, request);
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
}

interface SentAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** As clients do: blobs that are said to be here are not sent. Resolves to whether that was enough. */
async function attempt(scene: Scene, blobs: readonly Buffer[], manifest: Manifest): Promise<boolean> {
  for (const bytes of blobs) {
    const digest = digestOf(bytes);
    const { status } = await send(scene, `${repository}/blobs/${digest}`, { method: "HEAD" });
    if (status === 200) continue;
    const put = await send(scene, `${repository}/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      body: bytes,
    });
    if (put.status !== 201) return refused(scene, put);
  }
  const target = `${repository}/manifests/${manifest.tag}`;
  const put = await send(scene, target, { method: "PUT", body: manifest.bytes });
  return put.status === 201 ? true : refused(scene, put);
}

interface Manifest {
  readonly tag: string;
  readonly bytes: Buffer;
}

/** Nothing else may be wrong but that something has been collected before it was used. */
function refused({ counts }: Scene, { status, body }: SentAnswer): false {
  const isExpected = status === 503 || (status === 400 && body.includes("MANIFEST_BLOB_UNKNOWN"));
  if (!isExpected) throw new Error(`${status} ${body.toString()}`);
  counts.refused++;
  return false;
}

let made = 0;

async function push(scene: Scene): Promise<void> {
  const config = Buffer.from(JSON.stringify({ made: made++ % 20 }));
  const blobs = [config, pick(layers), pick(layers)];
  const descriptors = blobs.map((bytes, index) => ({
    mediaType: index === 0 ? mediaType.ociConfig : mediaType.ociLayer,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  }));
  const tag = `v${made}`;
  const [described, ...rest] = descriptors;
  const manifest = { schemaVersion: 2, mediaType: mediaType.ociManifest, config: described, layers: rest };
  const bytes = Buffer.from(JSON.stringify({ ...manifest, annotations: { tag } }));
  while (!(await attempt(scene, blobs, { tag, bytes })));
  scene.counts.pushed++;
  const digest = digestOf(bytes);
  scene.images.set(digest, { digest, tag, blobs: descriptors.map((each) => each.digest) });
}

/** Deletes most of what is there, so that there is garbage that others just want to use. */
async function prune(scene: Scene): Promise<void> {
  await delay(20);
  for (const { digest } of [...scene.images.values()].slice(0, -3)) {
    scene.images.delete(digest);
    const { status } = await send(scene, `${repository}/manifests/${digest}`, { method: "DELETE" });
    expect(status).toBe(202);
  }
}

/** Pauses between bursts are longer than the time of grace: what was used before them is garbage after them. */
async function pushInBursts(scene: Scene): Promise<void> {
  for (let count = 0; count < 5 && !scene.isOver; count++) await push(scene);
  await delay(Math.random() * 2500);
}

async function check(scene: Scene): Promise<void> {
  await delay(5);
  for (const image of [...scene.images.values()].slice(-3)) await requireWhole(scene, image);
}

async function requireWhole(scene: Scene, image: Image): Promise<void> {
  const targets = [
    ...[image.tag, image.digest].map((at) => [`${repository}/manifests/${at}`, image.digest] as const),
    ...image.blobs.map((digest) => [`${repository}/blobs/${digest}`, digest] as const),
  ];
  for (const [target, digest] of targets) {
    const { status, body } = await send(scene, target);
    if (!scene.images.has(image.digest)) return; // deleted meanwhile
    expect([target, status, digestOf(body)]).toEqual([target, 200, digest]);
  }
}

/**
 * Everything at once for a while, then a last look at all that has been acknowledged. Resolves to how often the rarest
 * of what should happen has happened.
 */
async function run(urls: readonly string[], collect: (scene: Scene) => Promise<void>): Promise<number> {
  const counts = { pushed: 0, refused: 0, removed: 0, collections: 0 };
  const scene: Scene = { urls, images: new Map(), counts, isOver: false };
  const repeat = async (act: (scene: Scene) => Promise<void>): Promise<void> => {
    try {
      while (!scene.isOver) await act(scene);
    } finally {
      scene.isOver = true;
    }
  };
  const rarest = (): number => Math.min(counts.pushed, counts.removed, counts.collections);
  const begun = performance.now();
  // On a busy machine it takes until everything has happened.
  const end = setInterval(() => {
    if (performance.now() - begun > seconds * 1000 && rarest() > 0) scene.isOver = true;
  }, 50);
  await Promise.all([pushInBursts, pushInBursts, pushInBursts, prune, check, collect].map(repeat));
  clearInterval(end);
  for (const image of scene.images.values()) await requireWhole(scene, image);
  const { pushed, refused: again, removed, collections } = counts;
  process.stdout.write(
    `${pushed} images pushed, ${again} requests repeated, ${removed} blobs removed by ${collections} collections, nothing broken\n`,
  );
  return rarest();
}

const timeout = 60_000 + seconds * 2000;

test("a directory whose garbage is collected by other processes, some of them killed, loses no acknowledged image (S26)", {
  timeout,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), "drayage-gc-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const server = await startRegistry(directory);
  onTestFinished(() => server.kill());
  const collecting = async ({ counts }: Scene): Promise<void> => {
    const grace = ["--grace", "1s", "--untagged", "1s"];
    const child = startDrayage(["gc", "--storage", directory, ...grace, "--json"]);
    const kill =
      counts.collections % 3 === 2
        ? setTimeout(() => child.kill("SIGKILL"), 200 + Math.random() * 400)
        : undefined;
    const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    clearTimeout(kill);
    counts.collections++;
    if (stdout === "" && kill !== undefined) return;
    expect(stderr).toBe("");
    const report: unknown = JSON.parse(stdout);
    if (typeof report === "object" && report !== null && "links" in report)
      counts.removed += Number(report.links);
  };
  expect(await run([server.url], collecting)).toBeGreaterThan(0);
});

const serve = async (driver: StorageDriver): Promise<string> => {
  const server = await listen(createHandler(createRegistry(driver)));
  onTestFinished(() => server.close());
  return server.url;
};

/** Lets all of them collect at the same time. */
const collectBy =
  (drivers: readonly StorageDriver[], pause: number) =>
  async ({ counts }: Scene): Promise<void> => {
    const collect = async (driver: StorageDriver): Promise<GarbageReport> =>
      collectGarbage(driver, await planGarbage(driver, { grace: 1000, untagged: 1000 }));
    const reports = await Promise.all(drivers.map(collect));
    counts.collections += reports.length;
    counts.removed += reports.reduce((total, { links }) => total + links, 0);
    await delay(pause);
  };

test("a storage in memory that two serve and two collect the garbage of loses no acknowledged image (S26)", {
  timeout,
}, async () => {
  const driver = createMemoryDriver();
  const urls = [await serve(driver), await serve(driver)];
  expect(await run(urls, collectBy([driver, driver], 5))).toBeGreaterThan(0);
});

test("a bucket that two serve and two collect the garbage of loses no acknowledged image (S26)", {
  timeout,
}, async () => {
  const s3 = await createS3Emulator();
  onTestFinished(() => s3.close());
  const { bucket, endpoint, identity: credentials, region } = s3;
  const open = async (): Promise<StorageDriver> => {
    const driver = await openS3Driver({ bucket, endpoint, credentials, region });
    onTestFinished(() => driver.close());
    return driver;
  };
  const urls = [await serve(await open()), await serve(await open())];
  const collectors = [await open(), await open()];
  expect(await run(urls, collectBy(collectors, 500))).toBeGreaterThan(0);
});
