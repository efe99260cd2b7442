import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAuthorization, parseAuthorization } from "./authorization.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("parseAuthorization", () => {
  test.each([
    ["Basic dXNlcjpwdw==", { scheme: "basic", username: "user", password: "pw" }],
    ["basic  dXNlcjpwdw==", { scheme: "basic", username: "user", password: "pw" }],
    [`Basic ${base64("a:b:c")}`, { scheme: "basic", username: "a", password: "b:c" }],
    [`Basic ${base64(":")}`, { scheme: "basic", username: "", password: "" }],
    [`Basic ${base64("jürgen:pä")}`, { scheme: "basic", username: "jürgen", password: "pä" }],
    ["Bearer abc.def", { scheme: "bearer", token: "abc.def" }],
    ["BEARER abc", { scheme: "bearer", token: "abc" }],
  ])("%s", (header, parsed) => {
    expect(parseAuthorization(header)).toEqual(parsed);
  });

  test.each([
    "",
    "Basic",
    "Basic ",
    "Basic user:pw",
    `Basic ${base64("nocolon")}`,
    `Basic ${base64("a\u0000:b")}`,
    `Basic ${base64("a:b\nc")}`,
    `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString("base64")}`,
    "Bearer",
    "Bearer a b",
    "Bearer ä",
    "Digest abc",
    "dXNlcjpwdw==",
  ])("%j is nothing that can be understood", (header) => {
    expect(parseAuthorization(header)).toBeUndefined();
  });
});

test("what was formatted is read back", () => {
  const text = fc.string({ unit: "grapheme" }).filter((value) => !/[\u0000-\u001f\u007f]/.test(value));
  const username = text.filter((value) => !value.includes(":"));
  fc.assert(
    fc.property(username, text, (user, password) => {
      const basic = { scheme: "basic", username: user, password } as const;
      expect(parseAuthorization(formatAuthorization(basic))).toEqual(basic);
    }),
  );
  const bearer = { scheme: "bearer", token: "a.b-c" } as const;
  expect(parseAuthorization(formatAuthorization(bearer))).toEqual(bearer);
});

test.each([
  { scheme: "basic", username: "a:b", password: "pw" },
  { scheme: "basic", username: "a\r\n", password: "pw" },
  { scheme: "basic", username: "a", password: "s3cret\r\n" },
  { scheme: "bearer", token: "s3cret\r\nX: y" },
  { scheme: "bearer", token: "" },
] as const)("what no header can carry is refused without quoting it (C30): %#", (authorization) => {
  const format = (): string => formatAuthorization(authorization);
  expect(format).toThrow(expect.objectContaining({ code: "CREDENTIAL_UNAVAILABLE" }));
  expect(format).not.toThrow("s3cret");
});
