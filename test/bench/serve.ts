// What our registry costs beside the distribution project's, as Debian packages it: both on the same disk, both
// durable, in turns.
//
//   node test/bench/serve.ts [rounds]
import { execFile, spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { startDistribution } from "../src/distribution.ts";
import { digestOf, pushBlob, send } from "./wire.ts";

const rounds = Number(process.argv[2] ?? 5);
const MiB = 1024 * 1024;
const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "drayage-serve-"));
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

interface Server {
  readonly host: string;
  readonly pid: number;
}

async function startOurs(): Promise<Server & { close(): boolean }> {
  const program = join(import.meta.dirname, "serve-directory.ts");
  const child = spawn(process.execPath, [program, join(directory, "ours")], {
    stdio: ["ignore", "pipe", "inherit"],
    // As the command has it.
    env: { ...process.env, UV_THREADPOOL_SIZE: "16" },
  });
  const close = (): boolean => child.kill();
  for await (const host of createInterface({ input: child.stdout }))
    return { host, pid: child.pid ?? 0, close };
  throw new Error("our registry did not start");
}

/** Seconds of processor that a process has used, to the nanosecond; threads that have ended do not count. */
function cpuOf({ pid }: Server): number {
  const used = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]),
  );
  return used.reduce((total, time) => total + time, 0) / 1e9;
}

function peakOf({ pid }: Server): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;
}

let seed = 0;
function noise(size: number): readonly Uint8Array[] {
  const chunks = Array.from({ length: Math.ceil(size / MiB) }, () => Buffer.alloc(Math.min(MiB, size), seed));
  randomFillSync(chunks[0] ?? Buffer.alloc(0), 0, Math.min(size, 64));
  seed++;
  return chunks;
}

/** A way to use a server. Resolves to what it cost; less is better. */
type Measure = (server: Server) => Promise<number>;

const largeBlob = 256 * MiB;

/**
 * Leaves as much free memory as a blob takes in the page cache. A virtual machine that has to get it from its host
 * first pays several times what the upload costs, now for the one server and now for the other.
 */
function touchMemory(): void {
  const path = join(directory, "scratch");
  writeFileSync(path, "");
  for (let written = 0; written < largeBlob + 64 * MiB; written += MiB)
    writeFileSync(path, new Uint8Array(MiB), { flag: "a" });
  rmSync(path);
}

const upload: Measure = async (server) => {
  let used = 0;
  for (let count = 0; count < 4; count++) {
    const chunks = noise(largeBlob);
    touchMemory();
    const before = cpuOf(server);
    await pushBlob(server.host, chunks, { agent });
    used += cpuOf(server) - before;
  }
  return used;
};

const download: Measure = async (server) => {
  const digest = await pushBlob(server.host, noise(largeBlob), { agent });
  const before = cpuOf(server);
  for (let count = 0; count < 4; count++) {
    const target = `/v2/bench/app/blobs/${digest}`;
    const { size } = await send(server.host, { method: "GET", target, agent });
    if (size !== largeBlob) throw new Error(`only ${size} bytes`);
  }
  return cpuOf(server) - before;
};

/** Processor microseconds per request, so that its inverse is requests per second on one core. */
const head: Measure = async (server) => {
  const requests = 4000;
  await pushManifest(server, []);
  const before = cpuOf(server);
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0)
      await send(server.host, { method: "HEAD", target: "/v2/bench/app/manifests/latest", agent });
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return ((cpuOf(server) - before) / requests) * 1e6;
};

/** Seconds for an image of 100 layers of 4 KiB, six at a time as clients do. */
const smallLayers: Measure = async (server) => {
  const layers = Array.from({ length: 100 }, () => noise(4096));
  const start = performance.now();
  const queue = [...layers];
  const worker = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      await send(server.host, {
        method: "HEAD",
        target: `/v2/bench/app/blobs/${digestOf(next)}`,
        agent,
      });
      await pushBlob(server.host, next, { agent });
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  await pushManifest(server, layers);
  return (performance.now() - start) / 1000;
};

async function pushManifest({ host }: Server, layers: readonly (readonly Uint8Array[])[]): Promise<void> {
  const config = [Buffer.from(JSON.stringify({ seed: seed++ }))];
  await pushBlob(host, config, { agent });
  const describe = (mediaType: string, chunks: readonly Uint8Array[]) => ({
    mediaType,
    digest: digestOf(chunks),
    size: chunks.reduce((total, { byteLength }) => total + byteLength, 0),
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const body = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: describe("application/vnd.oci.image.config.v1+json", config),
      layers: layers.map((layer) => describe("application/vnd.oci.image.layer.v1.tar", layer)),
    }),
  );
  const put = { method: "PUT", target: "/v2/bench/app/manifests/latest", agent, chunks: [body] };
  const { status } = await send(host, { ...put, headers: { "content-type": mediaType } });
  if (status !== 201) throw new Error(`${host} answered ${status} to a manifest`);
}

/** Seconds for skopeo to push an image of four layers of 256 MiB, and to pull it again. */
const skopeo: Measure = async ({ host }) => {
  const from = join(directory, `image-${seed}`);
  writeImage(from);
  const to = join(directory, "pulled");
  const reference = `docker://${host}/bench/skopeo:latest`;
  const start = performance.now();
  // Otherwise it compresses the layers, and next to nothing is left to send.
  const copy = ["copy", "--preserve-digests"];
  await run("skopeo", [...copy, "--dest-tls-verify=false", `dir:${from}`, reference]);
  await run("skopeo", [...copy, "--src-tls-verify=false", reference, `dir:${to}`]);
  const seconds = (performance.now() - start) / 1000;
  for (const path of [from, to]) rmSync(path, { recursive: true });
  return seconds;
};

/** An image as skopeo's `dir:` has it. */
function writeImage(path: string): void {
  mkdirSync(path);
  const layers = Array.from({ length: 4 }, () => Buffer.concat(noise(256 * MiB)));
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf([layer])) },
    }),
  );
  const describe = (mediaType: string, bytes: Uint8Array) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(path, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.byteLength };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: describe("application/vnd.oci.image.config.v1+json", config),
    layers: layers.map((layer) => describe("application/vnd.oci.image.layer.v1.tar", layer)),
  };
  writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(path, "version"), "Directory Transport Version: 1.1\n");
}

/** What the ratio of ours to theirs may be at most. */
const measures: Readonly<Record<string, readonly [measure: Measure, limit: number, unit: string]>> = {
  upload: [upload, 0.6, "CPU-s/GiB"],
  download: [download, 1, "CPU-s/GiB"],
  "manifest HEAD": [head, 1, "CPU-µs/request"],
  "100 small layers": [smallLayers, 1, "s"],
  "skopeo push and pull": [skopeo, 1, "s"],
};

const wanted = process.argv[3];
const ours = await startOurs();
const theirs = await startDistribution();
const other: Server = { host: theirs.host, pid: theirs.pid ?? 0 };
let failed = 0;
try {
  for (const [name, [measure, limit, unit]] of Object.entries(measures)) {
    if (wanted !== undefined && !name.includes(wanted)) continue;
    const costs: [number, number][] = [];
    for (let round = 0; round < rounds; round++) {
      // By turns the first, so that neither always finds what the other has left of memory and caches.
      const first = round % 2 === 0 ? [await measure(ours), await measure(other)] : undefined;
      const [their, own] = first?.toReversed() ?? [await measure(other), await measure(ours)];
      costs.push([own ?? NaN, their ?? NaN]);
    }
    const own = median(costs.map(([cost]) => cost));
    const their = median(costs.map(([, cost]) => cost));
    const ratio = median(costs.map(([a, b]) => a / b));
    const verdict = ratio <= limit ? "ok" : "TOO MUCH";
    if (ratio > limit) failed++;
    console.log(
      `${name.padEnd(22)} ${own.toFixed(2)} against ${their.toFixed(2)} ${unit}: ${ratio.toFixed(2)}, at most ${limit}: ${verdict}`,
    );
  }
  if (wanted === undefined || wanted === "memory") failed += await measureMemory();
} finally {
  ours.close();
  await theirs.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
agent.destroy();

async function measureMemory(): Promise<number> {
  const chunks = noise(128 * MiB);
  const many = new Agent({ keepAlive: true, maxSockets: 64 });
  const push = (index: number): Promise<string> =>
    pushBlob(ours.host, [...chunks.slice(1), Buffer.alloc(MiB, `${index}`)], { agent: many });
  await Promise.all(Array.from({ length: 64 }, (_, index) => push(index)));
  many.destroy();
  const peak = peakOf(ours);
  console.log(
    `64 uploads of 128 MiB   ${peak.toFixed(0)} MiB, less than 300: ${peak < 300 ? "ok" : "TOO MUCH"}`,
  );
  return peak < 300 ? 0 : 1;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
