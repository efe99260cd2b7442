import { describe, expect, it } from "vitest";
import { errorOf } from "../../fixture/scripted.ts";
import { portOf, redactUrl, requestUrl, resolveServerUrl, withParameter, withQuery } from "./url.ts";

const base = new URL("https://registry.example/v2/a/blobs/uploads/");
const plainBase = new URL("http://registry.example/v2/a/");

describe("resolveServerUrl", () => {
  it.each([
    ["/v2/a/x?_state=b%2Bc", "https://registry.example/v2/a/x?_state=b%2Bc"],
    ["id", "https://registry.example/v2/a/blobs/uploads/id"],
    ["https://cdn.example/x", "https://cdn.example/x"],
    ["//cdn.example/x", "https://cdn.example/x"],
    ["http://registry.example/x", "https://registry.example/x"],
    ["/x//me@home", "https://registry.example/x//me@home"],
    ["https://cdn.example/x///y?u=http:z", "https://cdn.example/x///y?u=http:z"],
  ])("takes %s", (text, url) => {
    expect(resolveServerUrl(text, base).href).toBe(url);
  });

  it("leads from http to https", () => {
    expect(resolveServerUrl("https://registry.example/x", plainBase).href).toBe("https://registry.example/x");
  });

  it.each([
    ["a tab that parsers drop", "https://auth.example\t.evil/"],
    ["a line break", "https://auth.example\r\n/"],
    ["a space", "https://auth.example /"],
    ["a backslash that parsers turn", "https://auth.example\\@evil.example/"],
    ["userinfo", "https://user:word@evil.example/"],
    ["empty userinfo", "https://@evil.example/"],
    ["userinfo without a scheme", "//registry.example@evil.example/"],
    ["userinfo behind three slashes", "https:///user:word@evil.example/"],
    ["three slashes without a scheme", "///evil.example/"],
    ["one slash", "https:/evil.example/"],
    ["no slash", "https:evil.example/"],
    ["a fragment", "/x#y"],
    ["another scheme", "file:///etc/passwd"],
    ["ftp", "ftp://registry.example/"],
    ["nothing that parses", "https://[::1/"],
  ])("C18 refuses %s", async (_what, text) => {
    expect(await errorOf(() => resolveServerUrl(text, base))).toMatchObject({ code: "URL_REFUSED" });
  });

  it.each(["http:///evil.example/", "http:/evil.example/", "http:evil.example/"])(
    "C18 refuses %s, which parsers take for a host or for a path",
    async (text) => {
      const refused = { code: "URL_REFUSED" };
      expect(await errorOf(() => resolveServerUrl(text, plainBase))).toMatchObject(refused);
    },
  );

  it("C5 never leads from https to the http of another host", async () => {
    const error = await errorOf(() => resolveServerUrl("http://auth.example/token", base));
    expect(error).toMatchObject({ code: "URL_REFUSED" });
  });

  it("keeps a refused URL out of the error, for it may hold a secret", async () => {
    const error = await errorOf(() => resolveServerUrl("https://user:canary@evil.example/", base));
    expect(String(error)).not.toContain("canary");
  });
});

describe("redactUrl", () => {
  it("keeps every parameter of the specifications", () => {
    const query = "n=1&last=a&digest=sha256:a&mount=b&from=c&scope=d&service=e&artifactType=f&tag=g";
    expect(redactUrl(new URL(`https://registry.example/v2/?${query}`))).toBe(
      `https://registry.example/v2/?${query}`,
    );
  });

  it("has no question mark without a query, and hides a value without a name", () => {
    expect(redactUrl(new URL("http://registry.example:5000/v2/"))).toBe("http://registry.example:5000/v2/");
    expect(redactUrl(new URL("https://registry.example/?=canary"))).toBe("https://registry.example/?=***");
  });
  it("C30 keeps what cannot be secret and drops every other value", () => {
    const url = new URL("https://u:p@cdn.example/b?X-Amz-Signature=canary&n=5&last=a%2Fb&flag#canary");
    expect(redactUrl(url)).toBe("https://cdn.example/b?X-Amz-Signature=***&n=5&last=a%2Fb&flag");
  });
});

it("requestUrl refuses userinfo, which would be sent as a password", async () => {
  expect(await errorOf(() => requestUrl("https://u:p@api.example/"))).toMatchObject({ code: "URL_REFUSED" });
  expect(requestUrl("https://api.example/a?b=c").href).toBe("https://api.example/a?b=c");
});

it("withParameter and withQuery leave the query of the server byte for byte", () => {
  const url = new URL("https://registry.example/u?_state=a%2Bb~%20");
  expect(withParameter(url, "digest", "sha256:a").search).toBe("?_state=a%2Bb~%20&digest=sha256%3Aa");
  expect(withQuery(url, "service=x").search).toBe("?_state=a%2Bb~%20&service=x");
  expect(withQuery(new URL("https://registry.example/t"), "service=x").search).toBe("?service=x");
  expect(withQuery(new URL("https://registry.example/t"), "").href).toBe("https://registry.example/t");
  expect(withParameter(new URL("https://registry.example/u"), "digest", "a").search).toBe("?digest=a");
});

it.each([
  ["https://registry.example/", "443"],
  ["http://registry.example/", "80"],
  ["https://registry.example:443/", "443"],
  ["https://registry.example:80/", "80"],
  ["http://registry.example:5000/", "5000"],
])("portOf %s is %s", (url, port) => {
  expect(portOf(new URL(url))).toBe(port);
});
