// What requests cost in a repository of 100,000 tags and manifests beside one of 100: on a disk, in turns.
//
//   node test/bench/growth.ts [manifests]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManifestDocument, mapConcurrent, mediaType, type Descriptor, type Digest } from "@drayage/oci";
import { createFilesystemDriver, createHandler, createRegistry, listen } from "@drayage/registry";
import { createBlob } from "@drayage/testkit";
import { Agent } from "node:http";
import { send } from "./wire.ts";

const large = Number(process.argv[2] ?? 100_000);
const small = 100;
const rounds = 200;
const directory = mkdtempSync(join(tmpdir(), "drayage-growth-"));
const driver = createFilesystemDriver(directory, { durability: "relaxed" });
const registry = createRegistry(driver);
const server = await listen(createHandler(registry));
const agent = new Agent({ keepAlive: true });

interface Filled {
  readonly name: string;
  readonly manifest: Digest;
  readonly blob: Digest;
  readonly subject: Digest;
}

/** A repository of so many manifests with a tag each, one of which has three referrers. */
async function fill(name: string, count: number): Promise<Filled> {
  const repository = registry.repository(name);
  const { descriptor, open } = createBlob(Buffer.from("{}"), { mediaType: mediaType.ociEmpty });
  await repository.putBlob(descriptor, open);
  const put = async (number: number, subject?: Descriptor): Promise<Descriptor> => {
    const document = createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [],
      annotations: { number: String(number) },
      ...(subject === undefined ? {} : { subject }),
    });
    const tags = subject === undefined ? [`v${number}`] : [];
    return repository.putManifest(document, { tags });
  };
  const numbers = Array.from({ length: count }, (_, index) => index);
  const [first] = await mapConcurrent(numbers, 8, (number) => put(number));
  if (first === undefined) throw new Error("nothing was put");
  for (const number of [1, 2, 3]) await put(number, first);
  return { name, manifest: first.digest, blob: descriptor.digest, subject: first.digest };
}

/** What is asked of a repository, and how much more it may cost in a large one. */
const requests: Readonly<
  Record<string, readonly [method: string, target: (filled: Filled) => string, limit: number]>
> = {
  "first page of tags": ["GET", ({ name }) => `/v2/${name}/tags/list?n=100`, 3],
  "a page of tags further on": ["GET", ({ name }) => `/v2/${name}/tags/list?n=100&last=v5`, 3],
  referrers: ["GET", ({ name, subject }) => `/v2/${name}/referrers/${subject}`, 1.2],
  "manifest HEAD by tag": ["HEAD", ({ name }) => `/v2/${name}/manifests/v0`, 1.2],
  "manifest HEAD by digest": ["HEAD", ({ name, manifest }) => `/v2/${name}/manifests/${manifest}`, 1.2],
  "blob HEAD": ["HEAD", ({ name, blob }) => `/v2/${name}/blobs/${blob}`, 1.2],
};

async function timeOf(method: string, target: string): Promise<number> {
  const start = performance.now();
  const { status } = await send(server.host, { method, target, agent });
  if (status !== 200) throw new Error(`${method} ${target} is ${status}`);
  return performance.now() - start;
}

let failed = 0;
try {
  const few = await fill("few", small);
  const many = await fill("many", large);
  for (const [name, [method, targetOf, limit]] of Object.entries(requests)) {
    const times: [number, number][] = [];
    for (let round = 0; round < rounds; round++) {
      times.push([await timeOf(method, targetOf(few)), await timeOf(method, targetOf(many))]);
    }
    const [a, b] = [median(times.map(([time]) => time)), median(times.map(([, time]) => time))];
    const ratio = b / a;
    if (ratio > limit) failed++;
    console.log(
      `${name.padEnd(26)} ${b.toFixed(2)} ms of ${large} against ${a.toFixed(2)} of ${small}: ${ratio.toFixed(2)}, at most ${limit}: ${ratio > limit ? "TOO MUCH" : "ok"}`,
    );
  }
} finally {
  agent.destroy();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
