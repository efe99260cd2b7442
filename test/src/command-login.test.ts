import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createImage,
  createScriptedRegistry,
  type ScriptedAuth,
  type ScriptedRegistry,
} from "@drayage/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

const command = new URL("../../packages/cli/src/bin.ts", import.meta.url).pathname;
const password = "c4n4ry-do-not-print";
const users = { me: password };
/** Each test starts several. */
const processes = { timeout: 30_000 };
const ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

// Sources are stripped of their types once, not by every process.
let cache: string;
beforeAll(async () => void (cache = await mkdtemp(join(tmpdir(), "drayage-cache-"))));
afterAll(() => rm(cache, { recursive: true }));

let home: string;
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), "drayage-login-"))));
afterEach(() => rm(home, { recursive: true }));

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command on a machine that has nothing but `home`, with `input` on its standard input. */
async function drayage(
  args: readonly string[],
  { input = "", env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<Ended> {
  const argv = ["--conditions=@drayage/source", command, ...args];
  expect(argv.join(" ")).not.toContain(password);
  const machine = {
    PATH: home,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    AWS_EC2_METADATA_DISABLED: "true",
    NODE_COMPILE_CACHE: cache,
  };
  const ended = await new Promise<Ended>((resolve) => {
    const child = execFile(
      process.execPath,
      argv,
      { env: { ...machine, ...env }, timeout: 20_000 },
      (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
    child.stdin?.on("error", () => undefined); // a command that has failed reads nothing
    child.stdin?.end(input);
  });
  // C30, whatever the command is and however it ends
  const base64 = Buffer.from(`me:${password}`).toString("base64");
  for (const secret of [password, base64]) expect(ended.stdout + ended.stderr).not.toContain(secret);
  return ended;
}

/** A registry on loopback; the command finds it by its address. */
async function openRegistry(auth: ScriptedAuth): Promise<ScriptedRegistry & { readonly at: string }> {
  const registry = await createScriptedRegistry({ origins: ["127.0.0.1"], auth });
  onTestFinished(() => registry.close());
  return Object.assign(registry, { at: registry.host() });
}

function logIn(registry: string, input: string, env?: Record<string, string>): Promise<Ended> {
  const args = ["login", registry, "--username", "me", "--password-stdin"];
  return drayage(args, { input, ...(env === undefined ? {} : { env }) });
}

const config = (): string => join(home, ".docker", "config.json");

describe("drayage login", processes, () => {
  test.each([
    ["Basic", { basic: users }, ["GET /v2/ 401", "GET /v2/ 200"]],
    ["Bearer", { bearer: { users } }, ["GET /v2/ 401", "GET /token 200", "GET /v2/ 200"]],
  ] as const)(
    "asks the registry first, by %s, and keeps what it accepts to itself (C34)",
    async (_scheme, auth, steps) => {
      const registry = await openRegistry(auth);
      const { status, stdout, stderr } = await logIn(registry.at, `${password}\n`);
      const source = `auths["${registry.at}"] in ${config()}`;
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: `logged in to ${registry.at} as me, kept in ${source}\n`,
      });
      expect(stderr).toMatch(/^The password is kept unencrypted;/);
      expect(
        registry.ledger.map(({ method, url, status: s }) => `${method} ${url.split("?")[0]} ${s}`),
      ).toEqual(steps);
      expect((await stat(config())).mode & 0o777).toBe(0o600);
    },
  );

  test("keeps nothing that the registry refuses", async () => {
    const registry = await openRegistry({ bearer: { users } });
    const { status, stdout, stderr } = await logIn(registry.at, "another");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/does not accept this password of me \(UNAUTHORIZED\)\n {2}nothing was kept/);
    await expect(stat(config())).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("says when the registry did not ask for the password", async () => {
    const registry = await openRegistry("none");
    const { status, stderr } = await logIn(registry.at, password);
    expect(status).toBe(0);
    expect(stderr).toContain("did not ask for a password, so this one is not verified");
  });

  test("gives the password to the helper that docker's configuration names, and to no file", async () => {
    const registry = await openRegistry({ basic: users });
    const helper = join(home, "docker-credential-keeper");
    await writeFile(helper, '#!/bin/sh\n/bin/cat > "$HOME/kept.json"\n', { mode: 0o700 });
    const file = join(home, "auth.json");
    await writeFile(file, JSON.stringify({ credsStore: "keeper" }), { mode: 0o600 });
    const ended = await logIn(registry.at, password, { REGISTRY_AUTH_FILE: file });
    expect(ended).toEqual({
      status: 0,
      stdout: `logged in to ${registry.at} as me, kept in docker-credential-keeper\n`,
      stderr: "",
    });
    expect(JSON.parse(await readFile(join(home, "kept.json"), "utf8"))).toMatchObject({ Secret: password });
    expect(await readFile(file, "utf8")).not.toContain(Buffer.from(password).toString("base64").slice(0, 8));
  });

  test.each([
    ["no terminal and no password", ["login", "localhost:1", "-u", "me"], "", /no terminal to ask/],
    ["no user name", ["login", "localhost:1", "--password-stdin"], password, /needs --username/],
    [
      "an empty password",
      ["login", "localhost:1", "-u", "me", "--password-stdin"],
      "\n",
      /no password on standard input/,
    ],
    ["a colon in the user name", ["login", "localhost:1", "-u", "a:b", "--password-stdin"], "x", /colon/],
    ["a password as an argument", ["login", "localhost:1", "--password", "x"], "", /Unknown option/],
    ["no registry", ["login"], "", /REGISTRY is missing/],
  ])("refuses %s before it asks anybody", async (_what, args, input, message) => {
    const { status, stderr } = await drayage(args, { input });
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe("what was logged in", processes, () => {
  test("is used by the other commands, and told by --check", async () => {
    const registry = await openRegistry({ bearer: { users } });
    const image = createImage();
    await registry.content.add("team/app", image, { tags: ["v1"] });
    await logIn(registry.at, password);
    const { digest } = image.document.descriptor;
    expect(await drayage(["digest", `${registry.at}/team/app:v1`])).toMatchObject({ stdout: `${digest}\n` });
    const source = `auths["${registry.at}"] in ${config()}`;
    expect(await drayage(["login", "--check", registry.at])).toEqual({
      status: 0,
      stdout: `${registry.at}: basic from ${source}\n`,
      stderr: "",
    });
    const json = await drayage(["login", "--check", "--json", `${registry.at}/team/app`]);
    expect(JSON.parse(json.stdout)).toEqual({
      registry: registry.at,
      repository: "team/app",
      source,
      type: "basic",
    });
  });

  test("is gone after drayage logout, which may be repeated", async () => {
    const registry = await openRegistry({ basic: users });
    await logIn(registry.at, password);
    expect(await drayage(["logout", registry.at])).toMatchObject({
      status: 0,
      stdout: `logged out of ${registry.at}\n`,
    });
    expect(await readFile(config(), "utf8")).not.toContain(registry.at);
    expect(await drayage(["logout", registry.at])).toMatchObject({
      status: 0,
      stdout: `was not logged in to ${registry.at}\n`,
    });
    expect(await drayage(["login", "--check", registry.at])).toMatchObject({
      status: 1,
      stdout: `${registry.at}: no credential, so anonymous\n`,
    });
  });

  test("in a broken file is an error that names it, not anonymous access", async () => {
    const registry = await openRegistry("none");
    const file = join(home, "auth.json");
    await writeFile(file, `{"auths":{"${registry.at}":{"auth":"${password}`);
    const { status, stderr } = await drayage(["login", "--check", registry.at], {
      env: { REGISTRY_AUTH_FILE: file },
    });
    expect(status).toBe(1);
    expect(stderr).toContain(`${file}: it is not JSON (CREDENTIAL_UNAVAILABLE)`);
  });

  test("in a file that others can read is told", async () => {
    const file = join(home, "auth.json");
    const auth = Buffer.from(`me:${password}`).toString("base64");
    await writeFile(file, JSON.stringify({ auths: { "reg.example": { auth } } }), { mode: 0o644 });
    const env = { REGISTRY_AUTH_FILE: file };
    const { stderr } = await drayage(["login", "--check", "reg.example"], { env });
    expect(stderr).toContain("chmod 600");
  });

  test.skipIf(withoutSkopeo !== undefined)(
    `is used by skopeo, and what skopeo logged in by us${withoutSkopeo ?? ""}`,
    async () => {
      const registry = await openRegistry({ basic: users });
      await registry.content.add("team/app", createImage(), { tags: ["v1"] });
      const env = { REGISTRY_AUTH_FILE: join(home, "auth.json") };
      const authfile = ["--authfile", env.REGISTRY_AUTH_FILE];
      await writeFile(env.REGISTRY_AUTH_FILE, "{}", { mode: 0o600 });
      await logIn(registry.at, password, env);
      const image = `docker://${registry.at}/team/app:v1`;
      expect(await skopeo("inspect", "--raw", "--tls-verify=false", ...authfile, image)).toContain("layers");
      await skopeo("logout", ...authfile, registry.at);
      expect((await drayage(["login", "--check", registry.at], { env })).status).toBe(1);
      await skopeo("login", "--tls-verify=false", ...authfile, "-u", "me", "-p", password, registry.at);
      const { stdout } = await drayage(["digest", `${registry.at}/team/app:v1`], { env });
      expect(stdout).toMatch(/^sha256:/);
    },
  );
});

describe("drayage login --check", processes, () => {
  test("names GITHUB_TOKEN for GitHub's registry", async () => {
    const { stdout } = await drayage(["login", "--check", "ghcr.io"], { env: { GITHUB_TOKEN: password } });
    expect(stdout).toBe("ghcr.io: basic from GITHUB_TOKEN\n");
  });

  test("takes a registry as login does, with its scheme", async () => {
    const { stdout } = await drayage(["login", "--check", "https://ghcr.io"], {
      env: { GITHUB_TOKEN: password },
    });
    expect(stdout).toBe("https://ghcr.io: basic from GITHUB_TOKEN\n");
  });

  test("names what is wrong with a cloud's identity", async () => {
    const { status, stderr } = await drayage(["login", "--check", ecr]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /no AWS identity was found \(CREDENTIAL_UNAVAILABLE\)\n {2}CredentialsProviderError: .+\n {2}sign in \(`aws sso login`\)/,
    );
  });
});
