import { generateKeyPairSync, verify } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { signAppJwt } from "./jwt.ts";

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = (type: "pkcs1" | "pkcs8"): string => pair.privateKey.export({ type, format: "pem" }).toString();

describe("the token of an App", () => {
  test.each([
    ["PKCS#1, as GitHub gives it out", pem("pkcs1")],
    ["PKCS#8", pem("pkcs8")],
    ["escaped line ends, as from a variable", pem("pkcs1").replaceAll("\n", "\\n")],
  ])("is signed with a key in %s", (_form, key) => {
    const [header = "", claims = "", signature = ""] = signAppJwt(4711, key).jwt.split(".");
    const text = Buffer.from(`${header}.${claims}`);
    expect(verify("sha256", text, pair.publicKey, Buffer.from(signature, "base64url"))).toBe(true);
  });

  test("says who it is of and lives ten minutes, of which half a minute has passed", () => {
    const { jwt, expiresAt } = signAppJwt("Iv1.client", pem("pkcs8"), { now: 1_800_000_000_999 });
    const [header, claims] = jwt.split(".", 2).map((part) => Buffer.from(part, "base64url").toString());
    expect(header).toBe('{"alg":"RS256","typ":"JWT"}');
    expect(claims).toBe('{"iat":1799999970,"exp":1800000570,"iss":"Iv1.client"}');
    expect(Date.parse(expiresAt)).toBe(1_800_000_570_000);
  });

  test("is not made of what is no key, and the error does not show it", () => {
    let error: unknown;
    try {
      signAppJwt(1, "canary");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });
});
