import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "@drayage/client";
import { digestOf, fromStatic, type Bytes } from "@drayage/oci";
import { createBlob, createImage, pushImage, testCertificate } from "@drayage/testkit";
import { hashSync } from "bcryptjs";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { drayage, startDrayage, textOf } from "./command-process.ts";
import { freePort } from "./port.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "drayage-serve-"));
});
afterEach(() => rm(home, { recursive: true }));

/** A file in `home`. Resolves to its path. */
async function file(name: string, content: string): Promise<string> {
  const path = join(home, name);
  await writeFile(path, content);
  return path;
}

/** The command as it serves, from the moment that it has told its URL. */
interface Served {
  readonly url: string;
  readonly port: number;
  /** Sends SIGTERM. */
  stop(): void;
  /** Resolves to the exit status, and the lines on stdout behind the URL. */
  readonly ended: Promise<{ readonly status: number | null; readonly lines: readonly string[] }>;
  readonly stderr: Promise<string>;
}

async function serve(...args: readonly string[]): Promise<Served> {
  const child = startDrayage(["serve", ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const closed = once(child, "close");
  const stderr = textOf(child.stderr);
  const lines: string[] = [];
  const url = await new Promise<string>((resolve) => {
    createInterface(child.stdout)
      .once("line", resolve)
      .on("line", (line) => lines.push(line));
  });
  const ended = closed.then(() => ({ status: child.exitCode, lines: lines.slice(1) }));
  return { url, port: Number(url.split(":").at(-1)), stop: () => void child.kill("SIGTERM"), ended, stderr };
}

const local = ["--listen", "127.0.0.1:0"];

/** A connection on which a chunk of ten bytes has been asked for, and is still to be sent. */
async function beginChunk({ port }: Served, location: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  const head = [`PATCH ${location} HTTP/1.1`, "Host: x", "Content-Length: 10", "Expect: 100-continue"];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await once(socket, "data");
  return socket;
}

async function beginUpload({ url }: Served): Promise<string> {
  const response = await fetch(`${url}/v2/app/blobs/uploads/`, { method: "POST" });
  expect(response.status).toBe(202);
  return response.headers.get("location") ?? "";
}

/** `bytes`, of which those behind `after` come only when `until` is there. */
async function* pausing(
  bytes: Bytes,
  {
    after,
    reached,
    until,
  }: { readonly after: number; readonly reached: () => void; readonly until: Promise<void> },
): AsyncGenerator<Uint8Array, void, undefined> {
  let passed = 0;
  for await (const chunk of bytes) {
    yield chunk;
    passed += chunk.byteLength;
    if (passed < after) continue;
    reached();
    await until;
  }
}

/** How many bytes all files below a folder have. */
async function storedIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("drayage serve, told to stop", () => {
  test("lets an upload finish that does so in time, and takes nothing new", async () => {
    const server = await serve(...local);
    const location = await beginUpload(server);
    const socket = await beginChunk(server, location);
    server.stop();
    await expect
      .poll(() => fetch(`${server.url}/v2/`, { headers: { connection: "close" } }).catch(() => "refused"))
      .toBe("refused");
    socket.write("0123456789");
    const answer: unknown[] = await once(socket, "data");
    expect(String(answer[0])).toMatch(/^HTTP\/1\.1 202 [^]*range: 0-9/i);
    expect(await server.ended).toMatchObject({ status: 0 });
  });

  test("keeps what has come of one that does not, so that its client goes on there after a restart", async () => {
    const storage = ["--storage", join(home, "data")];
    const server = await serve(...local, ...storage, "--grace", "1s");
    const location = await beginUpload(server);
    const socket = await beginChunk(server, location);
    socket.write("01234");
    server.stop();
    expect(await server.ended).toMatchObject({ status: 0 });

    const next = await serve(...local, ...storage);
    const progress = await fetch(next.url + location);
    expect([progress.status, progress.headers.get("range")]).toEqual([204, "0-4"]);
    const digest = digestOf(Buffer.from("0123456789"));
    const rest = await fetch(`${next.url}${location}?digest=${digest}`, { method: "PUT", body: "56789" });
    expect([rest.status, rest.headers.get("docker-content-digest")]).toEqual([201, digest]);
  });

  test("our client goes on with the next server where the one before has stopped", async () => {
    const port = await freePort();
    const args = ["--listen", `127.0.0.1:${port}`, "--storage", join(home, "data"), "--grace", "0s"];
    const first = await serve(...args);
    const blob = createBlob({ size: 12_000_000, seed: 3 });
    const half = Promise.withResolvers<void>();
    const restarted = Promise.withResolvers<void>();
    const offsets: number[] = [];
    await using client = createClient({ retry: { minDelay: 50, maxDelay: 500, attempts: 40 } });
    const repository = client.registry(`127.0.0.1:${port}`).repository("app");
    const pushed = repository.putBlob(blob.descriptor, async (offset, options) => {
      offsets.push(offset);
      const bytes = await blob.open(offset, options);
      return offset === 0
        ? pausing(bytes, { after: 6_000_000, reached: half.resolve, until: restarted.promise })
        : bytes;
    });
    await half.promise;
    await expect.poll(() => storedIn(join(home, "data"))).toBeGreaterThan(1_000_000);
    first.stop();
    expect(await first.ended).toMatchObject({ status: 0 });
    await serve(...args);
    restarted.resolve();
    expect(await pushed).toBe("uploaded");
    expect(offsets).toHaveLength(2);
    expect(offsets[1]).toBeGreaterThan(1_000_000);
    const { body } = await repository.getBlob(blob.descriptor.digest);
    let size = 0;
    for await (const chunk of body) size += chunk.byteLength;
    expect(size).toBe(blob.descriptor.size);
  });

  test("ends at once where nothing is under way", async () => {
    const server = await serve(...local);
    await (await fetch(`${server.url}/v2/`)).text(); // kept alive
    server.stop();
    expect(await server.ended).toMatchObject({ status: 0 });
  });
});

describe("drayage serve --tls-cert --tls-key", () => {
  test("speaks HTTPS, and does not warn of passwords in the clear", async () => {
    const cert = await file("cert.pem", testCertificate.cert);
    const key = await file("key.pem", testCertificate.key);
    const users = await file("users", `me:${hashSync("pw", 4)}\n`);
    const server = await serve(
      "--listen",
      "0.0.0.0:0",
      "--tls-cert",
      cert,
      "--tls-key",
      key,
      "--htpasswd",
      users,
    );
    expect(server.url).toMatch(/^https:\/\/0\.0\.0\.0:[0-9]+$/);
    const host = `registry.test:${server.port}`;
    await using client = createClient({
      credentials: fromStatic(host, { username: "me", password: "pw" }),
      hosts: { [host]: { ca: testCertificate.cert } },
      network: { lookup: (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]) },
    });
    await pushImage(client.registry(host).repository("app"), createImage(), { tags: ["v1"] });
    server.stop();
    expect(await server.ended).toMatchObject({ status: 0 });
    expect(await server.stderr).not.toContain("unencrypted");
  });

  test.each([
    [["--tls-cert", "cert.pem"], /--tls-cert needs --tls-key \(OPTION_INVALID\)/],
    [["--tls-cert", "none.pem", "--tls-key", "none.pem"], /--tls-cert: cannot read none\.pem/],
  ])("%j is wrong usage", async (args, message) => {
    const { status, stderr } = await drayage(["serve", ...local, ...args]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe("drayage serve --config", () => {
  test("takes options from the file, and the command line before it", async () => {
    const config = await file("serve.yaml", "listen: 127.0.0.1:1\nstorage: data\nread-only: false\n");
    const server = await serve("--config", config, ...local);
    await beginUpload(server);
    expect((await stat(join(home, "data"))).isDirectory()).toBe(true);
    server.stop();
    await server.ended;
    expect(await server.stderr).toBe("");
  });

  test.each([
    [
      "serve.yaml",
      "listen: 127.0.0.1:0\nstorag: data\n",
      ':2: there is no option "storag"; there are listen, ',
    ],
    [
      "serve.json",
      '{\n  "grace": "soon"\n}',
      ':2: --grace needs a time such as 90s, 15m, 24h or 7d, not "soon"',
    ],
    ["serve.yaml", "storage: gs://bucket\n", ":1: --storage needs a directory"],
    ["serve.yaml", "\ntoken-service: true\n", ":2: --token-service needs --htpasswd"],
    ["serve.yaml", "\n\npolicy: none.json\n", ":3: --policy: cannot read "],
    ["serve.yaml", "tls-key: none.pem\n", ":1: --tls-key needs --tls-cert"],
    ["serve.yaml", "access-log: none/log\nlisten: 127.0.0.1:0\n", ":1: --access-log: cannot write "],
  ])("%s: %j is wrong usage, with the line", async (name, content, message) => {
    const config = await file(name, content);
    const { status, stdout, stderr } = await drayage(["serve", "--config", config]);
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(`${config}${message}`)]);
  });
});

describe("drayage serve --access-log", () => {
  test("writes a line of JSON for every request, with no secret in it (S25)", async () => {
    const password = "c4n4ry-pw";
    const users = await file("users", `me:${hashSync(password, 4)}\n`);
    const log = join(home, "access.jsonl");
    await writeFile(log, '{"earlier":true}\n');
    const server = await serve(...local, "--htpasswd", users, "--access-log", log);
    const basic = Buffer.from(`me:${password}`).toString("base64");
    const headers = { authorization: `Basic ${basic}`, "user-agent": "test/1", "x-request-id": "mine" };
    await (await fetch(`${server.url}/v2/app/tags/list?last=${password}`, { headers })).text();
    await (await fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${password}` } })).text();
    server.stop();
    await server.ended;
    const text = await readFile(log, "utf8");
    expect([text.includes(password), text.includes(basic)]).toEqual([false, false]);
    const [earlier, first, second, ...more] = text
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(earlier).toEqual({ earlier: true });
    const { time, sent, milliseconds, ...rest } = Object(first) as Readonly<Record<string, unknown>>;
    expect(String(time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect([Number(sent) > 0, Number(milliseconds) > 0]).toEqual([true, true]);
    expect(rest).toEqual({
      id: "mine",
      address: "127.0.0.1",
      user: "me",
      method: "GET",
      path: "/v2/app/tags/list",
      status: 404,
      complete: true,
      received: 0,
      agent: "test/1",
    });
    expect(second).toMatchObject({ path: "/v2/", status: 401 });
    expect(more).toEqual([]);
  });

  test("- prints them behind the URL", async () => {
    const server = await serve(...local, "--access-log", "-");
    await (await fetch(`${server.url}/livez`)).text();
    server.stop();
    const { lines } = await server.ended;
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ path: "/livez", status: 200 }]);
  });
});

test("drayage serve answers at /livez and /readyz without a login, and stops being ready when its disk is gone", async () => {
  const users = await file("users", `me:${hashSync("pw", 4)}\n`);
  const storage = join(home, "data");
  const server = await serve(...local, "--htpasswd", users, "--storage", storage);
  const statusOf = async (path: string): Promise<number> => (await fetch(server.url + path)).status;
  expect([await statusOf("/livez"), await statusOf("/readyz")]).toEqual([200, 200]);
  await rm(storage, { recursive: true });
  await writeFile(storage, "a file in its place");
  await expect.poll(() => statusOf("/readyz")).toBe(503);
  expect(await statusOf("/livez")).toBe(200);
});
