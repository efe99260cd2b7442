import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSigningKeys, signingKeysFrom } from "./signing-keys.ts";

async function privateJwk(algorithm: string) {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return exportJWK(privateKey);
}

describe("createSigningKeys", () => {
  test.each(["ES256", "EdDSA", "RS256"] as const)(
    "makes a key for %s, and shows only its public half",
    async (algorithm) => {
      const [key] = await createSigningKeys({ algorithm }).list();
      expect(key?.algorithm).toBe(algorithm);
      expect(Object.keys(key?.publicJwk ?? {})).not.toContain("d");
      expect(key?.privateKey.extractable).toBe(false);
    },
  );

  test("makes one key however many ask for it at once", async () => {
    const keys = createSigningKeys();
    const lists = await Promise.all([keys.list(), keys.list(), keys.list()]);
    expect(new Set(lists.flat().map(({ id }) => id)).size).toBe(1);
  });

  test("signs with a new key when its time has come, and knows the old one until its tokens have expired", async () => {
    let time = 0;
    const keys = createSigningKeys({ rotateAfter: 1000, overlap: 500, now: () => time });
    const ids = async () => (await keys.list()).map(({ id }) => id);
    const [first] = await ids();
    time = 999;
    expect(await ids()).toEqual([first]);
    time = 1000;
    const [second, ...rest] = await ids();
    expect([second === first, rest]).toEqual([false, [first]]);
    time = 1499;
    expect(await ids()).toEqual([second, first]);
    time = 1500;
    expect(await ids()).toEqual([second]);
  });
});

describe("signingKeysFrom", () => {
  async function fileOf(text: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "drayage-keys-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, "keys"), text);
    return join(directory, "keys");
  }

  test("the first key of the file signs, and a change of the file is taken over", async () => {
    const [one, two] = await Promise.all([privateJwk("ES256"), privateJwk("EdDSA")]);
    const file = await fileOf(JSON.stringify({ keys: [{ ...one, kid: "1" }] }));
    const keys = signingKeysFrom(file);
    expect((await keys.list()).map(({ id }) => id)).toEqual(["1"]);
    await writeFile(
      file,
      JSON.stringify({
        keys: [
          { ...two, kid: "2" },
          { ...one, kid: "1" },
        ],
      }),
    );
    const rotated = await keys.list();
    expect(rotated.map(({ id, algorithm }) => [id, algorithm])).toEqual([
      ["2", "EdDSA"],
      ["1", "ES256"],
    ]);
    expect(JSON.stringify(rotated.map(({ publicJwk }) => publicJwk))).not.toContain(two.d);
  });

  test.each([
    ["no JSON", "c4n4ry"],
    ["no set", "{}"],
    ["no keys", '{"keys":[]}'],
    ["a secret that both sides have", '{"keys":[{"kty":"oct","k":"c4n4ry"}]}'],
    ["half a key", '{"keys":[{"kty":"EC","crv":"P-256","d":"c4n4ry"}]}'],
  ])("a file with %s is refused without quoting it", async (_what, text) => {
    const keys = signingKeysFrom(await fileOf(text));
    await expect(keys.list()).rejects.toMatchObject({ name: "OciError" });
    await expect(keys.list()).rejects.not.toThrow("c4n4ry");
  });
});
