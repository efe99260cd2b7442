import { Console } from "node:console";
import { PassThrough } from "node:stream";
import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  anonymous,
  chain,
  forRegistry,
  fromStatic,
  memoize,
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
});

describe("memoize", () => {
  const minute = 60_000;
  const clock = (start = 0) => {
    const time = { now: start };
    return { time, now: () => time.now };
  };

  it("asks once for what never expires", async () => {
    const { provider, asked } = scripted(basic("a"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now });
    const first = await memoized(request);
    time.now = 1e12;
    expect(await memoized(request)).toBe(first);
    expect(asked).toHaveLength(1);
  });

  it("shares one call among those who ask at the same time", async () => {
    const { provider, asked } = scripted(basic("a"), basic("b"));
    const memoized = memoize(provider);
    const [first, second] = await Promise.all([memoized(request), memoized(request)]);
    expect(first).toBe(second);
    expect(asked).toHaveLength(1);
  });

  it("renews when a tenth of a short life is left", async () => {
    const { provider, asked } = scripted(basic("a", new Date(10 * minute)), basic("b"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now });
    await memoized(request);
    time.now = 9 * minute - 1;
    expect(await memoized(request)).toMatchObject({ username: "a" });
    time.now = 9 * minute;
    expect(await memoized(request)).toMatchObject({ username: "b" });
    expect(asked).toHaveLength(2);
  });

  it("renews when five minutes of a long life are left", async () => {
    const { provider } = scripted(basic("a", new Date(1000 * minute)), basic("b"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now });
    await memoized(request);
    time.now = 995 * minute - 1;
    expect(await memoized(request)).toMatchObject({ username: "a" });
    time.now = 995 * minute;
    expect(await memoized(request)).toMatchObject({ username: "b" });
  });

  it("keeps what says nothing of its life for maxAge", async () => {
    const { provider } = scripted(basic("a"), basic("b"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now, maxAge: minute });
    await memoized(request);
    time.now = 53_999;
    expect(await memoized(request)).toMatchObject({ username: "a" });
    time.now = 54_000;
    expect(await memoized(request)).toMatchObject({ username: "b" });
  });

  it("serves the old one when renewing fails while it is still good, and throws once it is not", async () => {
    const broken = new Error("token service is down");
    const { provider } = scripted(basic("a", new Date(10 * minute)), broken);
    const { time, now } = clock();
    const memoized = memoize(provider, { now });
    await memoized(request);
    time.now = 10 * minute - 1;
    expect(await memoized(request)).toMatchObject({ username: "a" });
    time.now = 10 * minute;
    await expect(memoized(request)).rejects.toBe(broken);
  });

  it("asks again for what was refused, telling so, and does not serve it even if that fails", async () => {
    const broken = new Error("no other");
    const { provider, asked } = scripted(basic("a"), basic("b"), broken);
    const memoized = memoize(provider);
    const first = await memoized(request);
    const second = await memoized({ ...request, rejected: first });
    expect(second).toMatchObject({ username: "b" });
    expect(asked[1]?.rejected).toBe(first);
    await expect(memoized({ ...request, rejected: second })).rejects.toBe(broken);
    await expect(memoized(request)).rejects.toBe(broken);
  });

  it("serves what has replaced a refused credential in the meantime", async () => {
    const { provider, asked } = scripted(basic("a"), basic("b"));
    const memoized = memoize(provider);
    const first = await memoized(request);
    const second = await memoized({ ...request, rejected: first });
    expect(await memoized({ ...request, rejected: first })).toBe(second);
    expect(asked).toHaveLength(2);
  });

  it("does not remember that there is nothing, or that it failed", async () => {
    const { provider, asked } = scripted(undefined, new Error("down"), basic("a"));
    const memoized = memoize(provider);
    expect(await memoized(request)).toBeUndefined();
    await expect(memoized(request)).rejects.toThrow("down");
    expect(await memoized(request)).toMatchObject({ username: "a" });
    expect(asked).toHaveLength(3);
  });

  it("keeps registries apart, and whatever else the key says", async () => {
    const { provider, asked } = scripted(basic("a"));
    const memoized = memoize(provider, { key: ({ registry, repository }) => `${registry}/${repository}` });
    for (const repository of ["one", "two", "one"]) await memoized({ ...request, repository });
    await memoized({ registry: "other.test", repository: "one" });
    expect(asked).toHaveLength(3);
  });

  it("remembers a hundred, and forgets the oldest first", async () => {
    const { provider, asked } = scripted(basic("a"));
    const memoized = memoize(provider);
    for (let number = 0; number <= 100; number++) await memoized({ registry: `r${number}.test` });
    await memoized({ registry: "r1.test" });
    expect(asked).toHaveLength(101);
    await memoized({ registry: "r0.test" });
    expect(asked).toHaveLength(102);
  });

  it("lets one caller abort without disturbing another", async () => {
    let give: (credential: Credential) => void = () => undefined;
    const memoized = memoize(
      () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    );
    const [controller, reason] = [new AbortController(), new Error("leaving")];
    const first = memoized({ ...request, signal: controller.signal });
    const second = memoized(request);
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    give(basic("a"));
    expect(await second).toMatchObject({ username: "a" });
  });

  it("aborts the provider when the last caller has left", async () => {
    let seen: AbortSignal | undefined;
    const memoized = memoize(({ signal }) => {
      seen = signal;
      return new Promise(() => undefined);
    });
    const [controller, reason] = [new AbortController(), new Error("leaving")];
    const waiting = memoized({ ...request, signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(seen?.aborted).toBe(true);
  });

  it("rejects with the reason of an abort even if an old credential could serve", async () => {
    const { provider } = scripted(basic("a", new Date(10 * minute)), basic("b"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now });
    await memoized(request);
    time.now = 9 * minute;
    const reason = new Error("stop");
    await expect(memoized({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
