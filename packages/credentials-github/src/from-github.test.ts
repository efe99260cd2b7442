import { inspect } from "node:util";
import { isOciError, type Credential, type CredentialProvider } from "@drayage/oci";
import { describe, expect, test, vi } from "vitest";
import { fromGitHub } from "./index.ts";

/** For use inside `toMatchObject`, where vitest's own is of type any. */
const containing = (text: string): unknown => expect.stringContaining(text);

const registry = "ghcr.io";

// As if the optional peer were not installed; with it, the app is tested in test/src.
vi.mock("@octokit/auth-app", () => {
  throw new Error("Cannot find package '@octokit/auth-app'");
});

async function askFor(provider: CredentialProvider): Promise<Credential & { readonly type: "basic" }> {
  const credential = await provider({ registry });
  if (credential?.type !== "basic") throw new Error("no user and password");
  return credential;
}

describe("whose a registry is", () => {
  test.each([
    "ghcr.io.evil.example",
    "evilghcr.io",
    "x.ghcr.io",
    "ghcrxio",
    "ghcr.io:443",
    "ghcr.io\n",
    "GHCR.IO",
    "docker.pkg.github.com",
    "github.com",
    "containers.github.example.com",
  ])("%j is nobody's", async (name) => {
    expect(await fromGitHub({ token: "ghp_canary" })({ registry: name })).toBeUndefined();
  });

  test("a token for an enterprise server is not given to ghcr.io", async () => {
    const provider = fromGitHub({ token: "ghp_canary", hosts: ["containers.github.example.com"] });
    expect(await provider({ registry: "containers.github.example.com" })).toBeDefined();
    expect(await provider({ registry })).toBeUndefined();
  });

  test("an enterprise server is not given gh's token for github.com", () => {
    const hosts = ["containers.github.example.com"];
    for (const ghCli of [true, {}])
      expect(() => fromGitHub({ ghCli, hosts })).toThrow("`ghCli` is the token for github.com");
    expect(() => fromGitHub({ ghCli: { hostname: "github.example.com" }, hosts })).not.toThrow();
    expect(() => fromGitHub({ ghCli: true, hosts: [...hosts, registry] })).not.toThrow();
  });
});

describe("where the token comes from", () => {
  test("`token` goes before GITHUB_TOKEN", async () => {
    const { password } = await askFor(
      fromGitHub({ token: "ghp_given", env: { GITHUB_TOKEN: "ghs_ambient" } }),
    );
    expect(password.reveal()).toBe("ghp_given");
  });

  test("GITHUB_TOKEN is looked up when the provider is asked, with GITHUB_ACTOR as the user", async () => {
    const env: Record<string, string> = {};
    const provider = fromGitHub({ env });
    env["GITHUB_TOKEN"] = "ghs_ambient";
    env["GITHUB_ACTOR"] = "dependabot[bot]";
    const { username, password } = await askFor(provider);
    expect([username, password.reveal()]).toEqual(["dependabot[bot]", "ghs_ambient"]);
  });

  test("some user name is sent even if nobody gave one", async () => {
    expect((await askFor(fromGitHub({ token: "ghp_given", env: {} }))).username).not.toBe("");
    const env = { GITHUB_ACTOR: "no:user name" };
    expect((await askFor(fromGitHub({ token: "ghp_given", env }))).username).not.toContain(":");
  });

  test("without any source the registry is used anonymously", async () => {
    expect(await fromGitHub({ env: {} })({ registry })).toBeUndefined();
  });

  test.each([
    ["empty", ""],
    ["a secret with a line end", "ghp_canary\n"],
    ["a secret with a header in it", "ghp_canary\r\nX-Evil: 1"],
    ["two words", "ghp_canary ghp_canary"],
  ])("GITHUB_TOKEN that is %s is an error, not anonymous access", async (_what, text) => {
    const error: unknown = await fromGitHub({ env: { GITHUB_TOKEN: text } })({ registry }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isOciError(error, "CREDENTIAL_UNAVAILABLE") && error.message).toContain("GITHUB_TOKEN");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });

  test.each([
    ["`token` and `app`", { token: "t", app: { appId: 1, privateKey: "k", installationId: 2 } }],
    ["a user name with a colon", { username: "a:b" }],
    ["an empty user name", { username: "" }],
  ])("%s are refused when they are given", (_what, options) => {
    expect(() => fromGitHub(options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  test("`app` without its SDK is an error that names the package", async () => {
    const app = { appId: 1, privateKey: "canary", installationId: 2 };
    await expect(fromGitHub({ app })({ registry })).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      message: containing("@octokit/auth-app"),
      cause: { message: containing("") },
    });
  });
});

describe("what GHCR needs is said when it refuses", () => {
  test.each([
    ["a fine-grained token", "github_pat_canary", /fine-grained.*classic/],
    ["a workflow's token", "ghs_canary", /permissions: packages.*Manage Actions access/],
    ["a token of gh", "gho_canary", /gh auth refresh -s read:packages/],
    ["a classic token", "ghp_canary", /read:packages.*write:packages/],
    ["a classic token of old", "0123456789abcdef0123456789abcdef01234567", /read:packages.*write:packages/],
  ])("%s", async (_kind, token, hint) => {
    const provider = fromGitHub({ token, env: {} });
    const rejected = await askFor(provider);
    expect(rejected.hint).toMatch(hint);
    const error: unknown = await provider({ registry, rejected }).catch((thrown: unknown) => thrown);
    expect(isOciError(error, "CREDENTIAL_UNAVAILABLE") && error.hint).toMatch(hint);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(token);
  });

  test("a token that the environment has replaced is taken", async () => {
    const env = { GITHUB_TOKEN: "ghs_old" };
    const provider = fromGitHub({ env });
    const rejected = await askFor(provider);
    env.GITHUB_TOKEN = "ghs_new";
    const credential = await provider({ registry, rejected });
    expect(credential?.type === "basic" && credential.password.reveal()).toBe("ghs_new");
  });
});
