import { readdir, stat } from "node:fs/promises";
import { inspect } from "node:util";
import { homedir } from "node:os";
import { Secret, type Credential } from "@drayage/oci";
import { describe, expect, it, vi } from "vitest";
import { canary, expectFailure, failureOf } from "../fixture/canary.ts";
import { authOf, useMachine } from "../fixture/machine.ts";
import { fromDockerConfig } from "./from-docker-config.ts";
import { createDockerCredentialStore, type CredentialStore } from "./store.ts";

vi.mock("node:os", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:os")>();
  return { ...original, homedir: vi.fn<typeof homedir>(original.homedir) };
});

const basic: Credential = { type: "basic", username: "me", password: new Secret(canary) };
const refreshToken: Credential = { type: "refresh-token", token: new Secret(canary) };
const bearer: Credential = { type: "bearer", token: new Secret(canary) };

/** A helper that keeps everything in files named after the registry. */
const keeper = `
case "$1" in
store) cat > "$HOME/kept.json" ;;
get) cat "$HOME/kept.json" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "$HOME/kept.json" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
list) echo '{"https://index.docker.io/v1/": "hubber", "reg.example": "me", "token.example": "<token>", "own.example": "x"}' ;;
esac`;

async function listOf(store: CredentialStore): Promise<readonly unknown[]> {
  const list: unknown[] = [];
  for await (const each of store.list()) list.push(each);
  return list;
}

describe("createDockerCredentialStore", () => {
  it("says what to set where there is no home directory to keep anything in", () => {
    vi.mocked(homedir).mockImplementation(() => {
      throw new Error("A system error occurred: uv_os_homedir returned ENOENT");
    });
    try {
      const open = (): unknown => createDockerCredentialStore({ env: {} });
      const hint = "set HOME, DOCKER_CONFIG or REGISTRY_AUTH_FILE, or pass `file`";
      expect(open).toThrow(expect.objectContaining({ code: "OPTION_INVALID", hint }));
      for (const env of [{ HOME: "/h" }, { DOCKER_CONFIG: "/d" }, { REGISTRY_AUTH_FILE: "/r.json" }])
        expect(() => createDockerCredentialStore({ env })).not.toThrow();
    } finally {
      vi.mocked(homedir).mockReset();
    }
  });
});

describe("set", () => {
  it.each([
    { credential: basic, entry: { auth: authOf("me", canary) } },
    { credential: refreshToken, entry: { identitytoken: canary } },
    { credential: bearer, entry: { registrytoken: canary } },
  ])("keeps a $credential.type credential where it is found again", async ({ credential, entry }) => {
    const machine = await useMachine();
    const store = createDockerCredentialStore({ env: machine.env });
    const { source } = await store.set("reg.example:5000", credential);
    expect(source).toBe(`auths["reg.example:5000"] in ${machine.path(".docker/config.json")}`);
    expect(JSON.parse(await machine.read(".docker/config.json"))).toEqual({
      auths: { "reg.example:5000": entry },
    });
    expect(await fromDockerConfig({ env: machine.env })({ registry: "reg.example:5000" })).toEqual(
      credential,
    );
  });

  it("keeps Docker Hub's under docker's name for it", async () => {
    const machine = await useMachine();
    await createDockerCredentialStore({ env: machine.env }).set("docker.io", basic);
    const config: unknown = JSON.parse(await machine.read(".docker/config.json"));
    expect(config).toEqual({ auths: { "https://index.docker.io/v1/": { auth: authOf("me", canary) } } });
  });

  it("writes where the provider looks first: DOCKER_CONFIG, REGISTRY_AUTH_FILE, the file it was given", async () => {
    const machine = await useMachine();
    const env: Record<string, string | undefined> = { ...machine.env, DOCKER_CONFIG: machine.path("d") };
    await createDockerCredentialStore({ env }).set("reg.example", basic);
    env["REGISTRY_AUTH_FILE"] = machine.path("r.json");
    await createDockerCredentialStore({ env }).set("reg.example", basic);
    await createDockerCredentialStore({ env, file: machine.path("f.json") }).set("reg.example", basic);
    const written = await Promise.all(
      ["d/config.json", "r.json", "f.json"].map((name) => machine.read(name)),
    );
    expect(new Set(written).size).toBe(1);
  });

  it("keeps what else is in the entry and in the file", async () => {
    const machine = await useMachine();
    const before = {
      psFormat: "table",
      auths: { "reg.example": { auth: "b2xk", email: "me@example.com" }, "other.example": { auth: "eDp5" } },
    };
    await machine.write(".docker/config.json", before);
    await createDockerCredentialStore({ env: machine.env }).set("reg.example", refreshToken);
    expect(JSON.parse(await machine.read(".docker/config.json"))).toEqual({
      psFormat: "table",
      auths: { ...before.auths, "reg.example": { email: "me@example.com", identitytoken: canary } },
    });
  });

  it("leaves no other spelling of the registry, under which an old secret would still be found", async () => {
    const machine = await useMachine();
    const old = { auth: authOf("me", "old") };
    await machine.write(".docker/config.json", {
      auths: { "docker.io": old, "https://reg.example/v1/": old, "reg.example/team": old },
    });
    const store = createDockerCredentialStore({ env: machine.env });
    for (const name of ["docker.io", "reg.example"]) await store.set(name, basic);
    const now = { auth: authOf("me", canary) };
    expect(JSON.parse(await machine.read(".docker/config.json"))).toEqual({
      auths: { "reg.example/team": old, "https://index.docker.io/v1/": now, "reg.example": now },
    });
  });

  it("loses none of several logins at the same time", async () => {
    const machine = await useMachine();
    const names = ["a", "b", "c", "d", "e"].map((name) => `${name}.example`);
    await Promise.all(
      names.map((name) => createDockerCredentialStore({ env: machine.env }).set(name, basic)),
    );
    const list = await listOf(createDockerCredentialStore({ env: machine.env }));
    expect(list).toHaveLength(names.length);
  });

  it("does not overwrite a file that it cannot read (docker/cli#5075)", async () => {
    const machine = await useMachine();
    const file = await machine.write(".docker/config.json", `{"auths": {"reg.example": {"auth": "${canary}`);
    const store = createDockerCredentialStore({ env: machine.env });
    expectFailure(await failureOf(store.set("reg.example", basic)), file, "not JSON");
    expect(await machine.read(".docker/config.json")).toContain(canary);
  });

  it("gives the secret to the helper that the file names, and to no file", async () => {
    const machine = await useMachine();
    await machine.installHelper("keeper", keeper);
    const entry = { auth: authOf("me", canary), email: "me@example.com" };
    await machine.write(".docker/config.json", { auths: { "reg.example": entry }, credsStore: "keeper" });
    const stored = await createDockerCredentialStore({ env: machine.env }).set("reg.example", basic);
    const helper = "docker-credential-keeper";
    expect(stored).toEqual({ registry: "reg.example", source: helper, helper, username: "me" });
    expect(JSON.parse(await machine.read(".docker/config.json"))).toEqual({
      auths: { "reg.example": { email: "me@example.com" } },
      credsStore: "keeper",
    });
    expect(await fromDockerConfig({ env: machine.env })({ registry: "reg.example" })).toEqual(basic);
  });

  it("changes no file if the helper fails", async () => {
    const machine = await useMachine();
    await machine.installHelper("broken", `cat; exit 1`);
    await machine.write(".docker/config.json", { credsStore: "broken" });
    const store = createDockerCredentialStore({ env: machine.env });
    const failure = await failureOf(store.set("reg.example", basic));
    expectFailure(failure, 'run "docker-credential-broken store"');
    expect(JSON.parse(await machine.read(".docker/config.json"))).toEqual({ credsStore: "broken" });
  });

  it("gives a bearer token to no helper", async () => {
    const machine = await useMachine();
    await machine.installHelper("keeper", keeper);
    await machine.write(".docker/config.json", { credsStore: "keeper" });
    const call = createDockerCredentialStore({ env: machine.env }).set("reg.example", bearer);
    expect(await failureOf(call)).toMatchObject({ code: "OPTION_INVALID" });
  });

  it.each(["", "reg.example/team", "user@reg.example", "__proto__", "a b"])(
    "refuses %j for a registry",
    async (registry) => {
      const machine = await useMachine();
      const store = createDockerCredentialStore({ env: machine.env });
      expect(await failureOf(store.set(registry, basic))).toMatchObject({ code: "REFERENCE_INVALID" });
      expect(await failureOf(store.delete(registry))).toMatchObject({ code: "REFERENCE_INVALID" });
    },
  );

  it("takes every name of a registry that references know", async () => {
    const machine = await useMachine();
    const store = createDockerCredentialStore({ env: machine.env });
    for (const name of ["https://Reg.Example", "registry-1.docker.io"]) await store.set(name, basic);
    const list = await listOf(store);
    expect(list).toMatchObject([{ registry: "reg.example" }, { registry: "docker.io" }]);
  });

  it("refuses what has a password in front of the host, and does not show it (C30)", async () => {
    const machine = await useMachine();
    const store = createDockerCredentialStore({ env: machine.env });
    const failure = await failureOf(store.set(`me:${canary}@reg.example`, basic));
    expect(failure).toMatchObject({ code: "REFERENCE_INVALID" });
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(canary);
  });

  it("leaves the secret in one file, readable by its owner only (CVE-2024-25621)", async () => {
    const machine = await useMachine();
    const before = process.umask(0);
    try {
      await createDockerCredentialStore({ env: machine.env }).set("reg.example", basic);
    } finally {
      process.umask(before);
    }
    expect(await readdir(machine.path(".docker"))).toEqual(["config.json"]);
    expect((await stat(machine.path(".docker/config.json"))).mode & 0o777).toBe(0o600);
    expect((await stat(machine.path(".docker"))).mode & 0o777).toBe(0o700);
  });
});

describe("delete", () => {
  it("removes every spelling of the registry and nothing else", async () => {
    const machine = await useMachine();
    const entry = { auth: authOf("me", canary) };
    await machine.write(".docker/config.json", {
      auths: {
        "reg.example": entry,
        "https://reg.example/v1/": entry,
        "reg.example/team": entry,
        "reg.example:5000": entry,
      },
    });
    const store = createDockerCredentialStore({ env: machine.env });
    expect(await store.delete("reg.example")).toBe("deleted");
    expect(await store.delete("reg.example")).toBe("absent");
    const config: unknown = JSON.parse(await machine.read(".docker/config.json"));
    expect(config).toEqual({ auths: { "reg.example/team": entry, "reg.example:5000": entry } });
  });

  it("creates no file where there is none", async () => {
    const machine = await useMachine();
    expect(await createDockerCredentialStore({ env: machine.env }).delete("reg.example")).toBe("absent");
    await expect(machine.read(".docker/config.json")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("erases what a helper has, and the mark in the file", async () => {
    const machine = await useMachine();
    await machine.installHelper("keeper", keeper);
    await machine.write(".docker/config.json", { credsStore: "keeper" });
    const store = createDockerCredentialStore({ env: machine.env });
    await store.set("docker.io", basic);
    expect(await store.delete("docker.io")).toBe("deleted");
    expect(await store.delete("docker.io")).toBe("absent");
    expect(JSON.parse(await machine.read(".docker/config.json"))).toEqual({
      auths: {},
      credsStore: "keeper",
    });
  });
});

describe("list", () => {
  it("gives what the file and its helpers have, without a secret", async () => {
    const machine = await useMachine();
    await machine.installHelper("keeper", keeper);
    const file = await machine.write(".docker/config.json", {
      auths: {
        "plain.example": { auth: authOf("me", canary) },
        "plain.example/team": { identitytoken: canary },
        "broken.example": { auth: `!${canary}` },
        "reg.example": {},
        "https://index.docker.io/v1/access-token": { auth: authOf("me", canary) },
      },
      credHelpers: { "own.example": "" },
      credsStore: "keeper",
    });
    const list = await listOf(createDockerCredentialStore({ env: machine.env }));
    const helper = "docker-credential-keeper";
    expect(list).toEqual([
      { registry: "plain.example", source: `auths["plain.example"] in ${file}`, username: "me" },
      { registry: "plain.example/team", source: `auths["plain.example/team"] in ${file}` },
      { registry: "broken.example", source: `auths["broken.example"] in ${file}` },
      { registry: "docker.io", source: helper, helper, username: "hubber" },
      { registry: "reg.example", source: helper, helper, username: "me" },
      { registry: "token.example", source: helper, helper },
    ]);
    expect(JSON.stringify(list)).not.toContain(canary);
  });

  it("is empty where there is nothing", async () => {
    const { env } = await useMachine();
    expect(await listOf(createDockerCredentialStore({ env }))).toEqual([]);
  });
});
