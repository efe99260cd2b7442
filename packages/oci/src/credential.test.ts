import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  anonymous,
  chain,
  forRegistry,
  fromStatic,
  Secret,
  type Credential,
  type CredentialProvider,
} from "./credential.ts";

const request = { registry: "registry.example.com" };
const basic = (name: string, expiresAt?: Date): Credential => ({
  type: "basic",
  username: name,
  password: new Secret(`password of ${name}`),
  expiresAt,
});

/** A provider that gives what it is told to, one after the other, and counts. */
function scripted(...results: readonly (Credential | Error | undefined)[]) {
  const asked: Parameters<CredentialProvider>[0][] = [];
  const provider: CredentialProvider = async (wanted) => {
    const result = results[Math.min(asked.length, results.length - 1)];
    asked.push(wanted);
    if (result instanceof Error) throw result;
    return result;
  };
  return { provider, asked };
}

describe("Secret (C30)", () => {
  const secret = new Secret("hunter2");

  it("gives its text to who asks for it by name", () => {
    expect(secret.reveal()).toBe("hunter2");
  });

  it.each<[string, () => string]>([
    ["string conversion", () => String(secret)],
    ["a template", () => `${secret.toString()}`],
    ["concatenation", () => ["", secret].join("")],
    ["JSON", () => JSON.stringify({ secret, list: [secret] })],
    ["util.inspect", () => inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
    ["util.format", () => format("%s %o %j", secret, secret, secret)],
    ["an error's message", () => new Error(`no: ${String(secret)}`).message],
    ["its own keys", () => JSON.stringify(Object.entries(secret))],
    ["a copy", () => JSON.stringify(Object.assign({}, secret))],
    ["a structured clone", () => JSON.stringify(structuredClone({ secret }))],
  ])("keeps it out of %s", (_what, print) => {
    expect(print()).not.toContain("hunter2");
  });

  it("says that something is there", () => {
    expect([String(secret), JSON.stringify(secret), inspect(secret)]).toEqual([
      "[secret]",
      '"[secret]"',
      "[secret]",
    ]);
  });

  it("keeps it out of a console", () => {
    const stream = new PassThrough();
    const console = new Console(stream);
    console.log(secret, { secret });
    console.table([{ secret }]);
    console.dir(basic("ci"), { depth: 9 });
    const printed = String(stream.read());
    expect(printed).toContain("[secret]");
    expect(printed).not.toMatch(/hunter2|password of/);
  });
});

describe("fromStatic", () => {
  it("gives its credential for its registry, and nothing for another", async () => {
    const provider = fromStatic("registry.example.com", { username: "ci", password: "p" });
    const credential = await provider(request);
    expect(credential).toMatchObject({ type: "basic", username: "ci" });
    expect(credential?.type === "basic" && credential.password.reveal()).toBe("p");
    expect(await provider({ registry: "registry.example.com.evil.test" })).toBeUndefined();
    expect(await provider({ registry: "example.com" })).toBeUndefined();
  });

  it.each([
    [{ refreshToken: "r" }, "refresh-token", "r"],
    [{ bearerToken: new Secret("b") }, "bearer", "b"],
  ] as const)("gives the kind of token it was made with", async (given, type, text) => {
    const credential = await fromStatic("r.test", given)({ registry: "r.test" });
    expect(credential?.type).toBe(type);
    expect(credential?.type !== "basic" && credential?.token.reveal()).toBe(text);
  });

  it("throws instead of giving again what was refused, since it has nothing else", async () => {
    const provider = fromStatic("registry.example.com", { username: "ci", password: "p" });
    const rejected = await provider(request);
    await expect(provider({ ...request, rejected })).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
    });
  });

  it("gives its own where another's was refused, as behind a login that was removed since", async () => {
    const provider = fromStatic("registry.example.com", { username: "ci", password: "p" });
    expect(await provider({ ...request, rejected: basic("other") })).toMatchObject({ username: "ci" });
  });

  it.each([
    ["empty", ""],
    ["with a colon, at which it would be split", "a:b"],
    ["with a line end", "a\n"],
  ])("refuses a user name that is %s", (_what, username) => {
    expect(() => fromStatic("r.test", { username, password: "p" })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});

describe("chain", () => {
  it("gives the first credential that somebody has, and asks nobody after", async () => {
    const [nobody, first, second] = [scripted(undefined), scripted(basic("a")), scripted(basic("b"))];
    const credential = await chain(nobody.provider, first.provider, second.provider)(request);
    expect(credential).toMatchObject({ username: "a" });
    expect([nobody, first, second].map(({ asked }) => asked.length)).toEqual([1, 1, 0]);
  });

  it("is anonymous when nobody has anything", async () => {
    expect(await chain(anonymous, anonymous)(request)).toBeUndefined();
    expect(await chain()(request)).toBeUndefined();
  });

  it("stops at a provider that is broken, so that a failure is never taken for anonymous", async () => {
    const broken = new Error("helper crashed");
    const [failing, next] = [scripted(broken), scripted(basic("b"))];
    await expect(chain(failing.provider, next.provider)(request)).rejects.toBe(broken);
    expect(next.asked).toEqual([]);
  });

  it("passes on all that was asked", async () => {
    const { provider, asked } = scripted(undefined);
    const whole = { ...request, repository: "a/b", actions: ["pull"] as const, rejected: basic("x") };
    await chain(provider)(whole);
    expect(asked).toEqual([whole]);
  });
});

describe("forRegistry", () => {
  it("asks only for the registries named, exactly", async () => {
    const { provider, asked } = scripted(basic("a"));
    const limited = forRegistry(["a.test", "b.test:5000"], provider);
    for (const registry of ["a.test", "b.test:5000"]) expect(await limited({ registry })).toBeDefined();
    for (const registry of ["b.test", "a.test.evil.test", "xa.test", "A.test"]) {
      expect(await limited({ registry })).toBeUndefined();
    }
    expect(asked).toHaveLength(2);
    expect(await forRegistry("a.test", provider)({ registry: "a.test" })).toBeDefined();
  });

  it.each([
    ["https://index.docker.io/v1/", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
    ["GHCR.io", "ghcr.io"],
    ["https://ghcr.io", "ghcr.io"],
  ])("knows %s as %s, which is what is asked for", async (name, registry) => {
    expect(await forRegistry(name, scripted(basic("a")).provider)({ registry })).toBeDefined();
  });

  it("refuses what is no registry, which would otherwise be anonymous access", () => {
    expect(() => forRegistry("ghcr.io/team", anonymous)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID" }),
    );
  });
});
