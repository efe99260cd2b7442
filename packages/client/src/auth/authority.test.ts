import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  answerWith,
  bytesOf,
  fromStatic,
  OciError,
  parseScopes,
  Secret,
  type Action,
  type Credential,
  type CredentialProvider,
  type HttpHeaders,
} from "@drayage/oci";
import { createImage, type ScriptedRegistry, type TokenServerOptions } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { hostOf } from "../host.ts";
import type { Send } from "../http/message.ts";
import { settingsOf, type ClientOptions } from "../options.ts";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";
import { authorize, proofOf } from "./authorize.ts";

const image = createImage({ layers: 1 });
const users = { me: "canary" };
const right: Credential = { type: "basic", username: "me", password: new Secret("canary") };
const wrong: Credential = { type: "basic", username: "me", password: new Secret("wrong") };

/** A registry whose tokens come from a server that the client trusts. */
function openBearer(options: Partial<ClientOptions> = {}, bearer: TokenServerOptions = {}): Promise<Opened> {
  return openScripted({ auth: { bearer: { users, ...bearer } } }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true } },
    credentials: async () => right,
    trustedTokenServers: { [server.host()]: [server.host("auth.test")] },
    ...options,
  }));
}

/** What the registry answers where it wants a token, in its own words. */
function challenge(server: ScriptedRegistry, parameters: string, status = 401) {
  const header = `Bearer realm="http://${server.host("auth.test")}/token",${parameters}`;
  return { status, headers: { "www-authenticate": header } };
}

const tokensOf = ({ server }: Opened) => server.ledger.filter(({ url }) => url.startsWith("/token"));
const scopesOf = (opened: Opened) =>
  tokensOf(opened).map(({ url }) => new URLSearchParams(url.slice(url.indexOf("?"))).getAll("scope"));

describe("a provider is told what will be done", () => {
  it.each<[string, readonly Action[], (opened: Opened) => Promise<unknown>]>([
    ["reading", ["pull"], ({ repository }) => repository.headManifest("v1")],
    ["writing", ["pull", "push"], ({ repository }) => repository.openUpload()],
    ["deleting", ["delete"], ({ repository }) => repository.deleteTag("v1")],
    [
      "what is done with no repository",
      [],
      ({ client, server }) => client.registry(server.host()).authorization(parseScopes("plugin:app:pull")),
    ],
    [
      "listing repositories",
      [],
      ({ client, server }) => Array.fromAsync(client.registry(server.host()).listRepositories()),
    ],
  ])("for %s %j", async (_what, actions, run) => {
    const asked: (readonly Action[] | undefined)[] = [];
    const credentials: CredentialProvider = async (request) => {
      asked.push(request.actions);
      return right;
    };
    await using opened = await openBearer({ credentials });
    await run(opened);
    expect(asked).toEqual([actions]);
  });
});

describe("a bearer credential", () => {
  const openWith = (expiresAt: Date | undefined, now: () => number) => {
    let asked = 0;
    const credentials: CredentialProvider = async () => {
      asked++;
      return { type: "bearer", token: new Secret("canary"), expiresAt };
    };
    return openBearer({ credentials, now }).then((opened) => ({ opened, asked: () => asked }));
  };

  it.each([
    { end: "none", expiresAt: undefined, counts: [1, 1, 2] },
    { end: "one far away", expiresAt: new Date(Date.now() + 3_600_000), counts: [1, 1, 2] },
    { end: "one that has passed", expiresAt: new Date(0), counts: [1, 2, 3] },
  ])("with an end of its own, $end, is shown as it is, for a minute at the most", async (given) => {
    let time = 0;
    const { opened, asked } = await openWith(given.expiresAt, () => time);
    await using _opened = opened;
    opened.server.script([
      { path: "/v2/*", nth: 1, answer: challenge(opened.server, 'service="s"') },
      { path: "/v2/*", answer: { status: 404 } },
    ]);
    const counts: number[] = [];
    for (time of [0, 59_999, 60_000]) {
      await opened.repository.headManifest("v1");
      counts.push(asked());
    }
    expect(counts).toEqual(given.counts);
    expect(tokensOf(opened)).toEqual([]);
    expect(opened.server.ledger.at(-1)?.headers["authorization"]).toBe("Bearer canary");
  });
});

describe("a credential that the token server refuses", () => {
  it.each([401, 403])("with %i is replaced by another one, once", async (status) => {
    const rejections: (Credential | undefined)[] = [];
    const credentials: CredentialProvider = async ({ rejected }) => {
      rejections.push(rejected);
      return rejected === undefined ? wrong : right;
    };
    await using opened = await openBearer({ credentials });
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    opened.server.script([{ path: "/token", nth: 1, answer: { status } }]);
    expect(await opened.repository.headManifest("v1")).toBeDefined();
    expect(rejections).toEqual([undefined, wrong]);
  });

  it.each<[string, CredentialProvider]>([
    ["there is no other one", async ({ rejected }) => (rejected === undefined ? wrong : undefined)],
    ["it is the only one", async () => wrong],
    [
      "the other one cannot be had",
      async ({ rejected }) => {
        if (rejected === undefined) return wrong;
        throw new OciError("CREDENTIAL_UNAVAILABLE", "the helper is broken");
      },
    ],
  ])("is the error if %s", async (_why, credentials) => {
    await using opened = await openBearer({ credentials });
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({
      code: "UNAUTHORIZED",
      url: expect.stringContaining("/token") as unknown,
    });
    expect(tokensOf(opened)).toHaveLength(1);
  });

  it("is not to blame for a server that fails", async () => {
    let asked = 0;
    const credentials: CredentialProvider = async () => {
      asked++;
      return right;
    };
    await using opened = await openBearer({ credentials, retry: { attempts: 1 } });
    opened.server.script([{ path: "/token", answer: { status: 500 } }]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ code: "UNAVAILABLE" });
    expect(asked).toBe(1);
  });

  it("is no error of an anonymous request, which has nothing else to show", async () => {
    let asked = 0;
    const credentials: CredentialProvider = async () => {
      asked++;
      return undefined;
    };
    await using opened = await openBearer({ credentials });
    opened.server.script([{ path: "/token", answer: { status: 401 } }]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ code: "UNAUTHORIZED" });
    expect(tokensOf(opened)).toHaveLength(1);
    expect(asked).toBe(1);
  });
});

describe("a credential whose token the registry refuses", () => {
  const other: Credential = { type: "basic", username: "you", password: new Secret("canary") };

  it("is replaced by another one, for the same scopes", async () => {
    const credentials: CredentialProvider = async ({ rejected }) => (rejected === undefined ? right : other);
    await using opened = await openBearer({ credentials }, { users: { me: "canary", you: "canary" } });
    const refusal = challenge(opened.server, 'service="scripted"');
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    opened.server.script([{ path: "/v2/*", nth: [1, 2], answer: refusal }]);
    expect(await opened.repository.headManifest("v1")).toBeDefined();
    expect(scopesOf(opened)).toEqual([["repository:library/app:pull"], ["repository:library/app:pull"]]);
  });

  it("is replaced once, even if the token server does not take the other one", async () => {
    const rejections: (Credential | undefined)[] = [];
    const credentials: CredentialProvider = async ({ rejected }) => {
      rejections.push(rejected);
      return rejected === undefined ? right : other;
    };
    await using opened = await openBearer({ credentials });
    opened.server.script([
      { path: "/v2/*", answer: challenge(opened.server, 'service="scripted"') },
      { path: "/token", nth: 2, answer: { status: 401 } },
    ]);
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "UNAUTHORIZED", cause: { code: "UNAUTHORIZED" } });
    expect(rejections).toEqual([undefined, right]);
  });

  it("is the error if no other one can be had, with the reason as its cause", async () => {
    const credentials: CredentialProvider = async ({ rejected }) => {
      if (rejected === undefined) return right;
      throw new OciError("CREDENTIAL_UNAVAILABLE", "the helper is broken");
    };
    await using opened = await openBearer({ credentials });
    opened.server.script([{ path: "/v2/*", answer: challenge(opened.server, 'service="scripted"') }]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({
      code: "UNAUTHORIZED",
      cause: { code: "CREDENTIAL_UNAVAILABLE" },
    });
  });
});

describe("tokens", () => {
  it("that nobody waits for any more are not fetched", async () => {
    const [arrived, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const silent = createServer((request) => {
      request.socket.once("close", () => closed.resolve());
      arrived.resolve();
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    await using opened = await openScripted({}, (server) => ({
      hosts: { [server.host()]: { plainHttp: true } },
      network: { lookup: server.lookup, allow: () => true },
    }));
    const header = `Bearer realm="http://127.0.0.1:${port}/token"`;
    opened.server.script([
      { path: "/v2/*", answer: { status: 401, headers: { "www-authenticate": header } } },
    ]);
    const controller = new AbortController();
    const left = errorOf(opened.repository.headManifest("v1", { signal: controller.signal }));
    await arrived.promise;
    const reason = new Error("left");
    controller.abort(reason);
    expect(await left).toBe(reason);
    await closed.promise;
    silent.close();
  });

  it("for nobody are told as such", async () => {
    await using opened = await openBearer({ credentials: async () => undefined }, { anonymous: ["pull"] });
    await opened.repository.headManifest("v1");
    expect(opened.events).toContainEqual(expect.objectContaining({ type: "token", credential: "anonymous" }));
  });

  it("of repositories that are asked at the same time are apart", async () => {
    await using opened = await openBearer();
    for (const name of ["library/app", "a", "b"]) {
      await opened.server.content.add(name, image, { tags: ["v1"] });
    }
    await opened.repository.headManifest("v1");
    opened.server.clearLedger();
    const registry = opened.client.registry(opened.server.host());
    await Promise.all(["a", "b"].map((name) => registry.repository(name).headManifest("v1")));
    expect(scopesOf(opened).flat().toSorted()).toEqual(["repository:a:pull", "repository:b:pull"]);
    expect(opened.server.ledger.filter(({ status }) => status === 401)).toEqual([]);
  });

  it("of a registry are not those of its repositories", async () => {
    await using opened = await openBearer();
    await Array.fromAsync(opened.client.registry(opened.server.host()).listRepositories());
    await opened.repository.headManifest("v1");
    expect(scopesOf(opened)).toEqual([["registry:catalog:*"], ["repository:library/app:pull"]]);
  });

  it("for several repositories are widened by what the challenge adds for one of them", async () => {
    await using opened = await openBearer();
    const added = 'service="s",scope="repository:library/app:extra registry:library/app:extra"';
    opened.server.script([
      { method: "POST", path: "/v2/*", nth: 1, answer: challenge(opened.server, added) },
    ]);
    await opened.repository.mountBlob(image.document.descriptor.digest, { from: "other" });
    expect(scopesOf(opened)[0]?.toSorted()).toEqual([
      "repository:library/app:extra,pull,push",
      "repository:other:pull",
    ]);
  });

  it.each([
    [60, 54_000],
    [1000, 970_000],
  ])("of %i seconds are renewed after %i ms", async (expiresIn, end) => {
    let time = 0;
    await using opened = await openBearer({ now: () => time }, { expiresIn });
    await opened.repository.headManifest("v1");
    time = end - 1;
    await opened.repository.headManifest("v1");
    expect(tokensOf(opened)).toHaveLength(1);
    time = end;
    await opened.repository.headManifest("v1");
    expect(tokensOf(opened)).toHaveLength(2);
  });

  it("are asked for as a form where a refresh token is shown", async () => {
    await using opened = await openBearer(
      { credentials: async () => ({ type: "refresh-token", token: new Secret("canary") }) },
      { refreshTokens: ["canary"] },
    );
    await opened.repository.openUpload();
    expect(tokensOf(opened)[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  });

  it("are not waited for by who has left, and waited for by who has not", async () => {
    await using opened = await openBearer();
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    opened.server.script([{ path: "/token", nth: 1, delay: 100 }]);
    const controller = new AbortController();
    const reason = new Error("left");
    const left = errorOf(opened.repository.headManifest("v1", { signal: controller.signal }));
    const stayed = opened.repository.headManifest("v1");
    await expect.poll(() => opened.server.ledger.length).toBeGreaterThanOrEqual(2);
    controller.abort(reason);
    expect(await left).toBe(reason);
    expect(await stayed).toBeDefined();
    expect(tokensOf(opened)).toHaveLength(1);
  });
});

describe("a challenge", () => {
  it("with another service than before is refused (C4)", async () => {
    await using opened = await openBearer();
    await opened.repository.headManifest("v1");
    opened.server.script([{ path: "/v2/*", answer: challenge(opened.server, 'service="other"') }]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({
      code: "UNTRUSTED_TOKEN_SERVER",
    });
  });

  it("that is missing or unknown is an answer like any other", async () => {
    for (const headers of [{}, { "www-authenticate": "Negotiate x" }]) {
      for (const [status, code] of [
        [401, "UNAUTHORIZED"],
        [403, "DENIED"],
      ] as const) {
        await using opened = await openBearer();
        opened.server.script([{ path: "/v2/*", answer: { status, headers } }]);
        expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code, status });
        expect(opened.server.ledger).toHaveLength(1);
      }
    }
  });

  it("that does not ask for a better token, in a 403 or in another answer, is not answered", async () => {
    for (const [status, header] of [
      [403, 'Basic realm="x",error="insufficient_scope"'],
      [403, 'Bearer realm="/token",error="invalid_token"'],
      [404, 'Bearer realm="/token",error="insufficient_scope"'],
    ] as const) {
      await using opened = await openBearer();
      const headers = { "www-authenticate": header };
      opened.server.script([{ path: "/v2/*", answer: { status, headers } }]);
      expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ status });
      expect(opened.server.ledger).toHaveLength(1);
    }
  });

  it("to what comes by once, or needs no permission, is an answer", async () => {
    const settings = settingsOf({ credentials: async () => right });
    const host = hostOf("registry.example", settings);
    const url = host.url;
    const headers = { "www-authenticate": `Basic realm="x"` };
    let sent = 0;
    const next: Send = async (request) => {
      sent++;
      return { status: 401, headers, body: bytesOf(), url, request };
    };
    const layer = authorize(next, { ...settings, send: answerWith(() => ({})) });
    const body = { bytes: bytesOf(new Uint8Array(1)), length: 1 };
    const permission = { repository: "a", scopes: [] };
    const request = { host, url, method: "PUT", lane: "upload", subject: "upload", permission } as const;
    expect((await layer(next)({ ...request, body })).status).toBe(401);
    expect(sent).toBe(1);
    await layer(next)({ ...request, body: "x" });
    expect(sent).toBeGreaterThan(2);
    sent = 0;
    await layer(next)({ ...request, body: "x", permission: undefined });
    expect(sent).toBe(1);
  });

  it.each([
    ["/token", "a path"],
    ["HTTP://auth.test/token", "a URL in capitals"],
  ])("may name its realm by %s, %s", async (realm) => {
    await using opened = await openScripted({}, () => ({ credentials: async () => undefined }));
    const headers = { "www-authenticate": `Bearer realm="${realm}"` };
    opened.server.script([
      { path: "/v2/*", nth: 1, answer: { status: 401, headers } },
      { path: "/v2/*", answer: { status: 404 } },
      { path: "/token", answer: { status: 200, body: '{"token":"t"}' } },
    ]);
    const error = await opened.repository.headManifest("v1").catch((thrown: unknown) => thrown);
    expect(error).not.toMatchObject({ code: "URL_REFUSED" });
  });

  it.each(["token/", "x https://auth.test/token", "x/https://auth.test/token"])(
    "may not name its realm %j",
    async (realm) => {
      await using opened = await openScripted();
      const headers = { "www-authenticate": `Bearer realm="${realm}"` };
      opened.server.script([{ path: "/v2/*", answer: { status: 401, headers } }]);
      expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ code: "URL_REFUSED" });
      expect(opened.server.ledger).toHaveLength(1);
    },
  );
});

it("who leaves while a refused password is replaced is told the own reason", async () => {
  const controller = new AbortController();
  const reason = new Error("left");
  const credentials: CredentialProvider = async ({ rejected }) => {
    if (rejected === undefined) return wrong;
    controller.abort(reason);
    throw reason;
  };
  await using opened = await openScripted({ auth: { basic: users } }, () => ({ credentials }));
  const { signal } = controller;
  expect(await errorOf(opened.repository.headManifest("v1", { signal }))).toBe(reason);
});

it("a provider that fails at first is the error, not the refusal that led to it", async () => {
  const credentials: CredentialProvider = () => {
    throw new OciError("CREDENTIAL_UNAVAILABLE", "the helper is broken");
  };
  await using opened = await openScripted({ auth: { basic: users } }, () => ({ credentials }));
  expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({
    code: "CREDENTIAL_UNAVAILABLE",
  });
});

it("a bearer token that cannot be sent comes with its provider's hint, or with a general one", async () => {
  for (const [hint, expected] of [
    [undefined, "look for a line end, or a variable that is not set"],
    ["see TOKEN", "see TOKEN"],
  ]) {
    await using opened = await openBearer({
      credentials: async () => ({ type: "bearer", token: new Secret("a b\n"), hint }),
    });
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ hint: expected });
  }
});

it("a password is asked for again for each repository", async () => {
  const asked: (string | undefined)[] = [];
  const credentials: CredentialProvider = (request) => {
    asked.push(request.repository);
    return fromStatic(request.registry, { username: "me", password: "canary" })(request);
  };
  await using opened = await openScripted({ auth: { basic: users } }, () => ({ credentials }));
  const registry = opened.client.registry(opened.server.host());
  for (const name of ["a", "b", "a"]) await registry.repository(name).headManifest("v1");
  expect(asked).toEqual(["a", "b"]);
  expect(opened.server.ledger.filter(({ status }) => status === 401)).toHaveLength(1);
});

it("what an answer was proven with is known, if it was", () => {
  const settings = settingsOf({});
  const host = hostOf("registry.example", settings);
  const answerTo = (privateHeaders?: HttpHeaders) => {
    const request = { host, url: host.url, method: "GET", lane: "api", subject: "blob" } as const;
    return {
      status: 200,
      headers: {},
      body: bytesOf(),
      url: host.url,
      request: { ...request, privateHeaders },
    };
  };
  expect(proofOf(answerTo({ authorization: "Bearer canary" }))?.reveal()).toBe("Bearer canary");
  expect(proofOf(answerTo({ "x-key": "canary" }))).toBeUndefined();
  expect(proofOf(answerTo())).toBeUndefined();
});
