import { Secret, type Scope } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { createTokenCache, type Proof } from "./token-cache.ts";

const scope = (name: string, ...actions: string[]): Scope => ({ type: "repository", name, actions });
const proof = (scopes: Proof["scopes"], refreshAt = 1000): Proof => ({
  authorization: new Secret("x"),
  credential: undefined,
  scopes,
  refreshAt,
});

describe("createTokenCache", () => {
  it("finds a token that covers more than is needed, and none that covers less", () => {
    const cache = createTokenCache();
    const both = proof([scope("a", "pull", "push")]);
    cache.keep("k", both);
    expect(cache.find("k", [scope("a", "pull")], 0)).toBe(both);
    expect(cache.find("k", [scope("a", "delete")], 0)).toBeUndefined();
    expect(cache.find("k", [scope("b", "pull")], 0)).toBeUndefined();
    expect(cache.find("other", [scope("a", "pull")], 0)).toBeUndefined();
  });

  it("drops a token when it is to be refreshed, and one that was refused", () => {
    const cache = createTokenCache();
    cache.keep("k", proof("any", 1000));
    expect(cache.find("k", [], 999)).toBeDefined();
    expect(cache.find("k", [], 1000)).toBeUndefined();
    const refused = proof("any");
    cache.keep("k", refused);
    cache.forget("k", refused);
    expect(cache.find("k", [], 0)).toBeUndefined();
  });

  it("keeps the most recently used of more keys than its limit", () => {
    const cache = createTokenCache({ limit: 2 });
    for (const key of ["a", "b"]) cache.keep(key, proof("any"));
    cache.find("a", [], 0);
    cache.keep("c", proof("any"));
    expect(cache.find("a", [], 0)).toBeDefined();
    expect(cache.find("b", [], 0)).toBeUndefined();
  });
});
