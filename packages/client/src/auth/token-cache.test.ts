import { Secret, type Scope } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { createTokenCache, type Proof, type ProofWish } from "./token-cache.ts";

const scope = (name: string, ...actions: string[]): Scope => ({ type: "repository", name, actions });
const proof = (scopes: Proof["scopes"], refreshAt = 1000): Proof => ({
  authorization: new Secret("x"),
  credential: undefined,
  scopes,
  refreshAt,
  refreshForLongAt: refreshAt / 2,
});
const wish = (scopes: readonly Scope[], now: number, isForLong = false): ProofWish => ({
  scopes,
  now,
  isForLong,
});

describe("createTokenCache", () => {
  it("finds a token that covers more than is needed, and none that covers less", () => {
    const cache = createTokenCache();
    const both = proof([scope("a", "pull", "push")]);
    cache.keep("k", both);
    expect(cache.find("k", wish([scope("a", "pull")], 0))).toBe(both);
    expect(cache.find("k", wish([scope("a", "delete")], 0))).toBeUndefined();
    expect(cache.find("k", wish([scope("b", "pull")], 0))).toBeUndefined();
    expect(cache.find("other", wish([scope("a", "pull")], 0))).toBeUndefined();
  });

  it("drops a token when it is to be refreshed, and one that was refused", () => {
    const cache = createTokenCache();
    cache.keep("k", proof("any", 1000));
    expect(cache.find("k", wish([], 999))).toBeDefined();
    expect(cache.find("k", wish([], 1000))).toBeUndefined();
    const refused = proof("any");
    cache.keep("k", refused);
    cache.forget("k", refused);
    expect(cache.find("k", wish([], 0))).toBeUndefined();
  });

  it("keeps a token that is too old for something long, for everything else", () => {
    const cache = createTokenCache();
    const old = proof("any", 1000);
    cache.keep("k", old);
    expect(cache.find("k", wish([], 499, true))).toBe(old);
    expect(cache.find("k", wish([], 500, true))).toBeUndefined();
    expect(cache.find("k", wish([], 500))).toBe(old);
  });

  it("keeps the most recently used of more keys than its limit", () => {
    const cache = createTokenCache({ limit: 2 });
    for (const key of ["a", "b"]) cache.keep(key, proof("any"));
    cache.find("a", wish([], 0));
    cache.keep("c", proof("any"));
    expect(cache.find("a", wish([], 0))).toBeDefined();
    expect(cache.find("b", wish([], 0))).toBeUndefined();
  });

  it("needs a token for every scope, of one repository as of several", () => {
    const cache = createTokenCache();
    cache.keep("k", proof([scope("a", "pull")]));
    expect(cache.find("k", wish([scope("a", "pull"), scope("b", "pull")], 0))).toBeUndefined();
    expect(cache.find("k", wish([], 0))).toBeDefined();
  });

  it("keeps what a new token does not cover, and drops what it does", () => {
    const cache = createTokenCache();
    const [a, b, both] = [
      proof([scope("a", "pull")]),
      proof([scope("b", "pull")]),
      proof([scope("a", "pull"), scope("b", "pull")]),
    ];
    cache.keep("k", a);
    cache.keep("k", b);
    expect(cache.find("k", wish([scope("a", "pull")], 0))).toBe(a);
    expect(cache.find("k", wish([scope("b", "pull")], 0))).toBe(b);
    cache.keep("k", both);
    cache.forget("k", both);
    expect(cache.find("k", wish([scope("a", "pull")], 0))).toBeUndefined();
    expect(cache.find("k", wish([scope("b", "pull")], 0))).toBeUndefined();
  });

  it("keeps a password beside a token, and nothing beside a password", () => {
    const cache = createTokenCache();
    const [password, token, other] = [proof("any"), proof([scope("a", "pull")]), proof("any")];
    cache.keep("k", password);
    cache.keep("k", token);
    expect(cache.find("k", wish([scope("b", "pull")], 0))).toBe(password);
    expect(cache.find("k", wish([scope("a", "pull")], 0))).toBe(token);
    cache.keep("k", other);
    cache.forget("k", other);
    expect(cache.find("k", wish([scope("a", "pull")], 0))).toBeUndefined();
    expect(cache.find("k", wish([scope("b", "pull")], 0))).toBeUndefined();
  });

  it("forgets the one that was refused, and no other", () => {
    const cache = createTokenCache();
    const [a, b] = [proof([scope("a", "pull")]), proof([scope("b", "pull")])];
    cache.keep("k", a);
    cache.keep("k", b);
    cache.forget("k", a);
    cache.forget("unknown", a);
    expect(cache.find("k", wish([scope("a", "pull")], 0))).toBeUndefined();
    expect(cache.find("k", wish([scope("b", "pull")], 0))).toBe(b);
  });

  it("has room for keys of which it holds something only", () => {
    const cache = createTokenCache({ limit: 1 });
    const kept = proof("any");
    cache.keep("a", kept);
    cache.find("unknown", wish([], 0));
    cache.forget("unknown", kept);
    expect(cache.find("a", wish([], 0))).toBe(kept);
  });
});
