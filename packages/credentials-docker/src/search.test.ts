import { execFileSync } from "node:child_process";
import { mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { canary, expectFailure, failureOf } from "../fixture/canary.ts";
import { authOf, useMachine } from "../fixture/machine.ts";
import { dockerConfigFile, searchConfigs, thisMachine, usualPlaces, type SearchOptions } from "./search.ts";

// Tests may run as a user to whom nothing is closed, so the system's answer is played for one directory.
vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>();
  const closed = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
  const statUnlessClosed = (path: string): ReturnType<typeof stat> =>
    /^\/run\/containers\/|\/closed\//.test(path) ? Promise.reject(closed) : original.stat(path);
  return { ...original, stat: statUnlessClosed };
});

vi.mock("node:os", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:os")>();
  return { ...original, homedir: vi.fn<typeof homedir>(original.homedir) };
});

async function sourcesOf(options: SearchOptions): Promise<readonly string[]> {
  const sources: string[] = [];
  for await (const config of searchConfigs(options)) sources.push(config.source);
  return sources;
}

describe("usualPlaces", () => {
  const paths = (machine: Partial<Parameters<typeof usualPlaces>[0]>): readonly string[] =>
    usualPlaces({ env: {}, platform: "linux", home: "/home/me", uid: 1000, ...machine }).map(
      ({ path }) => path,
    );

  it("are docker's file, the runtime and the configuration directory of containers, and .dockercfg", () => {
    expect(paths({})).toEqual([
      "/home/me/.docker/config.json",
      "/run/containers/1000/auth.json",
      "/home/me/.config/containers/auth.json",
      "/home/me/.dockercfg",
    ]);
  });

  it("follow DOCKER_CONFIG, which names a directory, and the XDG variables", () => {
    const env = { DOCKER_CONFIG: "/d", XDG_RUNTIME_DIR: "/run/user/1000", XDG_CONFIG_HOME: "/c" };
    expect(paths({ env })).toEqual([
      "/d/config.json",
      "/run/user/1000/containers/auth.json",
      "/c/containers/auth.json",
      "/home/me/.dockercfg",
    ]);
  });

  it("ignore empty variables and XDG variables with relative paths", () => {
    const env = { DOCKER_CONFIG: "", XDG_RUNTIME_DIR: "run", XDG_CONFIG_HOME: "." };
    expect(paths({ env })).toEqual(paths({}));
  });

  it("are those without a home directory for a user who has none, as containers often run", () => {
    const home = undefined;
    expect(paths({ home })).toEqual(["/run/containers/1000/auth.json"]);
    expect(paths({ home, env: { DOCKER_CONFIG: "/d", XDG_CONFIG_HOME: "/c" } })).toEqual([
      "/d/config.json",
      "/run/containers/1000/auth.json",
      "/c/containers/auth.json",
    ]);
  });

  it.each(["darwin", "win32"] as const)("have no runtime directory on %s", (platform) => {
    expect(paths({ platform, env: { XDG_RUNTIME_DIR: "/run/user/1000" } })).toHaveLength(3);
  });
});

describe("thisMachine", () => {
  it("has no home directory where the system does not know the user either", () => {
    const noEntry = new Error("A system error occurred: uv_os_homedir returned ENOENT");
    vi.mocked(homedir).mockImplementationOnce(() => {
      throw noEntry;
    });
    const machine = thisMachine({});
    expect([machine.home, dockerConfigFile(machine)]).toEqual([undefined, undefined]);
    expect(thisMachine({}).home).toBe(homedir());
  });
});

describe("searchConfigs", () => {
  it("gives those that are there, DOCKER_AUTH_CONFIG first", async () => {
    const machine = await useMachine();
    const docker = await machine.write(".docker/config.json", {});
    const runtime = await machine.write("run/containers/auth.json", {});
    const containers = await machine.write(".config/containers/auth.json", {});
    const old = await machine.write(".dockercfg", {});
    const env = { ...machine.env, DOCKER_AUTH_CONFIG: "{}" };
    expect(await sourcesOf({ env })).toEqual(["DOCKER_AUTH_CONFIG", docker, runtime, containers, old]);
  });

  it("looks nowhere else if REGISTRY_AUTH_FILE names a file, but at DOCKER_AUTH_CONFIG", async () => {
    const machine = await useMachine();
    await machine.write(".docker/config.json", {});
    const named = await machine.write("named.json", {});
    const env = { ...machine.env, DOCKER_AUTH_CONFIG: "{}", REGISTRY_AUTH_FILE: named };
    expect(await sourcesOf({ env })).toEqual(["DOCKER_AUTH_CONFIG", named]);
  });

  it("looks nowhere else if files are given", async () => {
    const machine = await useMachine();
    const [first, second] = [await machine.write("1.json", {}), await machine.write("2.json", {})];
    const env = { ...machine.env, DOCKER_AUTH_CONFIG: "{}", REGISTRY_AUTH_FILE: machine.path("none") };
    expect(await sourcesOf({ env, files: [second, first] })).toEqual([second, first]);
  });

  it("looks only at the places that are wanted", async () => {
    const machine = await useMachine();
    const docker = await machine.write(".docker/config.json", {});
    await machine.write(".config/containers/auth.json", {});
    const env = { ...machine.env, DOCKER_AUTH_CONFIG: "{}", REGISTRY_AUTH_FILE: machine.path("none") };
    expect(await sourcesOf({ env, places: ["docker"] })).toEqual([docker]);
  });

  it("reads a file only when it is its turn", async () => {
    const machine = await useMachine();
    const first = await machine.write(".docker/config.json", {});
    await machine.write(".config/containers/auth.json", "malformed");
    for await (const { source } of searchConfigs({ env: machine.env })) {
      expect(source).toBe(first);
      return;
    }
  });

  it("finds nothing where nothing is", async () => {
    const { env } = await useMachine();
    expect(await sourcesOf({ env })).toEqual([]);
  });

  it("finds nothing below what is no directory, as where HOME is /dev/null", async () => {
    expect(await sourcesOf({ env: { HOME: "/dev/null", XDG_RUNTIME_DIR: "/dev/null" } })).toEqual([]);
  });

  it.each(["files", "REGISTRY_AUTH_FILE"])(
    "refuses to go on without the file that %s names",
    async (name) => {
      const machine = await useMachine();
      const missing = machine.path("missing.json");
      const options = name === "files" ? { files: [missing] } : { env: { ...machine.env, [name]: missing } };
      expectFailure(await failureOf(sourcesOf(options)), missing, name);
    },
  );

  it("refuses to go on without a file that is there and cannot be read", async () => {
    const machine = await useMachine();
    const env = { ...machine.env, DOCKER_CONFIG: machine.path("closed/directory") };
    expectFailure(await failureOf(sourcesOf({ env })), "closed/directory/config.json", "EACCES");
  });

  it("goes on if the runtime directory that nobody named is closed to this user", async () => {
    const machine = await useMachine();
    const containers = await machine.write(".config/containers/auth.json", {});
    const env = { ...machine.env, XDG_RUNTIME_DIR: undefined };
    expect(await sourcesOf({ env })).toEqual([containers]);
  });

  it("refuses a malformed DOCKER_AUTH_CONFIG without showing it", async () => {
    const { env } = await useMachine();
    const failure = await failureOf(
      sourcesOf({ env: { ...env, DOCKER_AUTH_CONFIG: `{"auths": ${canary}}` } }),
    );
    expectFailure(failure, "DOCKER_AUTH_CONFIG", "not JSON");
  });

  it("refuses a directory, a pipe and a symbolic link to itself, each without waiting", async () => {
    const machine = await useMachine();
    await mkdir(machine.path("directory"));
    execFileSync("mkfifo", [machine.path("pipe")]);
    await symlink(machine.path("loop"), machine.path("loop"));
    for (const name of ["directory", "pipe", "loop"]) {
      expectFailure(await failureOf(sourcesOf({ files: [machine.path(name)] })), machine.path(name));
    }
  });

  it("refuses a file that no configuration is as large as", async () => {
    const machine = await useMachine();
    await writeFile(machine.path("large"), " ".repeat(1024 * 1024 + 1));
    expectFailure(await failureOf(sourcesOf({ files: [machine.path("large")] })), "larger than");
  });

  it("tells whether others may read the file (CVE-2024-25621)", async () => {
    const machine = await useMachine();
    const file = await machine.write("open.json", {
      auths: { "reg.example": { auth: authOf("me", canary) } },
    });
    execFileSync("chmod", ["640", file]);
    for await (const config of searchConfigs({ files: [file] })) expect(config.isExposed).toBe(true);
    execFileSync("chmod", ["600", file]);
    for await (const config of searchConfigs({ files: [file] })) expect(config.isExposed).toBe(false);
  });

  it("stops when it is aborted", async () => {
    const machine = await useMachine();
    await machine.write(".docker/config.json", {});
    const reason = new Error("no longer wanted");
    const iterator = searchConfigs({ env: machine.env }, { signal: AbortSignal.abort(reason) });
    await expect(iterator.next()).rejects.toBe(reason);
  });
});
