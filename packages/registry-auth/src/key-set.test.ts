import { exportJWK, generateKeyPair, type JWK } from "jose";
import { answerWith, OciError, type Answer } from "@drayage/oci";
import { beforeAll, describe, expect, test } from "vitest";
import { issuerKeys, remoteKeys, staticKeys } from "./key-set.ts";

const url = "https://auth.test/jwks";
let jwk: JWK;
beforeAll(async () => void (jwk = await exportJWK((await generateKeyPair("ES256")).publicKey)));

const setOf = (...ids: readonly string[]): string =>
  JSON.stringify({ keys: ids.map((kid) => ({ ...jwk, kid })) });

/** An issuer that says what `answer` is at the moment, and a clock. */
function open(first: string) {
  const issuer = { time: 0, asked: [] as string[], answer: { body: first } as Answer | Error };
  const send = answerWith((request) => {
    issuer.asked.push(request.url);
    if (issuer.answer instanceof Error) throw issuer.answer;
    return issuer.answer;
  });
  return { issuer, options: { send, now: () => issuer.time } };
}

describe("remoteKeys", () => {
  test("asks once for many, and only when a key is needed", async () => {
    const { issuer, options } = open(setOf("1", "2"));
    const keys = remoteKeys(url, options);
    expect(issuer.asked).toEqual([]);
    const found = await Promise.all(["1", "2", "1"].map((id) => keys.find(id)));
    expect(found.map((key) => key?.id)).toEqual(["1", "2", "1"]);
    expect(issuer.asked).toEqual([url]);
  });

  test("asks again for an id that is new, but not for each that somebody makes up", async () => {
    const { issuer, options } = open(setOf("1"));
    const keys = remoteKeys(url, options);
    await keys.find("1");
    issuer.answer = { body: setOf("2", "1") };
    for (const id of ["x", "y", "2"]) expect(await keys.find(id)).toBeUndefined();
    expect(issuer.asked).toHaveLength(1);
    issuer.time = 30_000;
    expect(await keys.find("2")).toMatchObject({ id: "2", algorithm: "ES256" });
    expect(issuer.asked).toHaveLength(2);
  });

  test("a key that is gone is known no longer than ten minutes", async () => {
    const { issuer, options } = open(setOf("1", "2"));
    const keys = remoteKeys(url, options);
    await keys.find("1");
    issuer.answer = { body: setOf("2") };
    issuer.time = 599_999;
    expect(await keys.find("1")).toBeDefined();
    issuer.time = 600_000;
    expect(await keys.find("1")).toBeUndefined();
  });

  test.each<[string, Answer | Error]>([
    ["away", new OciError("CONNECTION_FAILED", "away")],
    ["broken", { status: 500, body: "{}" }],
    ["talking about something else", { body: "<html>" }],
    ["endless", { body: "x".repeat(513 * 1024) }],
  ])(
    "an issuer that is %s is not missed for a day, and then nobody is let in or refused",
    async (_how, answer) => {
      const { issuer, options } = open(setOf("1"));
      const keys = remoteKeys(url, options);
      await keys.find("1");
      issuer.answer = answer;
      issuer.time = 600_000;
      expect(await keys.find("1")).toBeDefined();
      expect(await keys.find("1")).toBeDefined();
      expect(issuer.asked).toHaveLength(2);
      issuer.time = 25 * 3_600_000;
      await expect(keys.find("1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    },
  );

  test("an issuer that has failed is left alone for five seconds, whoever asks", async () => {
    const { issuer, options } = open(setOf("1"));
    issuer.answer = new OciError("CONNECTION_FAILED", "away");
    const keys = remoteKeys(url, options);
    for (let index = 0; index < 3; index++) {
      await expect(keys.find("1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    }
    expect(issuer.asked).toHaveLength(1);
    issuer.time = 5000;
    issuer.answer = { body: setOf("1") };
    expect(await keys.find("1")).toBeDefined();
  });

  test("an abort is its own reason, and leaves the others waiting", async () => {
    const { options } = open(setOf("1"));
    const keys = remoteKeys(url, options);
    const reason = new Error("gone");
    const [gone, other] = [keys.find("1", { signal: AbortSignal.abort(reason) }), keys.find("1")];
    await expect(gone).rejects.toBe(reason);
    expect(await other).toBeDefined();
  });

  test.each([
    "http://auth.test/jwks",
    "ftp://auth.test",
    "auth.test",
    "https://",
    "https://me:pw@auth.test/",
    "file:///etc/passwd",
    "",
  ])("does not ask at %j", (source) => {
    const { options } = open("");
    expect(() => remoteKeys(source, options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  test("asks a loopback address over http", () => {
    expect(() => remoteKeys("http://127.0.0.1:8080/jwks", open("").options)).not.toThrow();
  });
});

describe("issuerKeys", () => {
  const documents = (issuer: string, jwks: string) =>
    answerWith(({ url: asked }) => ({
      body: asked.endsWith("/openid-configuration") ? JSON.stringify({ issuer, jwks_uri: jwks }) : setOf("1"),
    }));

  test("asks where the issuer says", async () => {
    const asked: string[] = [];
    const answer = documents("https://issuer.test/", "https://keys.test/jwks");
    const keys = issuerKeys("https://issuer.test/", {
      send: (request, call) => {
        asked.push(request.url);
        return answer(request, call);
      },
    });
    expect(await keys.find("1")).toBeDefined();
    expect(asked).toEqual(["https://issuer.test/.well-known/openid-configuration", "https://keys.test/jwks"]);
  });

  test.each([
    ["the document of another issuer", "https://evil.test", "https://keys.test/jwks"],
    ["keys over http", "https://issuer.test", "http://127.0.0.1/jwks"],
    ["keys in a file", "https://issuer.test", "file:///etc/passwd"],
  ])("does not take %s (C5, C6)", async (_what, issuer, jwks) => {
    const keys = issuerKeys("https://issuer.test", { send: documents(issuer, jwks) });
    await expect(keys.find("1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("staticKeys", () => {
  test("without an id it is the only key", async () => {
    expect(await staticKeys({ keys: [jwk] }).find(undefined)).toMatchObject({ algorithm: "ES256" });
    expect(await staticKeys(JSON.parse(setOf("1", "2"))).find(undefined)).toBeUndefined();
  });

  test("leaves out what does not sign, or not by this algorithm", async () => {
    const keys = staticKeys({
      keys: [
        { ...jwk, kid: "1", use: "enc" },
        { ...jwk, kid: "2", alg: "HS256" },
        { ...jwk, kid: "3", crv: "P-999" },
        { kty: "oct", k: "AAAA", kid: "4" },
        { ...jwk, kid: "5", y: "AA" },
        "6",
        null,
      ],
    });
    const found = await Promise.all(["1", "2", "3", "4", "5", "6"].map((id) => keys.find(id)));
    expect(found.filter((key) => key !== undefined)).toEqual([]);
  });

  test("never takes the private half that somebody published", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const key = await staticKeys({ keys: [await exportJWK(privateKey)] }).find(undefined);
    expect(key?.key.type).toBe("public");
  });

  test.each([undefined, [], {}, { keys: {} }, { keys: Array.from({ length: 101 }, () => ({})) }])(
    "%j is no set",
    (value) => {
      expect(() => staticKeys(value)).toThrow(expect.objectContaining({ code: "RESPONSE_INVALID" }));
    },
  );
});
