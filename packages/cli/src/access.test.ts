import { describe, expect, test } from "vitest";
import { parseAccess } from "./access.ts";

describe("parseAccess", () => {
  test.each([
    [{}, { htpasswd: undefined, policy: undefined, tokens: undefined }],
    [
      { htpasswd: "users", policy: "rules" },
      { htpasswd: "users", policy: "rules", tokens: undefined },
    ],
    [{ htpasswd: "users", "token-service": true }, { tokens: { publicUrl: undefined } }],
    [
      { htpasswd: "users", "token-service": true, "public-url": "https://registry.example.com/" },
      { tokens: { publicUrl: "https://registry.example.com" } },
    ],
  ])("%j", (values, access) => {
    expect(parseAccess(values, "127.0.0.1")).toMatchObject(access);
  });

  test.each([
    ["tokens for nobody", { "token-service": true }, "127.0.0.1", /needs --htpasswd/],
    [
      "a URL for nothing",
      { htpasswd: "users", "public-url": "https://a.test" },
      "::1",
      /is for --token-service/,
    ],
    [
      "tokens from an address that only the server knows",
      { htpasswd: "users", "token-service": true },
      "0.0.0.0",
      /needs --public-url/,
    ],
    [
      "a URL that is none",
      { htpasswd: "users", "token-service": true, "public-url": "a.test" },
      "::1",
      /HOST\[:PORT\]/,
    ],
    [
      "a URL with a path",
      { htpasswd: "users", "token-service": true, "public-url": "https://a.test/b" },
      "::1",
      /HOST\[:PORT\]/,
    ],
    [
      "a URL that breaks a header",
      { htpasswd: "users", "token-service": true, "public-url": 'https://a",x="' },
      "::1",
      /HOST\[:PORT\]/,
    ],
  ])("refuses %s", (_what, values, host, message) => {
    const parse = () => parseAccess(values, host);
    expect(parse).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(parse).toThrow(message);
  });
});
