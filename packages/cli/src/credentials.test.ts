import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OciError, Secret, type Credential, type CredentialRequest } from "@drayage/oci";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDefaultCredentials, describeCredential, type CredentialSource } from "./credentials.ts";

const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const pull: CredentialRequest = { registry, repository: "app", actions: ["pull"] };
const push: CredentialRequest = { registry, repository: "app", actions: ["pull", "push"] };
const credential: Credential = { type: "basic", username: "AWS", password: new Secret("canary") };

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "drayage-home-"));
  for (const name of ["DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "GITHUB_TOKEN", "XDG_RUNTIME_DIR"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("HOME", home);
  vi.stubEnv("XDG_CONFIG_HOME", home);
  vi.stubEnv("DOCKER_CONFIG", home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

function sourceOf(load: CredentialSource["load"], packages = ["@drayage/credentials-ecr"]): CredentialSource {
  return { origin: "the AWS identity", registries: ["ecr"], packages, load };
}

/** A cloud of which nothing is installed, as Node puts it. */
const absent = sourceOf(() =>
  Promise.reject(Object.assign(new Error("no"), { code: "ERR_MODULE_NOT_FOUND" })),
);

const broken = sourceOf(() =>
  Promise.resolve(() =>
    Promise.reject(new OciError("CREDENTIAL_UNAVAILABLE", "no AWS identity was found", { hint: "sign in" })),
  ),
);

function open(source: CredentialSource) {
  const notes: string[] = [];
  return { notes, ...createDefaultCredentials({ note: (text) => notes.push(text), sources: [source] }) };
}

function refusalOf(url: string): OciError {
  const [status, side] = [401, "target"] as const;
  return new OciError("UNAUTHORIZED", "refused", { status, side, url, hint: "no credential was sent" });
}

describe("the default chain", () => {
  test("takes a login before GITHUB_TOKEN, and that only for GitHub's registry", async () => {
    vi.stubEnv("GITHUB_TOKEN", "ghp_token");
    const { provider } = open(absent);
    expect(await provider({ registry: "ghcr.io" })).toMatchObject({ username: "x-access-token" });
    expect(await provider({ registry: "registry.example.com" })).toBeUndefined();
    const auth = Buffer.from("me:canary").toString("base64");
    await writeFile(join(home, "config.json"), JSON.stringify({ auths: { "ghcr.io": { auth } } }));
    expect(await provider({ registry: "ghcr.io" })).toMatchObject({ username: "me" });
  });

  test("loads a cloud's package once, and for its own registries only", async () => {
    const load = vi.fn<CredentialSource["load"]>(() => Promise.resolve(() => Promise.resolve(credential)));
    const { provider } = open(sourceOf(load));
    expect(await provider({ registry: `${registry}.evil.example` })).toBeUndefined();
    expect(load).not.toHaveBeenCalled();
    expect(await provider(pull)).toBe(credential);
    expect(await provider(push)).toBe(credential);
    expect(load).toHaveBeenCalledTimes(1);
  });

  test("a login that is broken stops everything, pulls too", async () => {
    await writeFile(join(home, "config.json"), "{");
    await expect(open(absent).provider(pull)).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
  });

  test("a GITHUB_TOKEN that is empty stops a pull from GitHub", async () => {
    vi.stubEnv("GITHUB_TOKEN", "");
    const asked = open(absent).provider({ registry: "ghcr.io", actions: ["pull"] });
    await expect(asked).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
  });
});

describe("a cloud whose package is not installed", () => {
  test("does not keep anybody from pulling, and is no news while that works", async () => {
    const { provider, notes } = open(absent);
    expect(await provider(pull)).toBeUndefined();
    expect(notes).toEqual([]);
  });

  test("is the reason that the user reads when the registry refuses", async () => {
    const { provider, explain } = open(absent);
    await provider(pull);
    const refusal = refusalOf(`https://${registry}/v2/app/manifests/v1`);
    expect(explain(refusal)).toMatchObject({
      code: "UNAUTHORIZED",
      status: 401,
      side: "target",
      url: refusal.url,
      cause: refusal,
      hint:
        "@drayage/credentials-ecr, which knows the AWS identity, is not installed: " +
        "npm install --global drayage @drayage/credentials-ecr, or drayage login",
    });
  });

  test("does not explain what another registry refuses, nor other failures", async () => {
    const { provider, explain } = open(absent);
    await provider(pull);
    const other = refusalOf(`https://${registry}.evil.example/v2/`);
    expect(explain(other)).toBe(other);
    const unknown = new OciError("MANIFEST_UNKNOWN", "absent", { url: `https://${registry}/v2/` });
    expect(explain(unknown)).toBe(unknown);
  });

  test("stops a push, which cannot be anonymous", async () => {
    await expect(open(absent).provider(push)).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      hint: "npm install --global drayage @drayage/credentials-ecr, or drayage login",
    });
  });

  test("a package that is there and broken is not taken for one that is absent", async () => {
    const faulty = sourceOf(() => Promise.reject(new SyntaxError("not a module")));
    await expect(open(faulty).provider(pull)).rejects.toThrow("not a module");
  });
});

describe("a cloud that gives no credential", () => {
  test("does not keep anybody from pulling, but is never silent, and says it once", async () => {
    const { provider, notes, explain } = open(broken);
    expect([await provider(pull), await provider(pull)]).toEqual([undefined, undefined]);
    expect(notes).toEqual(["no AWS identity was found; going on without a credential"]);
    expect(explain(refusalOf(`https://${registry}/v2/`))).toMatchObject({
      hint: "no AWS identity was found: sign in",
    });
  });

  test("is explained in the words of its SDK", async () => {
    const cause = new Error("Could not load credentials from any providers");
    const silent = sourceOf(async () => () => {
      return Promise.reject(new OciError("CREDENTIAL_UNAVAILABLE", "no token", { cause, hint: "sign in" }));
    });
    const { provider, notes, explain } = open(silent);
    await provider(pull);
    expect(notes).toEqual([`no token (Error: ${cause.message}); going on without a credential`]);
    expect(explain(refusalOf(`https://${registry}/v2/`))).toMatchObject({
      hint: `no token (Error: ${cause.message}): sign in`,
    });
  });

  test("stops a push and a deletion", async () => {
    const { provider, notes } = open(broken);
    for (const request of [push, { ...pull, actions: ["delete"] } as const])
      await expect(provider(request)).rejects.toMatchObject({ message: "no AWS identity was found" });
    expect(notes).toEqual([]);
  });

  test("does not replace by nothing what the registry has refused", async () => {
    const asked = open(broken).provider({ ...pull, rejected: credential });
    await expect(asked).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
  });
});

describe("what would be used", () => {
  const given = sourceOf(() => Promise.resolve(() => Promise.resolve(credential)));

  test("tells the origin and never the secret (C30)", async () => {
    const description = await describeCredential(pull, { sources: [given] });
    expect(description).toEqual({ source: "the AWS identity", type: "basic", isExposed: false });
    expect(JSON.stringify(description)).not.toContain("canary");
  });

  test("is nothing where nobody knows the registry", async () => {
    expect(
      await describeCredential({ registry: "registry.example.com" }, { sources: [given] }),
    ).toBeUndefined();
  });

  test.each([absent, broken])("fails where a cloud would have been asked, for a pull too", async (source) => {
    await expect(describeCredential(pull, { sources: [source] })).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
    });
  });
});
