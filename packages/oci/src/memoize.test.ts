import { describe, expect, it } from "vitest";
import { Secret, type Credential, type CredentialProvider } from "./credential.ts";
import { memoize } from "./memoize.ts";

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

  it("remembers a hundred, and forgets first what has not been used for longest", async () => {
    const { provider, asked } = scripted(basic("a"));
    const memoized = memoize(provider);
    for (let number = 0; number < 100; number++) await memoized({ registry: `r${number}.test` });
    for (const registry of ["r0.test", "r100.test", "r0.test"]) await memoized({ registry });
    expect(asked).toHaveLength(101);
    await memoized({ registry: "r1.test" });
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

  it("renews at half life where refreshAfter says so", async () => {
    const { provider } = scripted(basic("a", new Date(720 * minute)), basic("b"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now, refreshAfter: 0.5 });
    await memoized(request);
    time.now = 360 * minute - 1;
    expect(await memoized(request)).toMatchObject({ username: "a" });
    time.now = 360 * minute;
    expect(await memoized(request)).toMatchObject({ username: "b" });
  });

  it("waits before it tries to renew again, so that an outage does not cost a call each time", async () => {
    const { provider, asked } = scripted(basic("a", new Date(60 * minute)), new Error("down"));
    const { time, now } = clock();
    const memoized = memoize(provider, { now });
    await memoized(request);
    time.now = 59 * minute;
    for (let call = 0; call < 3; call++) expect(await memoized(request)).toMatchObject({ username: "a" });
    expect(asked).toHaveLength(2);
    time.now = 59.1 * minute;
    await memoized(request);
    expect(asked).toHaveLength(3);
  });

  it("does not give what was refused again, though the provider has nothing else", async () => {
    const hint = "look at the scopes";
    const { provider, asked } = scripted({ ...basic("a"), hint }, { ...basic("a"), hint });
    const memoized = memoize(provider);
    const rejected = await memoized(request);
    const again = memoized({ ...request, rejected });
    await expect(again).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE", hint });
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Credential]>([
    ["another user", { type: "basic", username: "other", password: new Secret("password of a") }],
    ["another password", { type: "basic", username: "a", password: new Secret("other") }],
    ["another kind", { type: "bearer", token: new Secret("password of a") }],
  ])("takes %s for another credential", async (_what, rejected) => {
    const memoized = memoize(scripted(basic("a")).provider);
    expect(await memoized({ ...request, rejected })).toMatchObject({ username: "a" });
  });
});
