import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bytesOf, digestOf, readAll } from "@drayage/oci";
import { createImage } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { ask } from "../../../fixture/serve.ts";
import { createRegistry } from "../../registry.ts";
import { createFilesystemDriver } from "../filesystem.ts";

const program = fileURLToPath(new URL("../../../fixture/server.ts", import.meta.url));
const bytes = Buffer.alloc(8 * 1024 * 1024, "0123456789");
const digest = digestOf(bytes);
const uploads = "/v2/a/b/blobs/uploads/";

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A registry in a process of its own. */
async function start(directory: string): Promise<{ readonly url: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, ["--conditions=@drayage/source", program, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => kill(child));
  for await (const url of createInterface({ input: child.stdout })) return { url, kill: () => kill(child) };
  throw new Error("the server did not start");
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Sends the first `count` bytes of a PATCH of all, and waits until the server has some of them. */
async function sendSome(url: string, location: string, count: number): Promise<void> {
  const patch = request(`${url}${location}`, {
    method: "PATCH",
    headers: { "content-length": bytes.byteLength },
  });
  patch.on("error", () => undefined);
  patch.write(bytes.subarray(0, count));
  await expect.poll(() => offsetOf(url, location), { interval: 5, timeout: 5000 }).toBeGreaterThan(1_000_000);
}

async function offsetOf(url: string, location: string): Promise<number> {
  const { headers } = await ask({ url }, "GET", location);
  const end = Number(headers["range"]?.split("-")[1] ?? 0);
  return end === 0 ? 0 : end + 1;
}

test("an upload whose server is killed goes on where its bytes end, after the restart", async () => {
  const directory = await newDirectory();
  const before = await start(directory);
  const location = (await ask(before, "POST", uploads)).headers.location ?? "";
  await sendSome(before.url, location, 5_000_000);
  await before.kill();

  const after = await start(directory);
  const offset = await offsetOf(after.url, location);
  expect(offset).toBeGreaterThan(1_000_000);
  expect(offset).toBeLessThanOrEqual(5_000_000);
  expect((await ask(after, "HEAD", `/v2/a/b/blobs/${digest}`)).status).toBe(404);
  const headers = { "content-range": `${offset}-${bytes.byteLength - 1}` };
  const closed = await ask(after, "PUT", `${location}?digest=${digest}`, {
    body: bytes.subarray(offset),
    headers,
  });
  expect(closed.status).toBe(201);
  expect((await ask(after, "GET", `/v2/a/b/blobs/${digest}`)).body.equals(bytes)).toBe(true);
});

test("what was acknowledged is there after the server was killed, and nothing else is visible (S15)", async () => {
  const directory = await newDirectory();
  const server = await start(directory);
  const image = createImage();
  for (const { descriptor, open } of image.blobs) {
    const body = await readAll(await open(0), { limit: descriptor.size });
    expect((await ask(server, "POST", `${uploads}?digest=${descriptor.digest}`, { body })).status).toBe(201);
  }
  const location = (await ask(server, "POST", uploads)).headers.location ?? "";
  await sendSome(server.url, location, 5_000_000);
  const body = image.document.bytes;
  expect((await ask(server, "PUT", "/v2/a/b/manifests/v1", { body })).status).toBe(201);
  await server.kill();

  const repository = createRegistry(createFilesystemDriver(directory)).repository("a/b");
  expect((await repository.getManifest("v1")).bytes).toEqual(Buffer.from(body));
  for (const { descriptor } of image.blobs) {
    const { body: content } = await repository.getBlob(descriptor.digest);
    expect(digestOf(await readAll(content, { limit: descriptor.size }))).toBe(descriptor.digest);
  }
  expect(await repository.headBlob(digest)).toBeUndefined();
});

test("many pushes of one blob at the same time leave one file, and no drafts", async () => {
  const directory = await newDirectory();
  const registry = createRegistry(createFilesystemDriver(directory, { durability: "relaxed" }));
  const content = bytes.subarray(0, 100_000);
  const descriptor = {
    mediaType: "application/octet-stream",
    digest: digestOf(content),
    size: content.byteLength,
  };
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      registry.repository(`r${n % 2}`).putBlob(descriptor, async () => bytesOf(content)),
    ),
  );
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = files.filter((file) => file.isFile() && !file.parentPath.includes("documents"));
  expect(names.map(({ name }) => name)).toEqual([descriptor.digest.slice("sha256:".length)]);
});

test("a document that cannot be put into place leaves no draft", async () => {
  const directory = await newDirectory();
  await mkdir(join(directory, "documents", "a", "b="), { recursive: true });
  const { documents } = createFilesystemDriver(directory);
  await expect(documents.put("a/b", Buffer.from("x"))).rejects.toThrow("EISDIR");
  expect(await readdir(join(directory, "temporary"))).toEqual([]);
});
