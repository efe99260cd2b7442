import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createClient } from "@drayage/client";
import { fromStatic } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { hashSync } from "bcryptjs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { root } from "./workspace.ts";

const password = "c4n4ry-pw";
const image = createImage({ layers: 1 });
const rules = [
  { repositories: ["**"], actions: ["pull", "push"], subjects: ["me"] },
  { repositories: ["public/*"], actions: ["pull"], everybody: true },
];

// Sources are stripped of their types once, not by every process.
let cache: string;
beforeAll(async () => void (cache = await mkdtemp(join(tmpdir(), "drayage-cache-"))));
afterAll(() => rm(cache, { recursive: true }));

let home: string;
const children = new Set<ChildProcess>();
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "drayage-serve-"));
  await writeFile(join(home, "users"), `me:${hashSync(password, 4)}\n`);
  await writeFile(join(home, "policy.json"), JSON.stringify({ rules }));
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(home, { recursive: true });
});

/** The command, on a machine that has nothing but `home`. */
function start(...args: readonly string[]) {
  const bin = join(root, "packages/cli/src/bin.ts");
  const child = spawn(process.execPath, ["--conditions=@drayage/source", bin, ...args], {
    env: {
      PATH: home,
      HOME: home,
      XDG_RUNTIME_DIR: home,
      AWS_EC2_METADATA_DISABLED: "true",
      NODE_COMPILE_CACHE: cache,
    },
  });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

async function drayage(args: readonly string[], input = "") {
  const child = start(...args);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  expect(stdout + stderr).not.toContain(password);
  return { status: child.exitCode, stdout, stderr };
}

/** Serves until the test is over. Resolves to the registry's port. */
async function serve(...args: readonly string[]): Promise<string> {
  const child = start("serve", "--listen", "127.0.0.1:0", "--htpasswd", join(home, "users"), ...args);
  child.stderr.resume();
  const url = await firstLineOf(child.stdout);
  return url.slice(url.lastIndexOf(":") + 1);
}

async function firstLineOf(input: Readable): Promise<string> {
  for await (const line of createInterface({ input })) return line;
  return "";
}

describe("drayage serve --htpasswd", () => {
  test.each([
    ["alone", [], { status: 1 }],
    // Whoever has no password gets a token for what everybody may do.
    ["with --token-service", ["--token-service"], { status: 0, stdout: "public/app\n" }],
  ])("%s lets in whom the file knows, to what the policy allows", async (_how, options, anonymous) => {
    const port = await serve("--policy", join(home, "policy.json"), ...options);
    const host = `127.0.0.1:${port}`;
    const client = createClient({ credentials: fromStatic(host, { username: "me", password }) });
    for (const name of ["public/app", "team/app"]) {
      await pushImage(client.repository(`${host}/${name}`), image, { tags: ["v1"] });
    }
    const forbidden = client.repository(`${host}/team/app`).deleteTag("v1");
    await expect(forbidden).rejects.toMatchObject({ name: "OciError" });
    await client.close();

    // By the other name of this machine, as people write it.
    const local = `localhost:${port}`;
    expect(await drayage(["ls", local])).toMatchObject(anonymous);
    expect(await drayage(["digest", `${local}/public/app:v1`])).toMatchObject({ status: 0 });
    const wrong = await drayage(["login", local, "-u", "me", "--password-stdin"], "wrong");
    expect(wrong.status).toBe(1);
    const login = await drayage(["login", local, "-u", "me", "--password-stdin"], password);
    expect(login.status).toBe(0);
    expect(await drayage(["ls", local])).toMatchObject({ status: 0, stdout: "public/app\nteam/app\n" });
  });

  test("sends clients to the public URL for tokens", async () => {
    const port = await serve("--token-service", "--public-url", "https://registry.example.com/");
    const response = await fetch(`http://127.0.0.1:${port}/v2/`);
    expect(response.headers.get("www-authenticate")).toBe(
      'Bearer realm="https://registry.example.com/token",service="registry.example.com"',
    );
    await response.arrayBuffer();
  });

  test("says that passwords cross the network as they are, where they leave the machine", async () => {
    const child = start("serve", "--listen", "0.0.0.0:0", "--htpasswd", join(home, "users"));
    expect(await firstLineOf(child.stderr)).toMatch(/^Passwords cross the network unencrypted/);
  });

  test.each([
    ["a file of users that is not there", [], "missing", /cannot read/],
    ["a policy that is not there", ["--policy", "missing"], "users", /--policy: cannot read/],
    ["a policy that is none", ["--policy", "users"], "users", /not JSON/],
    ["--token-service for nobody", ["--token-service"], undefined, /needs --htpasswd/],
  ])("does not start with %s", async (_what, options, users, message) => {
    const named = options.map((option) => (option.startsWith("--") ? option : join(home, option)));
    const access = users === undefined ? [] : ["--htpasswd", join(home, users)];
    const { status, stderr } = await drayage(["serve", "--listen", "127.0.0.1:0", ...access, ...named]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});
