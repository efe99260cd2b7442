import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPlatform, MemoryRegistry, type Registry } from "@drayage/oci";
import { createHandler, listen, type RegistryServer } from "@drayage/registry";
import { createArtifact, createImage, createIndex, createS3Emulator, pushImage } from "@drayage/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { root } from "./workspace.ts";

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let registry: Registry;
let server: RegistryServer;
let other: Registry;
let otherServer: RegistryServer;
const children = new Set<ChildProcess>();

let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "drayage-cache-"));
});
afterAll(() => rm(cache, { recursive: true }));

beforeEach(async () => {
  registry = new MemoryRegistry({ now: () => 0 });
  other = new MemoryRegistry({ now: () => 0 });
  server = await listen(createHandler(registry));
  otherServer = await listen(createHandler(other));
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all([server.close(), otherServer.close()]);
});

function start(args: readonly string[]) {
  const bin = join(root, "packages/cli/src/bin.ts");
  const command = ["--conditions=@drayage/source", bin, ...args];
  const child = spawn(process.execPath, command, {
    // Sources are stripped of their types once, not by every process.
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  return child;
}

async function drayage(...args: readonly string[]): Promise<Ended> {
  const child = start(args);
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  await once(child, "close");
  children.delete(child);
  return { status: child.exitCode, stdout: await stdout, stderr: await stderr };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const platforms = ["linux/amd64", "linux/arm64"];
const index = createIndex({
  manifests: platforms.map((platform, seed) => createImage({ platform, seed })),
  annotations: { "org.example.note": "\u001b]0;owned\u0007 and \u202eback" },
});
const { digest } = index.document.descriptor;

describe("drayage copy", () => {
  it("copies an index with its tag, then finds it unchanged", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const [from, to] = [`${server.host}/app:v1`, `${otherServer.host}/mirror/app`];
    const first = await drayage("copy", from, to);
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(first.stdout).toMatch(
      /^copied \S+\/mirror\/app:v1@sha256:\S+\n {2}3 manifests; blobs: 4 uploaded \(\S+ kB\), 0 mounted, 0 there already\n$/,
    );
    expect(await other.repository("mirror/app").headManifest("v1")).toEqual(index.document.descriptor);
    const second = await drayage("copy", from, to);
    expect(second).toEqual({ status: 0, stdout: `${to}:v1@${digest} is there already\n`, stderr: "" });
  });

  it("prints one JSON document with --json, and mounts within one registry", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const { status, stdout } = await drayage(
      "copy",
      "--json",
      `${server.host}/app:v1`,
      `${server.host}/b:v2`,
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      descriptor: index.document.descriptor,
      status: "copied",
      blobs: { uploaded: 0, mounted: 4, present: 0 },
      bytes: 0,
      manifests: 3,
    });
  });

  it("only says what it would do with --plan", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const to = `${otherServer.host}/app`;
    const text = await drayage("copy", "--plan", `${server.host}/app:v1`, to);
    expect(text.stdout.split("\n").slice(0, 2)).toEqual([
      `would publish ${to}:v1@${digest}`,
      "  3 manifests, and 0 that are there already",
    ]);
    const json = await drayage("copy", "--plan", "--json", `${server.host}/app:v1`, to);
    expect(JSON.parse(json.stdout)).toMatchObject({
      root: { digest },
      tags: ["v1"],
      stages: [[{}, {}], [{}]],
    });
    expect(await other.repository("app").headManifest("v1")).toBeUndefined();
  });

  it("copies one platform under every tag that DST shall have, and what refers to it", async () => {
    const [image] = index.manifests;
    if (image === undefined) throw new Error("an index of nothing");
    const platform = formatPlatform(image.platform ?? { os: "none", architecture: "none" });
    const subject = image.document.descriptor;
    const signature = createArtifact({ artifactType: "application/vnd.example.signature", subject });
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    await pushImage(registry.repository("app"), signature);
    const to = `${otherServer.host}/app:one`;
    const options = ["--platform", platform, "--referrers", "--tag", "two"];
    const { stdout, status } = await drayage("copy", ...options, `${server.host}/app:v1`, to);
    expect(status).toBe(0);
    expect(stdout).toContain(subject.digest);
    const copied = other.repository("app");
    for (const tag of ["one", "two"]) expect((await copied.headManifest(tag))?.digest).toBe(subject.digest);
    const referrers = await Array.fromAsync(copied.listReferrers(subject.digest));
    expect(referrers.map(({ digest }) => digest)).toEqual([signature.document.descriptor.digest]);
    expect(await copied.headManifest(digest)).toBeUndefined();
  });

  it("writes nothing if SRC is not the digest that DST names", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const wrong = createImage({ seed: 9 }).document.descriptor.digest;
    const to = `${otherServer.host}/app:v1@${wrong}`;
    const { status, stderr } = await drayage("copy", `${server.host}/app:v1`, to);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^drayage: source: .*\(DIGEST_MISMATCH\)\n$/);
    expect(await other.repository("app").headManifest("v1")).toBeUndefined();
  });

  it("says at which side it failed, in text and as JSON", async () => {
    const args = ["copy", `${server.host}/absent:v1`, `${otherServer.host}/app`];
    const text = await drayage(...args);
    expect(text).toMatchObject({ status: 1, stdout: "" });
    expect(text.stderr).toMatch(/^drayage: source: .*\(MANIFEST_UNKNOWN\)\n$/);
    const json = await drayage(...args, "--json");
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "MANIFEST_UNKNOWN", side: "source" } });
  });

  it("ends with 130 when it is interrupted, and has published nothing", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    try {
      const address = silent.address();
      const port = typeof address === "object" ? (address?.port ?? 0) : 0;
      const child = start(["copy", `127.0.0.1:${port}/app:v1`, `${otherServer.host}/app`]);
      const stderr = textOf(child.stderr);
      await once(silent, "request");
      child.kill("SIGINT");
      await once(child, "close");
      expect(child.exitCode).toBe(130);
      expect(await stderr).toBe("");
      expect(await other.repository("app").headManifest("v1")).toBeUndefined();
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});

describe("drayage shows", () => {
  it("the repositories of a registry and the tags of a repository", async () => {
    await pushImage(registry.repository("team/app"), createImage(), { tags: ["v1", "v2"] });
    await pushImage(registry.repository("app"), createImage(), { tags: ["v1"] });
    expect(await drayage("ls", server.host)).toEqual({ status: 0, stdout: "app\nteam/app\n", stderr: "" });
    expect(await drayage("ls", `${server.host}/team/app`)).toMatchObject({ stdout: "v1\nv2\n" });
    const json = await drayage("ls", "--json", `${server.host}/team/app`);
    expect(json.stdout).toBe('{"tag":"v1"}\n{"tag":"v2"}\n');
  });

  it("a digest, or fails with 1 where there is none", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    expect(await drayage("digest", `${server.host}/app:v1`)).toMatchObject({
      status: 0,
      stdout: `${digest}\n`,
    });
    const absent = await drayage("digest", `${server.host}/app:v2`);
    const stderr = `drayage: there is no ${server.host}/app:v2 (MANIFEST_UNKNOWN)\n`;
    expect(absent).toEqual({ status: 1, stdout: "", stderr });
  });

  it("a manifest byte for byte", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const { stdout } = await drayage("manifest", "get", `${server.host}/app:v1`);
    expect(stdout).toBe(new TextDecoder().decode(index.document.bytes));
    const json = await drayage("manifest", "get", "--json", `${server.host}/app:v1`);
    expect(JSON.parse(json.stdout)).toMatchObject({ descriptor: { digest }, manifest: { schemaVersion: 2 } });
  });

  it("C24: what an index consists of, with control characters made visible", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const { status, stdout, stderr } = await drayage("inspect", `${server.host}/app:v1`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    // Compression, and so digests of layers, may differ from one version of Node to the next.
    const shown = stdout.replace(server.host, "localhost:5000").replace(/[0-9a-f]{64}/g, "…");
    expect(shown).toMatchSnapshot();
    const json = await drayage("inspect", "--json", `${server.host}/app:v1`);
    expect(json.stdout).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(json.stdout)).toMatchObject({
      descriptor: { digest },
      manifests: [{ platform: "linux/amd64", labels: { seed: "0" } }, { platform: "linux/arm64" }],
    });
  });

  it("whether a registry answers", async () => {
    const answer = await drayage("ping", "--json", server.host);
    expect(answer.status).toBe(0);
    expect(JSON.parse(answer.stdout)).toMatchObject({ registry: server.host });
  });

  it("nothing more when its reader has gone, without complaint", async () => {
    const tags = Array.from({ length: 20_000 }, (_, number) => `a-tag-with-a-long-name-${number}`);
    await pushImage(registry.repository("app"), createImage(), { tags });
    const child = start(["ls", `${server.host}/app`]);
    const stderr = textOf(child.stderr);
    await once(child.stdout, "data");
    child.stdout.destroy();
    await once(child, "close");
    expect({ status: child.exitCode, stderr: await stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe("wrong usage ends with 2 and asks nobody", () => {
  it.each([
    [["nonsense"], /^drayage: there is no command "nonsense" \(OPTION_INVALID\)\n/],
    [["copy", "localhost:1/a"], /^drayage: DST is missing \(OPTION_INVALID\)\n$/],
    [["ls", "localhost:1", "--unknown"], /^drayage: Unknown option '--unknown' \(OPTION_INVALID\)\n$/],
    [["digest", "localhost:1/UPPER"], /\((?:REFERENCE|NAME)_INVALID\)\n$/],
    [
      ["copy", "docker://localhost:1/a", "localhost:1/b"],
      /^drayage: "docker:" cannot be used as a location here \(OPTION_INVALID\)\n/,
    ],
    [
      ["manifest", "eat", "localhost:1/a"],
      /^drayage: there is no verb "eat"; there are get, head, put, delete /,
    ],
    [["blob"], /^drayage: a verb is missing; there are get, head, put, mount, delete \(OPTION_INVALID\)\n$/],
    [["serve", "--listen", "5000"], /^drayage: --listen needs HOST:PORT, not "5000" \(OPTION_INVALID\)\n$/],
  ])("drayage %j", async (args, message) => {
    const { status, stdout, stderr } = await drayage(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("drayage explains itself", () => {
  it("in general, and by version", async () => {
    const [help, version, short] = await Promise.all([
      drayage("--help"),
      drayage("--version"),
      drayage("-v"),
    ]);
    expect(help).toMatchObject({ status: 0, stderr: "" });
    expect(help.stdout).toMatchSnapshot();
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(short).toEqual(version);
  });

  it("for each command, whatever else is given", async () => {
    const { status, stdout } = await drayage("serve", "--help", "--read-only");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^drayage serve \[OPTION\]\.\.\.\n/);
    const [verb, same] = await Promise.all([drayage("blob", "get", "-h"), drayage("help", "blob", "get")]);
    expect(verb.stdout).toMatch(/^drayage blob get REPOSITORY@DIGEST \[OPTION\]\.\.\.\n/);
    expect(same).toEqual(verb);
  });
});

describe("drayage serve", () => {
  it("fails where another program listens", async () => {
    const { status, stderr } = await drayage("serve", "--listen", server.host);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `drayage: cannot listen on ${server.host}: EADDRINUSE (UNAVAILABLE)\n  another host or port may be free\n`,
    );
  });

  /** A served registry, once it has printed its URL. */
  async function served(...args: readonly string[]) {
    const child = start(["serve", "--listen", "127.0.0.1:0", ...args]);
    const url = await new Promise((resolve) => child.stdout.once("data", resolve));
    const host = String(url).trim().replace("http://", "");
    const stop = async (signal: "SIGTERM" | "SIGINT") => {
      child.kill(signal);
      await once(child, "close");
      return child.exitCode;
    };
    return { host, stop, stderr: child.stderr };
  }

  /** Starts an upload at a registry, and resolves to the status of the answer. */
  async function startUpload(host: string): Promise<number> {
    return (await fetch(`http://${host}/v2/app/blobs/uploads/`, { method: "POST" })).status;
  }

  it("tells what it failed at, and serves on when nobody reads that any more", async () => {
    const storage = await mkdtemp(join(tmpdir(), "drayage-serve-"));
    onTestFinished(() => rm(storage, { recursive: true }));
    const { host, stop, stderr } = await served("--storage", storage);
    await rm(storage, { recursive: true });
    await writeFile(storage, "a file in its place");
    const told = new Promise((resolve) => stderr.once("data", resolve));
    expect(await startUpload(host)).toBe(503);
    expect(String(await told)).toMatch(
      /^POST \/v2\/app\/blobs\/uploads\/ failed: the disk cannot be used: ENOTDIR \(request [\w-]+\)\n$/,
    );
    stderr.destroy();
    expect([await startUpload(host), await startUpload(host)]).toEqual([503, 503]);
    expect(await stop("SIGTERM")).toBe(0);
  });

  it("does not start where it cannot write, except to serve what is there", async () => {
    const storage = join(import.meta.dirname, "cli.test.ts", "below-a-file");
    const refused = await drayage("serve", "--listen", "127.0.0.1:0", "--storage", storage);
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toBe(
      "drayage: the disk cannot be used: ENOTDIR (UNAVAILABLE)\n" +
        "  --storage needs a place that can be written to; with --read-only it need not be\n",
    );
    const { stop } = await served("--storage", storage, "--read-only");
    expect(await stop("SIGTERM")).toBe(0);
  });

  it("leaves nothing behind of its trial to write", async () => {
    const storage = await mkdtemp(join(tmpdir(), "drayage-serve-"));
    onTestFinished(() => rm(storage, { recursive: true }));
    const { stop } = await served("--storage", storage);
    await stop("SIGTERM");
    const files = await readdir(storage, { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toEqual([]);
  });

  it.each([
    [["--listen", "0.0.0.0:0"], /^Whoever reaches this address can push and delete; --htpasswd asks/],
    [["--listen", "0.0.0.0:0", "--read-only"], /^Content is kept in memory/],
    [[], /^Content is kept in memory/],
  ])("warns whoever opens it to the world: %j", async (args, warning) => {
    const { stop, stderr } = await served(...args);
    const said = textOf(stderr);
    await stop("SIGTERM");
    expect(await said).toMatch(warning);
  });

  it("keeps what it was given in a bucket, for as many as serve it", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    await using s3 = await createS3Emulator();
    vi.stubEnv("AWS_ACCESS_KEY_ID", s3.identity.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.identity.secretAccessKey);
    onTestFinished(() => void vi.unstubAllEnvs());
    const bucket = ["--storage", `s3://${s3.bucket}/team`, "--s3-endpoint", s3.endpoint];
    const [first, second] = await Promise.all([served(...bucket), served(...bucket, "--read-only")]);
    await drayage("copy", `${server.host}/app:v1`, `${first.host}/app`);
    expect(await drayage("digest", `${second.host}/app:v1`)).toMatchObject({ stdout: `${digest}\n` });
    expect([...s3.content.objects.keys()].filter((key) => !key.startsWith("team/"))).toEqual([]);
    expect(await Promise.all([first.stop("SIGTERM"), second.stop("SIGTERM")])).toEqual([0, 0]);
  });

  it("says where a bucket has no conditional writes", async () => {
    await using s3 = await createS3Emulator({ traits: { conditionalPut: "refused" } });
    vi.stubEnv("AWS_ACCESS_KEY_ID", s3.identity.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.identity.secretAccessKey);
    vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.endpoint);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { stop, stderr } = await served("--storage", `s3://${s3.bucket}`);
    const said = textOf(stderr);
    await stop("SIGTERM");
    expect(await said).toMatch(/^This S3 store has no conditional writes: see to it that nobody else serves/);
  });

  it("keeps what it was given in its directory, and stops when it is told to", async () => {
    await pushImage(registry.repository("app"), index, { tags: ["v1"] });
    const directory = await mkdtemp(join(tmpdir(), "drayage-serve-"));
    try {
      const first = await served("--storage", directory);
      expect(await drayage("copy", `${server.host}/app:v1`, `${first.host}/app`)).toMatchObject({
        status: 0,
      });
      expect(await first.stop("SIGTERM")).toBe(0);

      const second = await served("--storage", directory, "--read-only");
      expect(await drayage("digest", `${second.host}/app:v1`)).toMatchObject({ stdout: `${digest}\n` });
      const refused = await drayage("copy", `${server.host}/app:v1`, `${second.host}/other`);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/^drayage: target: .*\((?:DENIED|UNSUPPORTED)\)\n/);
      expect(await second.stop("SIGINT")).toBe(0);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
