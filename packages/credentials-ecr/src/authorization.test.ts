import { isOciError } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { parseAuthorization } from "./authorization.ts";

const now = Date.UTC(2026, 0, 1);

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

describe("GetAuthorizationToken", () => {
  test("the token is user and password in base64, split at the first colon", () => {
    const credential = parseAuthorization({ authorizationToken: base64("AWS:pass:word") }, now);
    expect(credential).toMatchObject({ type: "basic", username: "AWS" });
    expect(credential.type === "basic" && credential.password.reveal()).toBe("pass:word");
  });

  test("it expires when AWS says, and after twelve hours if AWS does not", () => {
    const authorizationToken = base64("AWS:password");
    const expiresAt = new Date(now + 1000);
    expect(parseAuthorization({ authorizationToken, expiresAt }, now).expiresAt).toEqual(expiresAt);
    expect(parseAuthorization({ authorizationToken }, now).expiresAt).toEqual(new Date(now + 43_200_000));
  });

  test.each([
    ["no data", undefined],
    ["no token", {}],
    ["an empty token", { authorizationToken: "" }],
    ["no base64", { authorizationToken: "AWS:canary-secret" }],
    ["base64 with other characters", { authorizationToken: `!${base64("AWS:canary-secret")}` }],
    ["no colon", { authorizationToken: base64("canary-secret") }],
    ["no user", { authorizationToken: base64(":canary-secret") }],
    ["no password", { authorizationToken: base64("AWS:") }],
    ["a line end in the password", { authorizationToken: base64("AWS:canary-secret\r\nX: y") }],
  ])("%s is refused, and not quoted", (_what, data) => {
    let error: unknown;
    try {
      parseAuthorization(data, now);
    } catch (thrown) {
      error = thrown;
    }
    expect(isOciError(error, "RESPONSE_INVALID")).toBe(true);
    expect(String(error)).not.toMatch(/canary|Y2FuYXJ5/);
  });
});
