import { createHash } from "node:crypto";
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from "jose";
import { MemoryRegistry, parseToken, Secret, type Scope } from "@drayage/oci";
import { createHandler, createMemoryDriver, listen } from "@drayage/registry";
import { describe, expect, onTestFinished, test } from "vitest";
import { ask, basic, bearer, openService, password, service } from "../fixture/service.ts";
import { externalTokens } from "./external-tokens.ts";
import { staticKeys } from "./key-set.ts";
import { createSigningKeys } from "./signing-keys.ts";
import { createTokenService } from "./token-service.ts";

const form = (fields: Readonly<Record<string, string>>): RequestInit => ({
  method: "POST",
  body: new URLSearchParams({ service, client_id: "test", ...fields }),
});
const login = { grant_type: "password", username: "me", password };
const accessOf = (token: unknown): unknown => decodeJwt(String(token))["access"];
const pull = (name: string, ...actions: readonly string[]): Scope => ({ type: "repository", name, actions });

describe("the challenge", () => {
  test("is exactly what the docker family reads", async () => {
    const { url } = await openService();
    const challenge = async (path: string, init?: RequestInit) =>
      (await ask(`${url}${path}`, init)).headers.get("www-authenticate");
    const head = 'Bearer realm="https://registry.test/token",service="registry.test"';
    expect(await challenge("/v2/")).toBe(head);
    expect(await challenge("/v2/team/a/tags/list")).toBe(`${head},scope="repository:team/a:pull"`);
    expect(await challenge("/v2/team/a/blobs/uploads/", { method: "POST" })).toBe(
      `${head},scope="repository:team/a:pull,push"`,
    );
    expect(await challenge("/v2/team/a/manifests/v1", { method: "DELETE" })).toBe(
      `${head},scope="repository:team/a:delete"`,
    );
    expect(await challenge("/v2/_catalog")).toBe(`${head},scope="registry:catalog:*"`);
  });

  test("does not depend on what a client says of host and proxies (S20)", async () => {
    const { url } = await openService();
    const headers = {
      forwarded: "host=evil.test",
      "x-forwarded-host": "evil.test",
      "x-forwarded-proto": "http",
    };
    const { headers: answered, text } = await ask(`${url}/v2/`, { headers });
    expect([...answered.values(), text].join(" ")).not.toContain("evil");
  });

  test("says what is wrong with a token", async () => {
    const { url } = await openService();
    const token = (await ask(`${url}/token?scope=repository:team/a:pull`, { headers: basic("me") })).member(
      "token",
    );
    const challenge = async (value: unknown) =>
      (await ask(`${url}/v2/team/b/tags/list`, { headers: bearer(value) })).headers.get("www-authenticate");
    expect(await challenge("nonsense")).toMatch(/,error="invalid_token"$/);
    expect(await challenge(token)).toMatch(/,scope="repository:team\/b:pull",error="insufficient_scope"$/);
  });
});

describe("GET /token", () => {
  test("gives a token that says whose it is, for what, where and how long", async () => {
    const time = Date.UTC(2030, 0, 1);
    const { url } = await openService({ now: () => time });
    const answer = await ask(
      `${url}/token?service=${service}&scope=repository:team/a:push,pull&client_id=x&account=me`,
      {
        headers: basic("me"),
      },
    );
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const token = answer.member("token");
    expect(JSON.parse(answer.text)).toEqual({
      token,
      access_token: token,
      expires_in: 300,
      issued_at: "2030-01-01T00:00:00.000Z",
      scope: "repository:team/a:pull,push",
    });
    const seconds = time / 1000;
    const { jti, ...claims } = decodeJwt(String(token));
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
    expect(claims).toEqual({
      iss: service,
      sub: "me",
      aud: service,
      iat: seconds,
      nbf: seconds,
      exp: seconds + 300,
      groups: ["staff"],
      access: [{ type: "repository", name: "team/a", actions: ["pull", "push"] }],
    });
    expect(decodeProtectedHeader(String(token))).toMatchObject({ typ: "JWT", alg: "ES256" });
    expect((await ask(`${url}/v2/team/a/tags/list`, { headers: bearer(token) })).status).toBe(404);
  });

  test.each<[string, readonly Scope[]]>([
    ["", []],
    [
      "scope=repository:team/a:pull&scope=repository:public/a:pull,push",
      [pull("team/a", "pull"), pull("public/a", "pull")],
    ],
    [
      "scope=repository:team/a:pull%20repository:team/b:push",
      [pull("team/a", "pull"), pull("team/b", "push")],
    ],
    ["scope=repository:team/a:pull&scope=repository:team/a:push", [pull("team/a", "pull", "push")]],
    ["scope=repository:team/a:*", [pull("team/a", "delete", "pull", "push")]],
    ["scope=repository(plugin):team/a:pull", [pull("team/a", "pull")]],
    ["scope=repository:secret/a:pull,push,delete", []],
    ["scope=repository:team/a:fly,pull,overwrite", [pull("team/a", "pull")]],
    ["scope=repository:team/A:pull", []],
    ["scope=repository:host:5000/team/a:pull", []],
    ["scope=repository:team/*:pull", []],
    ["scope=repository:**:pull", []],
    ["scope=plugin:team/a:pull&scope=registry:other:*&scope=nonsense&scope=:::", []],
    ["scope=registry:catalog:*", [{ type: "registry", name: "catalog", actions: ["*"] }]],
    ["scope=registry:catalog:pull", []],
  ])("grants of %j just what is asked for and allowed (S7)", async (query, granted) => {
    const { url } = await openService();
    const { status, member } = await ask(`${url}/token?service=${service}&${query}`, {
      headers: basic("me"),
    });
    expect(status).toBe(200);
    const sorted = granted.map((scope) => ({ ...scope, actions: scope.actions.toSorted() }));
    const access = accessOf(member("token"));
    expect(
      Array.isArray(access)
        ? access.map((entry: Scope) => ({ ...entry, actions: entry.actions.toSorted() }))
        : access,
    ).toEqual(sorted);
  });

  test("gives who sends no password a token for what everybody may do", async () => {
    const { url } = await openService();
    const scopes = "scope=repository:public/a:pull,push&scope=repository:team/a:pull";
    const { status, member } = await ask(`${url}/token?${scopes}`);
    expect([status, accessOf(member("token"))]).toEqual([200, [pull("public/a", "pull")]]);
    expect(decodeJwt(String(member("token"))).sub).toBe("");
    const get = async (path: string) =>
      (await ask(`${url}${path}`, { headers: bearer(member("token")) })).status;
    expect(await get("/v2/")).toBe(200);
    expect(await get("/v2/public/a/tags/list")).toBe(404);
    expect(await get("/v2/team/a/tags/list")).toBe(401);
  });

  test.each([
    ["a wrong password", basic("me", "wrong")],
    ["an unknown user", basic("you")],
    ["a token", bearer("abc")],
    ["something else", { authorization: "Digest abc" }],
  ])("refuses %s, each in the same words (S23)", async (_what, headers) => {
    const { url } = await openService();
    const answer = await ask(`${url}/token?scope=repository:public/a:pull`, { headers });
    expect([answer.status, answer.text]).toEqual([
      401,
      '{"errors":[{"code":"UNAUTHORIZED","message":"no such user, or another password"}]}',
    ]);
    expect(answer.headers.get("www-authenticate")).toBe(`Basic realm="${service}"`);
  });

  test("refuses to give tokens for another service, and more scopes than a token holds", async () => {
    const { url } = await openService();
    expect((await ask(`${url}/token?service=other`)).status).toBe(400);
    const scopes = (count: number, name: string) =>
      Array.from({ length: count }, (_, index) => `scope=repository:public/${name}${index}:pull`).join("&");
    expect((await ask(`${url}/token?${scopes(65, "a")}`)).status).toBe(413);
    expect((await ask(`${url}/token?${scopes(64, "a".repeat(200))}`)).status).toBe(413);
    expect((await ask(`${url}/token?${scopes(64, "a")}`)).status).toBe(200);
  });

  test("an authorize that does not answer with scopes grants nothing (S30)", async () => {
    const { url } = await openService({ authorize: () => Promise.resolve(true) as never });
    const { member } = await ask(`${url}/token?scope=repository:team/a:pull`, { headers: basic("me") });
    expect(accessOf(member("token"))).toEqual([]);
  });

  test("an authorize that allows more than was asked for grants no more", async () => {
    const more = [pull("team/a", "pull", "push", "delete"), pull("secret/a", "pull")];
    const { url } = await openService({ authorize: () => more });
    const { member } = await ask(`${url}/token?scope=repository:team/a:pull`, { headers: basic("me") });
    expect(accessOf(member("token"))).toEqual([pull("team/a", "pull")]);
  });

  test("an answer is one that our own client can read", async () => {
    const { url } = await openService();
    const { text } = await ask(`${url}/token?offline_token=true`, { headers: basic("me") });
    expect(parseToken(new TextEncoder().encode(text))).toMatchObject({ expiresIn: 300 });
  });
});

describe("POST /token", () => {
  test("takes a password, and grants what is asked for and allowed", async () => {
    const { url } = await openService();
    const scope = "repository:team/a:pull,push repository:secret/a:pull";
    const { status, member } = await ask(`${url}/token`, form({ ...login, scope }));
    expect([status, member("scope"), member("refresh_token")]).toEqual([
      200,
      "repository:team/a:pull,push",
      undefined,
    ]);
    expect(accessOf(member("access_token"))).toEqual([pull("team/a", "pull", "push")]);
  });

  test.each([
    [{ ...login, password: "wrong" }, 401, "invalid_grant"],
    [{ ...login, username: "you" }, 401, "invalid_grant"],
    [{ grant_type: "refresh_token", refresh_token: "x" }, 401, "invalid_grant"],
    [{ grant_type: "refresh_token" }, 400, "invalid_request"],
    [{ grant_type: "client_credentials" }, 400, "unsupported_grant_type"],
    [{}, 400, "unsupported_grant_type"],
    [{ ...login, service: "other" }, 400, "invalid_request"],
  ])("answers %j with %i %s", async (fields, status, error) => {
    const { url } = await openService();
    const answer = await ask(`${url}/token`, form(fields));
    expect([answer.status, answer.text]).toEqual([status, JSON.stringify({ error })]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("reads no more than 64 KiB", async () => {
    const { url } = await openService();
    expect((await ask(`${url}/token`, form({ ...login, scope: "x".repeat(64 * 1024) }))).status).toBe(413);
  });

  test("other methods are 405", async () => {
    const { url } = await openService();
    const { status, headers } = await ask(`${url}/token`, { method: "DELETE" });
    expect([status, headers.get("allow")]).toEqual([405, "GET, POST, OPTIONS"]);
  });
});

describe("a refresh token", () => {
  const offline = { ...login, access_type: "offline" };
  const refresh = (url: string, token: unknown) =>
    ask(
      `${url}/token`,
      form({ grant_type: "refresh_token", refresh_token: String(token), scope: "repository:team/a:pull" }),
    );

  test.each([
    [
      "GET with offline_token",
      (url: string) => ask(`${url}/token?offline_token=true`, { headers: basic("me") }),
    ],
    ["POST with access_type=offline", (url: string) => ask(`${url}/token`, form(offline))],
  ])("is given by %s, stands for the login, and comes back with each token", async (_how, give) => {
    const { url } = await openService();
    const token = (await give(url)).member("refresh_token");
    expect(String(token)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    for (let index = 0; index < 2; index++) {
      const { status, member } = await refresh(url, token);
      expect([status, member("refresh_token")]).toEqual([200, token]);
      expect(accessOf(member("access_token"))).toEqual([pull("team/a", "pull")]);
    }
  });

  test("never lets anybody into the registry itself", async () => {
    const { url } = await openService();
    const token = (await ask(`${url}/token`, form(offline))).member("refresh_token");
    expect((await ask(`${url}/v2/`, { headers: bearer(token) })).status).toBe(401);
  });

  test("is worthless when the password has changed, the user is gone, it is revoked or ninety days old (S8)", async () => {
    let time = Date.UTC(2030, 0, 1);
    const { url, versions, tokens } = await openService({ now: () => time });
    const give = async () => (await ask(`${url}/token`, form(offline))).member("refresh_token");
    const first = await give();
    versions.set("me", "2");
    expect((await refresh(url, first)).status).toBe(401);
    const second = await give();
    versions.delete("me");
    expect((await refresh(url, second)).status).toBe(401);
    versions.set("me", "2");
    expect((await refresh(url, second)).status).toBe(200);
    await tokens.revoke(new Secret(String(second)));
    expect((await refresh(url, second)).status).toBe(401);
    const third = await give();
    time += 90 * 24 * 3_600_000;
    expect((await refresh(url, third)).status).toBe(401);
  });

  test("takes those that have expired with it, so that they never outnumber what is in use", async () => {
    let time = Date.UTC(2030, 0, 1);
    const { documents } = createMemoryDriver();
    const { url } = await openService({ now: () => time, refreshTokens: documents });
    const give = async () => String((await ask(`${url}/token`, form(offline))).member("refresh_token"));
    const count = async () => (await documents.list("refresh-tokens/", { limit: 1000 })).keys.length;
    for (let index = 0; index < 30; index++) await give();
    expect(await count()).toBe(30);
    time += 90 * 24 * 3_600_000;
    const used = [];
    for (let index = 0; index < 30; index++) used.push(await give());
    expect(await count()).toBeLessThan(60);
    for (const token of used) expect((await refresh(url, token)).status).toBe(200);
  });

  test("is kept as a hash only, and known to every instance over the same storage", async () => {
    const { documents } = createMemoryDriver();
    const [one, two] = [
      await openService({ refreshTokens: documents }),
      await openService({ refreshTokens: documents }),
    ];
    const token = String((await ask(`${one.url}/token`, form(offline))).member("refresh_token"));
    expect((await refresh(two.url, token)).status).toBe(200);
    const other = await openService({ refreshTokens: documents, service: "other.test" });
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token });
    expect((await ask(`${other.url}/token`, { method: "POST", body })).status).toBe(401);
    const { keys } = await documents.list("refresh-tokens/", { limit: 10 });
    expect(keys).toEqual([`refresh-tokens/${createHash("sha256").update(token).digest("hex")}`]);
    const stored = await documents.get(keys[0] ?? "");
    expect(new TextDecoder().decode(stored?.bytes)).not.toContain(token);
  });

  test("is not given where there is nowhere to keep it, nor for who cannot be found again", async () => {
    const nowhere = await openService({ refreshTokens: undefined });
    expect((await ask(`${nowhere.url}/token`, form(offline))).member("refresh_token")).toBeUndefined();
    const logIn = () => Promise.resolve({ identity: { subject: "job" } });
    // Somebody else of that name is not whom the login was.
    const find = () => Promise.resolve({ identity: { subject: "job" }, version: "1" });
    for (const accounts of [{ logIn }, { logIn, find }]) {
      const { url } = await openService({ accounts });
      const answer = await ask(`${url}/token`, form(offline));
      expect([answer.status, answer.member("refresh_token")]).toEqual([200, undefined]);
    }
  });
});

describe("a token", () => {
  const tokenOf = async (url: string) =>
    (await ask(`${url}/token?scope=repository:team/a:pull`, { headers: basic("me") })).member("token");
  const use = async (url: string, token: unknown) =>
    (await ask(`${url}/v2/team/a/tags/list`, { headers: bearer(token) })).status;

  test("ends five minutes after it was given, give or take a minute for clocks (S8)", async () => {
    let time = Date.UTC(2030, 0, 1);
    const { url } = await openService({ now: () => time });
    const token = await tokenOf(url);
    time += 359_000;
    expect(await use(url, token)).toBe(404);
    time += 1000;
    expect(await use(url, token)).toBe(401);
  });

  test("is worth no more than the rights that are left at the moment (S8)", async () => {
    let isAllowed = true;
    const { url } = await openService({ authorize: ({ scopes }) => (isAllowed ? scopes : []) });
    const token = await tokenOf(url);
    expect(await use(url, token)).toBe(404);
    isAllowed = false;
    expect(await use(url, token)).toBe(403);
  });

  test("is good for its own service and issuer only", async () => {
    const keys = createSigningKeys();
    const [one, other, renamed] = [
      await openService({ keys }),
      await openService({ keys, service: "other.test", issuer: service }),
      await openService({ keys, issuer: "other.test" }),
    ];
    const token = await tokenOf(one.url);
    expect(await Promise.all([one, other, renamed].map(({ url }) => use(url, token)))).toEqual([
      404, 401, 401,
    ]);
  });

  test("outlives a rotation of the keys, which everybody can look up", async () => {
    let time = Date.now();
    const now = () => time;
    const { url } = await openService({ now, keys: createSigningKeys({ rotateAfter: 1000, now }) });
    const token = await tokenOf(url);
    time += 2000;
    expect(await use(url, await tokenOf(url))).toBe(404);
    expect(await use(url, token)).toBe(404);
    const published = await ask(`${url}/.well-known/jwks.json`);
    expect(JSON.parse(published.text)).toMatchObject({
      keys: [{ kty: "EC", alg: "ES256", use: "sig" }, { kty: "EC" }],
    });
    expect(published.text).not.toContain('"d":');
    const { payload } = await jwtVerify(
      String(token),
      createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`)),
    );
    expect(payload.sub).toBe("me");
  });

  test.each(["EdDSA", "RS256"] as const)("can be signed by %s", async (algorithm) => {
    const { url } = await openService({ keys: createSigningKeys({ algorithm }) });
    expect(await use(url, await tokenOf(url))).toBe(404);
  });

  test.each([59, 301, 60.5, Number.NaN])("cannot live %d seconds", (lifetime) => {
    const accounts = { logIn: () => Promise.resolve(undefined) };
    expect(() => createTokenService({ accounts, service, realm: "https://a.test/token", lifetime })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });

  test("and a password are in no answer and no report, whatever happens (S25)", async () => {
    const { url, errors } = await openService({
      authorize: () => {
        throw new Error("a bug");
      },
    });
    const token = await tokenOf(await openService().then((other) => other.url));
    const answers = [
      await ask(`${url}/token?scope=repository:a:pull`, { headers: basic("me") }),
      await ask(`${url}/token`, form({ ...login, scope: "repository:a:pull" })),
      await ask(`${url}/v2/team/a/tags/list`, { headers: bearer(token) }),
      await ask(`${url}/v2/team/a/tags/list`, { headers: basic("me") }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 401, 401]);
    const shown =
      answers.flatMap(({ text, headers }) => [text, ...headers.values()]).join("\n") + String(errors);
    for (const secret of [password, basic("me")["authorization"]?.slice(6) ?? "?", String(token)]) {
      expect(shown).not.toContain(secret);
    }
  });
});

describe("externalTokens", () => {
  async function open() {
    const { publicKey, privateKey } = await generateKeyPair("EdDSA");
    const keys = staticKeys({ keys: [{ ...(await exportJWK(publicKey)), kid: "1" }] });
    const method = externalTokens({ realm: "https://auth.test/token", service, issuer: "auth.test", keys });
    const server = await listen(createHandler(new MemoryRegistry(), method));
    onTestFinished(() => server.close());
    const seconds = Math.floor(Date.now() / 1000);
    const sign = (claims: object) =>
      new SignJWT({ iss: "auth.test", aud: service, sub: "me", nbf: seconds, exp: seconds + 60, ...claims })
        .setProtectedHeader({ alg: "EdDSA", kid: "1" })
        .sign(privateKey);
    const use = async (claims: object, path = "/v2/a/tags/list", init: RequestInit = {}) =>
      ask(`${server.url}${path}`, { ...init, headers: bearer(await sign(claims)) });
    return { use, url: server.url };
  }
  const access = [{ type: "repository", name: "a", actions: ["pull"] }];

  test("let in to what their access claims say, and send all others to their service", async () => {
    const { use, url } = await open();
    expect((await use({ access })).status).toBe(404);
    expect((await use({ access, sub: "" })).status).toBe(404);
    expect((await use({ access }, "/v2/b/tags/list")).status).toBe(401);
    expect((await use({ access }, "/v2/a/blobs/uploads/", { method: "POST" })).status).toBe(401);
    expect((await ask(`${url}/v2/a/tags/list`)).headers.get("www-authenticate")).toBe(
      'Bearer realm="https://auth.test/token",service="registry.test",scope="repository:a:pull"',
    );
  });

  test.each<[string, object, number]>([
    ["a wildcard of actions", { access: [{ ...access[0], actions: ["*"] }] }, 404],
    ["no access", {}, 401],
    ["no access at all", { access: null }, 401],
    ["an access that is a text", { access: "repository:a:pull" }, 401],
    ["an entry that is none", { access: [...access, "x"] }, 401],
    ["a wildcard of names", { access: [{ ...access[0], name: "*" }] }, 401],
    ["a name that begins alike", { access: [{ ...access[0], name: "a/b" }] }, 401],
    ["another service", { access, aud: "other" }, 401],
    ["another issuer", { access, iss: "other" }, 401],
  ])("%s: %#", async (_what, claims, status) => {
    const { use } = await open();
    expect((await use(claims)).status).toBe(status);
  });
});
