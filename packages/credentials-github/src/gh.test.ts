import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { credentialProviderContract, type CredentialWorld } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { fromGitHub } from "./index.ts";

/** For use inside `toMatchObject`, where vitest's own is of type any. */
const containing = (text: string): unknown => expect.stringContaining(text);

const registry = "ghcr.io";

// Counts its runs, waits while `stalled` exists, and complains as gh does if there is no `token`.
const script = `#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> runs
while [ -e stalled ]; do sleep 0.02; done
if [ -e failing ]; then cat token; cat token >&2; exit 1; fi
cat token
`;

interface GhWorld extends CredentialWorld {
  readonly directory: string;
  runs(): Promise<readonly string[]>;
}

/** A directory with an executable `gh` in it, and a provider that finds it on PATH. */
async function openGh(): Promise<GhWorld> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-gh-"));
  const file = (name: string): string => join(directory, name);
  const secrets = ["gho_canary0", "gho_canary1"];
  await writeFile(file("gh"), script);
  await chmod(file("gh"), 0o755);
  await writeFile(file("token"), "gho_canary0\n");
  const env = { PATH: [directory, "/usr/bin", "/bin"].join(delimiter) };
  const runs = async (): Promise<readonly string[]> =>
    (await readFile(file("runs"), "utf8").catch(() => "")).split("\n").slice(0, -1);
  return {
    directory,
    runs,
    provider: fromGitHub({ env, ghCli: true }),
    lookups: async () => (await runs()).length,
    secrets: () => secrets,
    fail: () => writeFile(file("failing"), ""),
    stall: () => writeFile(file("stalled"), ""),
    restore: async () => {
      for (const name of ["failing", "stalled"]) await rm(file(name), { force: true });
    },
    rotate: () => writeFile(file("token"), "gho_canary1\n"),
    close: () => rm(directory, { recursive: true }),
  };
}

credentialProviderContract({
  name: "fromGitHub with ghCli",
  own: [{ registry }],
  foreign: [{ registry: "docker.io" }, { registry: "docker.pkg.github.com" }],
  open: openGh,
});

describe("gh auth token", () => {
  test("gh is asked for github.com, or for the host that was named", async () => {
    const world = await openGh();
    await world.provider({ registry });
    const env = { PATH: `${world.directory}${delimiter}/usr/bin${delimiter}/bin` };
    await fromGitHub({ env, ghCli: { hostname: "github.example.com" } })({ registry });
    expect(await world.runs()).toEqual([
      "auth token --hostname=github.com",
      "auth token --hostname=github.example.com",
    ]);
    await world.close?.();
  });

  test("it is not run when GITHUB_TOKEN is there, nor without `ghCli`", async () => {
    const world = await openGh();
    const PATH = world.directory;
    await fromGitHub({ env: { PATH, GITHUB_TOKEN: "ghs_ambient" }, ghCli: true })({ registry });
    expect(await fromGitHub({ env: { PATH } })({ registry })).toBeUndefined();
    expect(await world.lookups()).toBe(0);
    await world.close?.();
  });

  test("a gh that is signed in nowhere is an error that says how to sign in", async () => {
    const world = await openGh();
    await world.fail();
    await expect(world.provider({ registry })).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      hint: containing("gh auth login"),
    });
    await world.close?.();
  });

  test("a gh that prints nothing is an error", async () => {
    const world = await openGh();
    await writeFile(join(world.directory, "token"), "");
    await expect(world.provider({ registry })).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    await world.close?.();
  });

  // A relative entry of PATH, and an empty one, lead to whatever lies about (the class of CVE-2025-15558).
  test("a gh that PATH leads to from the current directory is not run", async () => {
    const world = await openGh();
    const PATH = ["", ".", relative(process.cwd(), world.directory)].join(delimiter);
    const provider = fromGitHub({ env: { PATH }, ghCli: true });
    await expect(provider({ registry })).rejects.toMatchObject({ message: containing("not on PATH") });
    expect(await world.lookups()).toBe(0);
    await world.close?.();
  });

  test("a directory of that name is passed over", async () => {
    const world = await openGh();
    await mkdir(join(world.directory, "first", "gh"), { recursive: true });
    const PATH = ["first", "."].map((name) => join(world.directory, name)).join(delimiter);
    await fromGitHub({ env: { PATH: `${PATH}${delimiter}/usr/bin${delimiter}/bin` }, ghCli: true })({
      registry,
    });
    expect(await world.lookups()).toBe(1);
    await world.close?.();
  });

  test("its token is kept for a minute, for `gh auth login` may replace it", async () => {
    const world = await openGh();
    let time = Date.now();
    const env = { PATH: [world.directory, "/usr/bin", "/bin"].join(delimiter) };
    const provider = fromGitHub({ env, ghCli: true, now: () => time });
    for (const seconds of [0, 50, 10]) {
      time += seconds * 1000;
      await provider({ registry });
    }
    expect(await world.lookups()).toBe(2);
    await world.close?.();
  });

  test("a flood of output is cut off", async () => {
    const world = await openGh();
    await writeFile(join(world.directory, "gh"), "#!/bin/sh\nyes gho_canary0\n");
    await expect(world.provider({ registry })).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    await world.close?.();
  });
});
