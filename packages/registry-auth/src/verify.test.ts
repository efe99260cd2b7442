import { createHmac } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT, type CryptoKey } from "jose";
import { Secret } from "@drayage/oci";
import { beforeAll, describe, expect, test } from "vitest";
import { staticKeys } from "./key-set.ts";
import { verifyToken } from "./verify.ts";

const now = Date.UTC(2030, 0, 1);
const seconds = now / 1000;
const [issuer, audience] = ["auth.test", "registry.test"];
const good = { iss: issuer, aud: audience, sub: "me", nbf: seconds, exp: seconds + 300 };
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let ec: Pair;
let rsa: Pair;
let stranger: Pair;
/** The same RSA key, for another algorithm. */
let pss: CryptoKey;
let options: Parameters<typeof verifyToken>[1];
beforeAll(async () => {
  [ec, rsa, stranger] = await Promise.all([
    generateKeyPair("ES256"),
    generateKeyPair("RS256", { extractable: true }),
    generateKeyPair("ES256"),
  ]);
  const imported = await importJWK(await exportJWK(rsa.privateKey), "PS256");
  if (imported instanceof Uint8Array) throw new TypeError("not a private key");
  pss = imported;
  const keys = staticKeys({
    keys: [
      { ...(await exportJWK(ec.publicKey)), kid: "ec" },
      { ...(await exportJWK(rsa.publicKey)), kid: "rsa" },
      { kty: "oct", k: "c2VjcmV0", kid: "secret" },
    ],
  });
  options = { keys, issuer, audience, now: () => now };
});

const sign = (claims: object, header: object = {}, key = ec.privateKey): Promise<string> =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", kid: "ec", ...header }).sign(key);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
/** A token whose signature is whatever `signature` says. */
const forge = (header: object, claims: object, signature = ""): string =>
  `${part(header)}.${part(claims)}.${signature}`;
const hmac = (header: object, secret: string | Buffer): string => {
  const text = `${part(header)}.${part(good)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
};
const without = (claim: keyof typeof good): object =>
  Object.fromEntries(Object.entries(good).filter(([name]) => name !== claim));

describe("verifyToken", () => {
  test.each([
    ["an audience of several", { ...good, aud: ["other", audience] }],
    ["clocks a minute apart: not yet", { ...good, nbf: seconds + 60 }],
    ["clocks a minute apart: no longer", { ...good, nbf: seconds - 400, exp: seconds - 59 }],
    ["claims of others", { ...good, iat: seconds, jti: "x", extra: { a: 1 } }],
  ])("accepts %s", async (_what, claims) => {
    expect(await verifyToken(new Secret(await sign(claims)), options)).toMatchObject({ sub: "me" });
  });

  test("accepts RS256 of a key that is for it", async () => {
    const token = await sign(good, { alg: "RS256", kid: "rsa" }, rsa.privateKey);
    expect(await verifyToken(new Secret(token), options)).toMatchObject({ sub: "me" });
  });

  test.each<[string, () => string | Promise<string>]>([
    ["no token", () => ""],
    ["one part", () => "abc"],
    ["five parts, as encrypted ones have", () => "a.b.c.d.e"],
    ["a header that is no JSON", () => `e30x.${part(good)}.`],
    ["alg none", () => forge({ alg: "none", kid: "ec" }, good)],
    ["alg None", () => forge({ alg: "None", kid: "ec" }, good)],
    ["no alg", () => forge({ kid: "ec" }, good)],
    [
      "alg none, and a signature",
      async () => forge({ alg: "none", kid: "ec" }, good, (await sign(good)).split(".")[2]),
    ],
    ["no signature", async () => `${(await sign(good)).split(".").slice(0, 2).join(".")}.`],
    [
      "a signature of other claims",
      async () =>
        forge({ alg: "ES256", kid: "ec" }, { ...good, sub: "admin" }, (await sign(good)).split(".")[2]),
    ],
    [
      "HS256 with the public key as secret",
      async () => hmac({ alg: "HS256", kid: "rsa" }, await exportSPKI(rsa.publicKey)),
    ],
    ["HS256 with an empty secret", () => hmac({ alg: "HS256", kid: "ec" }, "")],
    ["HS256 with a secret that somebody published", () => hmac({ alg: "HS256", kid: "secret" }, "secret")],
    ["PS256 where the key is for RS256", () => sign(good, { alg: "PS256", kid: "rsa" }, pss)],
    ["ES256 where the key is for RS256", () => sign(good, { kid: "rsa" })],
    ["an unknown key id", () => sign(good, { kid: "ec2" })],
    ["a key id that is a path", () => sign(good, { kid: "../../dev/null" })],
    ["a key id of the prototype", () => sign(good, { kid: "__proto__" })],
    ["no key id among several keys", () => sign(good, { kid: undefined })],
    ["the stranger's key under a known id", () => sign(good, {}, stranger.privateKey)],
    [
      "a key in the header (CVE-2025-24976)",
      async () => sign(good, { jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
    ],
    [
      "a key in the header, and no id",
      async () =>
        sign(good, { kid: undefined, jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
    ],
    ["a key at a URL", () => sign(good, { jku: "https://evil.test/jwks" }, stranger.privateKey)],
    ["a certificate in the header", () => sign(good, { x5c: ["AAAA"] }, stranger.privateKey)],
    [
      "an extension that is critical and unknown",
      () =>
        new SignJWT(good)
          .setProtectedHeader({ alg: "ES256", kid: "ec", crit: ["x"], x: 1 })
          .sign(ec.privateKey, { crit: { x: true } }),
    ],
    ["no issuer", () => sign(without("iss"))],
    ["another issuer", () => sign({ ...good, iss: "evil.test" })],
    ["no audience", () => sign(without("aud"))],
    ["another audience", () => sign({ ...good, aud: "other" })],
    ["an audience that begins alike", () => sign({ ...good, aud: `${audience}.evil.test` })],
    ["no expiry", () => sign(without("exp"))],
    ["an expiry in the past", () => sign({ ...good, exp: seconds - 60 })],
    ["an expiry that is a text", () => sign({ ...good, exp: "9999999999" })],
    ["no beginning", () => sign(without("nbf"))],
    ["a beginning in the future", () => sign({ ...good, nbf: seconds + 61 })],
    ["no subject", () => sign(without("sub"))],
    ["more than 16 KiB", () => sign({ ...good, filler: "x".repeat(16_384) })],
  ])("refuses %s (S6)", async (_what, make) => {
    const token = await make();
    const verifying = verifyToken(new Secret(token), options);
    await expect(verifying).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    const error: unknown = await verifying.catch((reason: unknown) => reason);
    const secrets = token.split(".").filter((text) => text.length > 10);
    expect(secrets.filter((text) => String(error).includes(text))).toEqual([]);
  });
});
