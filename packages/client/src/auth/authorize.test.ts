import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { fromStatic, OciError, Secret, type Credential, type CredentialRequest } from "@drayage/oci";
import { createImage, type ScriptedRegistry, type ScriptedRegistryOptions } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient } from "../client.ts";
import type { ClientOptions } from "../options.ts";
import { errorOf, openScripted } from "../../fixture/scripted.ts";

const image = createImage();
const users = { me: "canary" };

/** A registry with a token server beside it, which the client trusts. */
function openBearer(
  bearer: object,
  options: Partial<ClientOptions> = {},
  registry: ScriptedRegistryOptions = {},
) {
  return openScripted({ auth: { bearer }, ...registry }, (server) => ({
    trustedTokenServers: { [server.host()]: [server.host("auth.test")] },
    ...options,
  }));
}

const mine = (server: ScriptedRegistry) => fromStatic(server.host(), { username: "me", password: "canary" });
const trusting = (server: ScriptedRegistry): ClientOptions => ({
  credentials: mine(server),
  trustedTokenServers: { [server.host()]: [server.host("auth.test")] },
});

describe("Bearer", () => {
  it("first contact is one 401 and one token, everything after that one request", async () => {
    await using opened = await openBearer({ anonymous: ["pull"] });
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    await opened.repository.getManifest("v1");
    expect(opened.requests()).toEqual([
      "GET /v2/library/app/manifests/v1",
      "auth.test GET /token?service=scripted&scope=repository%3Alibrary%2Fapp%3Apull&client_id=drayage",
      "GET /v2/library/app/manifests/v1",
    ]);
    opened.server.clearLedger();
    await opened.repository.headManifest("v1");
    await opened.repository.headBlob(image.document.descriptor.digest);
    expect(opened.requests()).toHaveLength(2);
  });

  it("a known registry's further repository costs a token and no 401", async () => {
    await using opened = await openBearer({ anonymous: ["pull"] });
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    await opened.server.content.add("other", image, { tags: ["v1"] });
    await opened.repository.getManifest("v1");
    opened.server.clearLedger();
    await opened.client.registry(opened.server.host()).repository("other").getManifest("v1");
    expect(opened.server.ledger.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("asks for one token for all that is going to be done", async () => {
    await using opened = await openScripted({ auth: { bearer: { users } } }, trusting);
    const registry = opened.client.registry(opened.server.host());
    const repository = registry.repository("a", { access: ["push", "pull"] });
    await repository.headManifest("v1");
    await repository.openUpload();
    const tokens = opened.requests().filter((line) => line.includes("/token"));
    expect(tokens).toHaveLength(1);
    expect(tokens[0]).toContain("scope=repository%3Aa%3Apull%2Cpush");
  });

  it("concurrent requests share one token", async () => {
    await using opened = await openBearer({ anonymous: ["pull"] });
    await opened.server.content.add("library/app", image);
    const digests = image.blobs.map(({ descriptor }) => descriptor.digest);
    await Promise.all([...digests, ...digests].map((digest) => opened.repository.headBlob(digest)));
    expect(opened.requests().filter((line) => line.includes("/token"))).toHaveLength(1);
  });

  it("a refresh token goes to the token server by POST, and never to the registry", async () => {
    await using opened = await openScripted(
      { auth: { bearer: { refreshTokens: ["canary"] } } },
      (server) => ({
        ...trusting(server),
        credentials: fromStatic(server.host(), { refreshToken: "canary" }),
      }),
    );
    await opened.repository.openUpload();
    expect(opened.requests()[1]).toBe("auth.test POST /token");
    const toRegistry = opened.server.ledger.filter(({ origin }) => origin === "registry.test");
    expect(JSON.stringify(toRegistry)).not.toContain("canary");
  });

  it.each([404, 405])(
    "a token server that answers a refresh token %d is asked by GET, if there is a password too",
    async (status) => {
      await using opened = await openScripted({ auth: { bearer: { users } } }, (server) => ({
        ...trusting(server),
        credentials: async (request) =>
          request.rejected?.type === "refresh-token"
            ? mine(server)({ ...request, rejected: undefined })
            : fromStatic(server.host(), { refreshToken: "canary" })(request),
      }));
      opened.server.script([{ method: "POST", path: "/token", answer: { status } }]);
      await opened.repository.openUpload();
      const toTokenServer = opened.server.ledger.filter(({ origin }) => origin === "auth.test");
      expect(toTokenServer.map(({ method, headers }) => [method, headers["authorization"]])).toEqual([
        ["POST", undefined],
        ["GET", `Basic ${Buffer.from("me:canary").toString("base64")}`],
      ]);
    },
  );

  it("a refresh token that is not taken is never replaced by nothing", async () => {
    await using opened = await openScripted({ auth: { bearer: { anonymous: ["pull"] } } }, (server) => ({
      ...trusting(server),
      credentials: fromStatic(server.host(), { refreshToken: "canary" }),
    }));
    opened.server.script([{ method: "POST", path: "/token", answer: { status: 404 } }]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ code: "UNAUTHORIZED" });
    expect(opened.server.ledger.map(({ method }) => method)).toEqual(["HEAD", "POST"]);
  });

  it("an upload begins with a token that has a minute left; short-lived ones are used for half their life", async () => {
    for (const [expiresIn, passed, tokens] of [
      [300, 239_000, 1],
      [300, 241_000, 2],
      [60, 29_000, 1],
      [60, 31_000, 2],
    ] as const) {
      let time = 0;
      const now = () => time;
      await using opened = await openScripted({ auth: { bearer: { users, expiresIn } }, now }, (server) => ({
        ...trusting(server),
        now,
      }));
      const session = await opened.repository.openUpload();
      time = passed;
      await session.append(await image.config.open(0));
      expect(opened.requests().filter((line) => line.includes("/token"))).toHaveLength(tokens);
      expect(opened.server.ledger.filter(({ status }) => status === 401)).toHaveLength(1);
    }
  });

  it("a token is renewed before it ends, by the client's own clock", async () => {
    let time = 0;
    await using opened = await openBearer({ anonymous: ["pull"], expiresIn: 300 }, { now: () => time });
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    await opened.repository.headManifest("v1");
    opened.server.clearLedger();
    time = 269_999;
    await opened.repository.headManifest("v1");
    expect(opened.requests()).toHaveLength(1);
    time = 270_000;
    await opened.repository.headManifest("v1");
    expect(opened.server.ledger.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("a token that the registry takes no more is replaced once, without a new credential", async () => {
    let time = 0;
    const asked: CredentialRequest[] = [];
    await using opened = await openScripted({ auth: { bearer: { users } }, now: () => time }, (server) => ({
      ...trusting(server),
      credentials: (request) => {
        asked.push(request);
        return mine(server)(request);
      },
    }));
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    await opened.repository.headManifest("v1");
    time = 301_000;
    await opened.repository.headManifest("v1");
    expect(opened.server.ledger.map(({ status }) => status)).toEqual([401, 200, 200, 401, 200, 200]);
    expect(asked.map(({ rejected }) => rejected)).toEqual([undefined, undefined]);
  });

  it("a fresh token that is refused costs one more try with another credential, and then fails", async () => {
    const rejections: (Credential | undefined)[] = [];
    await using opened = await openScripted({ auth: { bearer: { users } } }, (server) => ({
      ...trusting(server),
      credentials: (request) => {
        rejections.push(request.rejected);
        return mine(server)({ ...request, rejected: undefined });
      },
    }));
    const header = `Bearer realm="http://${opened.server.host("auth.test")}/token",service="scripted"`;
    const answer = { status: 401, headers: { "www-authenticate": header } };
    opened.server.script([{ path: "/v2/*", answer }]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({
      code: "UNAUTHORIZED",
      status: 401,
    });
    expect(rejections).toHaveLength(2);
    expect(rejections[1]).toBeDefined();
    expect(opened.server.ledger).toHaveLength(3);
  });

  it("insufficient_scope asks for what the challenge names, and does not blame the credential", async () => {
    const rejections: (Credential | undefined)[] = [];
    await using opened = await openScripted({ auth: { bearer: { users } } }, (server) => ({
      ...trusting(server),
      credentials: (request) => {
        rejections.push(request.rejected);
        return mine(server)(request);
      },
    }));
    const realm = `http://${opened.server.host("auth.test")}/token`;
    const header = `Bearer realm="${realm}",service="scripted",scope="repository:library/app:metadata_read",error="insufficient_scope"`;
    opened.server.script([
      { path: "/v2/*", answer: { status: 403, headers: { "www-authenticate": header } } },
    ]);
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({ code: "DENIED" });
    const scopes = opened.server.ledger
      .filter(({ url }) => url.startsWith("/token"))
      .map(({ url }) => new URLSearchParams(url.slice(url.indexOf("?"))).getAll("scope"));
    expect(scopes).toEqual([
      ["repository:library/app:metadata_read,pull"],
      ["repository:library/app:metadata_read"],
    ]);
    expect(rejections.every((rejected) => rejected === undefined)).toBe(true);
  });

  it("C19 a challenge does not widen the token to other repositories", async () => {
    await using opened = await openBearer({ anonymous: ["pull"] });
    const realm = `http://${opened.server.host("auth.test")}/token`;
    const header = `Bearer realm="${realm}",service="s",scope="repository:secret:push registry:catalog:*"`;
    opened.server.script([
      { path: "/v2/*", nth: 1, answer: { status: 401, headers: { "www-authenticate": header } } },
      { path: "/v2/*", answer: { status: 404 } },
    ]);
    await opened.repository.headManifest("v1");
    const { searchParams } = new URL(opened.server.ledger[1]?.url ?? "", "http://auth.test");
    expect(searchParams.getAll("scope")).toEqual(["repository:library/app:pull"]);
  });
});

describe("Basic", () => {
  it("sends the password after the first challenge, and unasked from then on", async () => {
    await using opened = await openScripted({ auth: { basic: users } }, (server) => ({
      credentials: mine(server),
    }));
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    await opened.repository.headManifest("v1");
    await opened.repository.headManifest("v1");
    expect(opened.server.ledger.map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  it.each([
    { end: "none", expiresAt: undefined, asked: [1, 1, 2] },
    { end: "one far away", expiresAt: new Date(Date.now() + 3_600_000), asked: [1, 1, 2] },
    { end: "one that has passed", expiresAt: new Date(0), asked: [1, 2, 3] },
  ])("a password with an end of its own, $end, is used for a minute at the most", async (given) => {
    let [time, asked] = [0, 0];
    const password = new Secret("canary");
    await using opened = await openScripted({ auth: { basic: users } }, () => ({
      now: () => time,
      credentials: async () => {
        asked++;
        return { type: "basic", username: "me", password, expiresAt: given.expiresAt };
      },
    }));
    const counts: number[] = [];
    for (time of [0, 59_999, 60_000]) {
      await opened.repository.headManifest("v1");
      counts.push(asked);
    }
    expect(counts).toEqual(given.asked);
  });

  it("a refused password asks the provider once more, and its failure is the cause", async () => {
    await using opened = await openScripted({ auth: { basic: users } }, (server) => ({
      credentials: fromStatic(server.host(), { username: "me", password: "wrong" }),
    }));
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "UNAUTHORIZED", cause: { code: "CREDENTIAL_UNAVAILABLE" } });
    expect(opened.server.ledger).toHaveLength(2);
  });

  it("C30 a token that no header can carry is an error that does not show it", async () => {
    await using opened = await openScripted({ auth: { bearer: { users } } }, (server) => ({
      credentials: fromStatic(server.host(), { bearerToken: "canary\r\nX-Evil: 1" }),
    }));
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });

  it("a bearer credential is not turned into a password", async () => {
    await using opened = await openScripted({ auth: { basic: users } }, (server) => ({
      credentials: fromStatic(server.host(), { bearerToken: "canary" }),
    }));
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ code: "UNAUTHORIZED" });
    expect(JSON.stringify(opened.server.ledger)).not.toContain("canary");
  });
});

describe("the security model", () => {
  it("C3 a challenge from where a redirect led is not answered", async () => {
    await using opened = await openScripted(
      { origins: ["registry.test", "auth.test", "evil.test"], auth: { basic: users } },
      (server) => ({ credentials: mine(server) }),
    );
    const location = `http://${opened.server.host("evil.test")}/x`;
    opened.server.script([
      { origin: "registry.test", path: "/v2/*/blobs/*", answer: { status: 307, headers: { location } } },
      {
        origin: "evil.test",
        path: "/x",
        answer: { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } },
      },
    ]);
    const { digest } = image.document.descriptor;
    expect(await errorOf(opened.repository.getBlob(digest))).toMatchObject({ code: "UNAUTHORIZED" });
    expect(opened.server.ledger.map(({ origin }) => origin)).toEqual(["registry.test", "evil.test"]);
  });

  it("C4 realm on another host gets no credential, and the error says how to permit it", async () => {
    await using opened = await openScripted({ auth: { bearer: { users } } }, (server) => ({
      credentials: mine(server),
    }));
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "UNTRUSTED_TOKEN_SERVER" });
    expect(error).toMatchObject({ hint: expect.stringContaining("trustedTokenServers") as unknown });
    expect(opened.server.ledger.map(({ origin }) => origin)).toEqual(["registry.test"]);
  });

  it("C4 an anonymous token may come from anywhere, there being nothing to leak", async () => {
    await using opened = await openScripted({ auth: { bearer: { anonymous: ["pull"] } } });
    expect(await opened.repository.headManifest("v1")).toBeUndefined();
  });

  it("C4 a registry cannot change its token server", async () => {
    await using opened = await openBearer({ anonymous: ["pull"] });
    await opened.repository.headManifest("v1");
    const header = `Bearer realm="http://${opened.server.host()}/token",service="scripted"`;
    opened.server.script([
      { path: "/v2/*", answer: { status: 401, headers: { "www-authenticate": header } } },
    ]);
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "UNTRUSTED_TOKEN_SERVER" });
  });

  it("C4 a realm without a scheme is refused", async () => {
    await using opened = await openScripted({}, (server) => ({ credentials: mine(server) }));
    const header = 'Bearer realm="auth.evil.test/token"';
    opened.server.script([
      { path: "/v2/*", answer: { status: 401, headers: { "www-authenticate": header } } },
    ]);
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({ code: "URL_REFUSED" });
    expect(opened.server.ledger).toHaveLength(1);
  });

  it("C11 an endless challenge that is not answered leaves no connection behind", async () => {
    const answers: ServerResponse[] = [];
    const server = createServer((_request, response) => {
      answers.push(response);
      const headers = { "www-authenticate": 'Bearer realm="auth.evil.test/token"' };
      response.writeHead(401, headers).write("x".repeat(100_000));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using client = createClient();
    const { port } = server.address() as AddressInfo;
    const repository = client.registry(`127.0.0.1:${port}`).repository("a");
    expect(await errorOf(repository.getBlob(image.document.descriptor.digest))).toMatchObject({
      code: "URL_REFUSED",
    });
    await expect.poll(() => answers.map(({ destroyed }) => destroyed), { interval: 1 }).toEqual([true]);
    server.close();
  });

  it("C7 a token server that redirects elsewhere does not take the credential along", async () => {
    await using opened = await openScripted(
      { origins: ["registry.test", "auth.test", "evil.test"], auth: { bearer: { users } } },
      trusting,
    );
    const location = `http://${opened.server.host("evil.test")}/token`;
    opened.server.script([
      { origin: "auth.test", path: "/token", answer: { status: 307, headers: { location } } },
    ]);
    await errorOf(opened.repository.openUpload());
    const seen = opened.server.ledger.filter(({ origin }) => origin === "evil.test");
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every(({ headers }) => headers["authorization"] === undefined)).toBe(true);
  });

  it("C11 the answer of a token server is limited, and never quoted", async () => {
    await using opened = await openBearer({ anonymous: ["pull"] });
    const body = JSON.stringify({ token: "canary".repeat(20_000) });
    opened.server.script([{ path: "/token", answer: { status: 200, body } }]);
    const error = await errorOf(opened.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
    opened.server.script([{ path: "/token", answer: { status: 200, body: '{"tok":"canary"}' } }]);
    expect(inspect(await errorOf(opened.repository.headManifest("v1")), { depth: 9 })).not.toContain(
      "canary",
    );
  });

  it("C29 a credential is asked for by the name of its registry, and a failure is not anonymous", async () => {
    const asked: CredentialRequest[] = [];
    await using opened = await openBearer(
      { anonymous: ["pull"] },
      {
        credentials: (request) => {
          asked.push(request);
          throw new OciError("CREDENTIAL_UNAVAILABLE", "the helper is broken");
        },
      },
    );
    expect(await errorOf(opened.repository.headManifest("v1"))).toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
    });
    expect(asked).toMatchObject([{ registry: opened.server.host(), repository: "library/app" }]);
    expect(opened.server.ledger).toHaveLength(1);
  });

  it("C30 no secret in events, errors and inspection", async () => {
    await using opened = await openScripted({ auth: { bearer: { users } } }, trusting);
    await opened.repository.headManifest("v1");
    opened.server.script([{ path: "/v2/*", answer: { status: 500 } }]);
    const error = await errorOf(opened.repository.headManifest("v1"));
    const token = opened.server.ledger.at(-1)?.headers["authorization"]?.slice("Bearer ".length) ?? "missing";
    for (const value of [opened.events, error, opened.client, opened.repository]) {
      const text = inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value);
      expect(text).not.toContain("canary");
      expect(text).not.toContain(token);
      expect(text).not.toContain(Buffer.from("me:canary").toString("base64"));
    }
    expect(opened.events).toContainEqual({
      type: "token",
      host: opened.server.host(),
      scopes: ["repository:library/app:pull"],
      expiresIn: 300_000,
      credential: "basic",
    });
  });

  it("C31 two clients with two identities share nothing", async () => {
    await using opened = await openScripted({ auth: { bearer: { users } } }, trusting);
    await opened.repository.headManifest("v1");
    await using other = await openScripted({ auth: { bearer: { users } } });
    expect(await errorOf(other.repository.headManifest("v1"))).toMatchObject({ code: "UNAUTHORIZED" });
  });
});
