import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, type StorageDriver } from "@drayage/oci";
import {
  createFilesystemDriver,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
} from "@drayage/registry";
import { openS3Driver } from "@drayage/registry-s3";
import { createS3Emulator } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";

const bytes = Buffer.alloc(300_000, "pushed by everybody ");
const digest = digestOf(bytes);

/** Storage, and the names of all that it holds of blobs and of uploads. */
interface Storage {
  /** One for each registry. */
  readonly drivers: readonly StorageDriver[];
  readonly objects: () => Promise<readonly string[]>;
}

async function inMemory(): Promise<Storage> {
  const driver = createMemoryDriver();
  const objects = async (): Promise<readonly string[]> => {
    const before = await driver.blobs.stat(digest);
    await driver.blobs.remove(digest);
    const after = await driver.blobs.stat(digest);
    return [before, after].flatMap((stat) => (stat === undefined ? [] : [digest]));
  };
  return { drivers: [driver], objects };
}

async function inDirectory(): Promise<Storage> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-parallel-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const objects = async (): Promise<readonly string[]> => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes("documents"));
    return files.map(({ name }) => name);
  };
  return { drivers: [createFilesystemDriver(directory, { durability: "relaxed" })], objects };
}

async function inBucket(instances: number): Promise<Storage> {
  const s3 = await createS3Emulator();
  const { bucket, endpoint, region, identity: credentials, content } = s3;
  const place = { bucket, endpoint, region, credentials };
  const drivers = await Promise.all(Array.from({ length: instances }, () => openS3Driver(place)));
  onTestFinished(async () => {
    for (const driver of drivers) driver.close();
    await s3.close();
  });
  const objects = async (): Promise<readonly string[]> => [
    ...[...content.objects.keys()].filter((key) => /^(data|parts)\//.test(key)),
    ...content.uploads.keys(),
  ];
  return { drivers, objects };
}

/** Pushes the blob over HTTP in one of the ways that clients have. Resolves to the last status. */
async function push(url: string, way: number): Promise<number> {
  const uploads = `${url}/v2/r${way % 2}/blobs/uploads/`;
  if (way % 3 === 0) return statusOf(`${uploads}?digest=${digest}`, "POST", bytes);
  const opened = await fetch(uploads, { method: "POST" });
  const location = url + (opened.headers.get("location") ?? "");
  if (way % 3 === 1) return statusOf(`${location}?digest=${digest}`, "PUT", bytes);
  const half = bytes.byteLength / 2;
  await statusOf(location, "PATCH", bytes.subarray(0, half));
  return statusOf(`${location}?digest=${digest}`, "PUT", bytes.subarray(half));
}

async function statusOf(target: string, method: string, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const answer = await fetch(target, { method, body });
  await answer.arrayBuffer();
  return answer.status;
}

test.each<[string, () => Promise<Storage>]>([
  ["in memory", inMemory],
  ["in a directory", inDirectory],
  ["in a bucket", () => inBucket(1)],
  ["in a bucket that two instances serve", () => inBucket(2)],
])("20 pushes of one blob at the same time are all 201, and leave one object %s", async (_where, open) => {
  const { drivers, objects } = await open();
  const servers = await Promise.all(drivers.map((driver) => listen(createHandler(createRegistry(driver)))));
  onTestFinished(() => Promise.all(servers.map((server) => server.close())).then(() => undefined));
  const pushes = Array.from({ length: 20 }, (_, way) => push(servers[way % servers.length]?.url ?? "", way));
  expect(await Promise.all(pushes)).toEqual(Array.from({ length: 20 }, () => 201));
  for (const { url } of servers) {
    for (const name of ["r0", "r1"]) {
      const answer = await fetch(`${url}/v2/${name}/blobs/${digest}`);
      expect(digestOf(Buffer.from(await answer.arrayBuffer()))).toBe(digest);
    }
  }
  expect(await objects()).toHaveLength(1);
});
