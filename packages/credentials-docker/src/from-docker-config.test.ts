import { chmod } from "node:fs/promises";
import type { Credential, CredentialRequest } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { canary, expectFailure, failureOf } from "../fixture/canary.ts";
import { authOf, useMachine, type TestMachine } from "../fixture/machine.ts";
import { describeDockerCredential, fromDockerConfig } from "./from-docker-config.ts";

const registry = "reg.example";

/** What a credential proves, in one word that a test can compare. */
function wordOf(credential: Credential | undefined): string | undefined {
  if (credential === undefined) return undefined;
  return credential.type === "basic"
    ? `${credential.username}:${credential.password.reveal()}`
    : credential.token.reveal();
}

async function ask(
  { env }: TestMachine,
  request: Partial<CredentialRequest> = {},
): Promise<string | undefined> {
  return wordOf(await fromDockerConfig({ env })({ registry, ...request }));
}

function helperScript(password: string): string {
  return `cat >> "$HOME/asked"; echo >> "$HOME/asked"; echo '{"Username": "helper", "Secret": "${password}"}'`;
}

const nothing = "echo credentials not found in native keychain; exit 1";

function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.${canary}`;
}

describe("fromDockerConfig", () => {
  it("does nothing before it is asked", async () => {
    const machine = await useMachine();
    const provider = fromDockerConfig({ env: machine.env });
    await machine.write(".docker/config.json", { auths: { [registry]: { auth: authOf("me", "later") } } });
    expect(wordOf(await provider({ registry }))).toBe("me:later");
  });

  it("has nothing on a machine where nobody logged in", async () => {
    expect(await ask(await useMachine())).toBeUndefined();
  });

  it("sees a login that happens while it is used", async () => {
    const machine = await useMachine();
    const provider = fromDockerConfig({ env: machine.env });
    expect(await provider({ registry })).toBeUndefined();
    await machine.write(".docker/config.json", { auths: { [registry]: { auth: authOf("me", "now") } } });
    expect(wordOf(await provider({ registry }))).toBe("me:now");
  });

  it("goes on to the next file when one has nothing, and not beyond the first that has", async () => {
    const machine = await useMachine();
    await machine.write(".docker/config.json", { auths: { "other.example": { auth: authOf("a", "b") } } });
    await machine.write("run/containers/auth.json", {
      auths: { [registry]: { auth: authOf("me", "podman") } },
    });
    await machine.write(".config/containers/auth.json", {
      auths: { [registry]: { auth: authOf("me", "old") } },
    });
    expect(await ask(machine)).toBe("me:podman");
  });

  it("takes DOCKER_AUTH_CONFIG first, in its full form", async () => {
    const machine = await useMachine();
    await machine.installHelper("ci", helperScript("pass"));
    await machine.write(".docker/config.json", { auths: { [registry]: { auth: authOf("me", "file") } } });
    machine.env["DOCKER_AUTH_CONFIG"] = JSON.stringify({ credHelpers: { [registry]: "ci" } });
    expect(await ask(machine)).toBe("helper:pass");
  });

  it("reads .dockercfg, which is nothing but entries", async () => {
    const machine = await useMachine();
    await machine.write(".dockercfg", { [`https://${registry}/v1/`]: { auth: authOf("me", "old") } });
    expect(await ask(machine)).toBe("me:old");
  });

  it("asks a registry's own helper before the one for all, and that before the entries", async () => {
    const machine = await useMachine();
    for (const name of ["own", "all"]) await machine.installHelper(name, helperScript(name));
    await machine.write(".docker/config.json", {
      auths: {
        [registry]: { auth: authOf("me", "entry") },
        "plain.example": { auth: authOf("me", "entry") },
      },
      credHelpers: { [registry]: "own", "plain.example": "" },
      credsStore: "all",
    });
    expect(await ask(machine)).toBe("helper:own");
    expect(await ask(machine, { registry: "other.example" })).toBe("helper:all");
    expect(await ask(machine, { registry: "plain.example" })).toBe("me:entry");
  });

  it("takes no entry of a file whose helper has nothing, but goes on to the next file, as docker does", async () => {
    const machine = await useMachine();
    await machine.installHelper("own", nothing);
    await machine.write(".docker/config.json", {
      auths: { [registry]: { auth: authOf("me", "left over") } },
      credHelpers: { [registry]: "own" },
    });
    expect(await ask(machine)).toBeUndefined();
    await machine.write("run/containers/auth.json", {
      auths: { [registry]: { auth: authOf("me", "podman") } },
    });
    expect(await ask(machine)).toBe("me:podman");
  });

  it("asks helpers by host, for Docker Hub by docker's URL, and for nothing that was not asked", async () => {
    const machine = await useMachine();
    await machine.installHelper("all", helperScript("pass"));
    await machine.write(".docker/config.json", { auths: { "unasked.example": {} }, credsStore: "all" });
    await ask(machine, { repository: "team/app" });
    await ask(machine, { registry: "docker.io", repository: "library/alpine" });
    expect(await machine.read("asked")).toBe(`${registry}\nhttps://index.docker.io/v1/\n`);
  });

  it("uses what a helper said for a minute, for every repository of the host", async () => {
    const machine = await useMachine();
    await machine.installHelper("all", helperScript("pass"));
    await machine.write(".docker/config.json", { credsStore: "all" });
    let time = 0;
    const provider = fromDockerConfig({ env: machine.env, now: () => time });
    await provider({ registry, repository: "a" });
    time = 50_000;
    await provider({ registry, repository: "b" });
    expect(await machine.read("asked")).toBe(`${registry}\n`);
    time = 60_000;
    await provider({ registry, repository: "a" });
    expect(await machine.read("asked")).toBe(`${registry}\n${registry}\n`);
  });

  it("takes the entry with the longest path, segment by segment", async () => {
    const machine = await useMachine();
    await machine.write("run/containers/auth.json", {
      auths: {
        [registry]: { auth: authOf("me", "host") },
        [`${registry}/team`]: { auth: authOf("me", "team") },
        [`${registry}/team/app`]: { auth: authOf("me", "app") },
      },
    });
    const asked = ["team/app/x", "team/app-evil", "team", "team-evil", undefined];
    const found = await Promise.all(asked.map((repository) => ask(machine, { repository })));
    expect(found).toEqual(["me:app", "me:team", "me:team", "me:host", "me:host"]);
  });

  it("passes over an empty entry, which only says that some helper had the credential", async () => {
    const machine = await useMachine();
    await machine.write(".docker/config.json", {
      auths: { [registry]: {}, [`https://${registry}`]: { auth: authOf("me", "pass") } },
    });
    expect(await ask(machine)).toBe("me:pass");
  });

  it("gives the good entries of a file with a broken one, and an error for the broken one", async () => {
    const machine = await useMachine();
    const file = await machine.write(".docker/config.json", {
      auths: { [registry]: { auth: authOf("me", "pass") }, "bad.example": { auth: `!${canary}` } },
      credHelpers: { "worse.example": [canary] },
    });
    expect(await ask(machine)).toBe("me:pass");
    expectFailure(
      await failureOf(ask(machine, { registry: "bad.example" })),
      `auths["bad.example"] in ${file}`,
    );
    expectFailure(
      await failureOf(ask(machine, { registry: "worse.example" })),
      `credHelpers["worse.example"]`,
    );
  });

  it("never goes on from what is broken to what is good, or to anonymous access (CVE-2021-41092)", async () => {
    const machine = await useMachine();
    const docker = await machine.write(".docker/config.json", { credHelpers: { [registry]: "missing" } });
    await machine.write("run/containers/auth.json", {
      auths: { [registry]: { auth: authOf("me", canary) } },
    });
    expectFailure(await failureOf(ask(machine)), `credHelpers["${registry}"] in ${docker}`, "install");
    await machine.write(".docker/config.json", `{"auths": {"${registry}": {"auth": "${canary}`);
    expectFailure(await failureOf(ask(machine)), docker, "not JSON");
  });

  it("tells which credential the registry refused", async () => {
    const machine = await useMachine();
    const file = await machine.write(".docker/config.json", {
      auths: { [registry]: { auth: authOf("me", canary) } },
    });
    const provider = fromDockerConfig({ env: machine.env });
    const rejected = await provider({ registry });
    const failure = await failureOf(provider({ registry, rejected }));
    expectFailure(
      failure,
      `auths["${registry}"] in ${file}: ${registry} refused`,
      `log in to ${registry} again`,
    );
  });

  it.each([
    { name: "right", now: 1_800_000_000_000, says: "has expired" },
    { name: "an hour slow", now: 1_800_000_000_000 - 3_600_000, says: "refused this credential" },
  ])(
    "lets the registry judge a static token, whose clock is right where ours is $name",
    async ({ now, says }) => {
      const machine = await useMachine();
      const registrytoken = jwt({ exp: 1_800_000_000 - 60 });
      const file = await machine.write(".docker/config.json", { auths: { [registry]: { registrytoken } } });
      const provider = fromDockerConfig({ env: machine.env, now: () => now });
      const rejected = await provider({ registry });
      expect(wordOf(rejected)).toBe(registrytoken);
      expectFailure(await failureOf(provider({ registry, rejected })), file, says, "log in");
    },
  );

  it("uses a valid token though our clock is an hour fast", async () => {
    const machine = await useMachine();
    const registrytoken = jwt({ exp: 1_800_000_000 });
    await machine.write(".docker/config.json", { auths: { [registry]: { registrytoken } } });
    const provider = fromDockerConfig({ env: machine.env, now: () => 1_800_003_600_000 });
    expect(wordOf(await provider({ registry }))).toBe(registrytoken);
  });
});

describe("describeDockerCredential", () => {
  it("names the source and the type, and shows no secret", async () => {
    const machine = await useMachine();
    const file = await machine.write(".docker/config.json", {
      auths: { [registry]: { identitytoken: canary } },
    });
    const { env } = machine;
    expect(await describeDockerCredential({ registry }, { env })).toEqual({
      source: `auths["${registry}"] in ${file}`,
      type: "refresh-token",
      isExposed: false,
    });
    expect(await describeDockerCredential({ registry: "other.example" }, { env })).toBeUndefined();
  });

  it("tells that others may read the file", async () => {
    const machine = await useMachine();
    await chmod(
      await machine.write(".docker/config.json", { auths: { [registry]: { identitytoken: "t" } } }),
      0o644,
    );
    const description = await describeDockerCredential({ registry }, { env: machine.env });
    expect(description?.isExposed).toBe(true);
  });

  it("names the helper and who names it", async () => {
    const machine = await useMachine();
    await machine.installHelper("all", helperScript(canary));
    const file = await machine.write(".docker/config.json", { credsStore: "all" });
    expect(await describeDockerCredential({ registry }, { env: machine.env })).toEqual({
      source: `docker-credential-all, named by credsStore in ${file}`,
      type: "basic",
      isExposed: false,
    });
  });
});
