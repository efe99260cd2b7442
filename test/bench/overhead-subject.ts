// One subject of overhead.ts, in a process of its own: does its work once for each line on stdin, and prints the
// seconds of CPU and of the clock that it took.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { createClient } from "@drayage/client";
import { manifestMediaTypes, parseDigest } from "@drayage/oci";
import { Agent, request } from "undici";

const [subject = "", host = "", size = "", first = "", second = ""] = process.argv.slice(2);
const [manifest, blob] = [parseDigest(first), parseDigest(second)];
/** Requests under way at a time; as many as the client permits by default. */
const concurrency = 8;

const client = createClient();
const repository = client.repository(`${host}/library/app`);
const dispatcher = new Agent();
/** What the client sends as well, so that both ask the same. */
const headers = {
  "user-agent": "drayage",
  "accept-encoding": "identity",
  accept: manifestMediaTypes.join(", "),
};

const subjects: Readonly<Record<string, () => Promise<void>>> = {
  "manifests, undici": () => inParallel(Number(size), getManifestByHand),
  "manifests, client": () => inParallel(Number(size), () => repository.getManifest(manifest)),
  "download, undici": downloadByHand,
  "download, client": download,
};
const run = subjects[subject];
if (run === undefined) throw new Error(`no such subject: ${subject}`);

for await (const _line of createInterface(process.stdin)) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1e6, (performance.now() - start) / 1000);
}
await client.close();
await dispatcher.close();

/** As little as there is to do: neither checked nor parsed. */
async function getManifestByHand(): Promise<void> {
  const { body } = await request(`http://${host}/v2/library/app/manifests/${manifest}`, {
    dispatcher,
    headers,
  });
  await body.bytes();
}

async function downloadByHand(): Promise<void> {
  const { body } = await request(`http://${host}/v2/library/app/blobs/${blob}`, { dispatcher, headers });
  const hash = createHash("sha256");
  for await (const chunk of body) hash.update(parseChunk(chunk));
  if (`sha256:${hash.digest("hex")}` !== blob) throw new Error("not the blob");
}

async function download(): Promise<void> {
  const { body } = await repository.getBlob(blob);
  let received = 0;
  for await (const chunk of body) received += chunk.byteLength;
  if (received !== Number(size) * 1024 * 1024) throw new Error("not the blob");
}

async function inParallel(count: number, work: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

function parseChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("not bytes");
}
