import { createClient, type ClientOptions } from "@drayage/client";
import { digestOf, fromStatic, OciError, readAll, type CredentialRequest } from "@drayage/oci";
import { leaksOf, testCertificate, type ScriptedRegistry } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import {
  basicAuth,
  challengedBy,
  evil,
  home,
  openAttack,
  password,
  privateHeader,
  redirectTo,
  storage,
  tokenServer,
} from "./attack.ts";

describe("C4 realm on another host", () => {
  it.each([
    ["an unrelated host", "evil.test"],
    ["a host that ends in the registry's", "evilr.registry.test.evil.test"],
    ["a host that begins with the registry's", "r.registry.test.evil.test"],
    ["a host that contains it", "xr.registry.testx.evil.test"],
    ["the registry as user name", "r.registry.test@evil.test"],
    ["the registry and a backslash", "r.registry.test\\\\@evil.test"],
    ["a tab in the host", "auth.registry\t.evil.test"],
    ["a deeper subdomain of the site", "a.b.registry.test"],
    ["a whole public suffix", "test"],
    ["an IP address", "93.184.216.34"],
    ["a number that is an IP address", "1572395042"],
    ["no scheme", ""],
  ])("that is %s gets no credential", async (_what, host) => {
    await using attack = await openAttack();
    const realm = host === "" ? "auth.registry.test/token" : `https://${host}/token`;
    attack.server.script([{ path: "/v2/*", answer: challengedBy(`Bearer realm="${realm}",service="s"`) }]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(["UNTRUSTED_TOKEN_SERVER", "URL_REFUSED", "UNAUTHORIZED"]).toContain(
      error instanceof OciError ? error.code : "",
    );
    expect(attack.server.ledger.map(({ origin }) => origin)).toEqual([home]);
  });

  it("that is beside the registry on its own site gets it", async () => {
    await using attack = await openAttack();
    await attack.repository.getManifest("v1");
    expect(attack.requestsTo(tokenServer)).toHaveLength(1);
  });

  it("that the registry names later, instead of its own, gets no credential", async () => {
    await using attack = await openAttack();
    await attack.repository.getManifest("v1");
    const answer = challengedBy(`Bearer realm="${attack.server.url()}/token",service="scripted"`);
    attack.server.script([{ path: "/v2/*", answer }]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "UNTRUSTED_TOKEN_SERVER" });
  });
});

describe("C5 realm over http from an https registry", () => {
  it("of another host is refused", async () => {
    await using attack = await openAttack();
    const realm = `http://${attack.server.host(tokenServer)}/token`;
    attack.server.script([{ path: "/v2/*", answer: challengedBy(`Bearer realm="${realm}",service="s"`) }]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "URL_REFUSED" });
  });

  it("of the registry itself becomes https", async () => {
    await using attack = await openAttack();
    const realm = `http://${attack.server.host()}/token`;
    attack.server.script([
      { nth: 1, path: "/v2/*", answer: challengedBy(`Bearer realm="${realm}",service="scripted"`) },
    ]);
    await attack.repository.getManifest("v1");
    expect(attack.requestsTo(home).filter((line) => line.includes("/token"))).toHaveLength(1);
  });

  it("a token server whose certificate nobody vouches for gets nothing (CVE-2019-10214)", async () => {
    await using attack = await openAttack({
      client: (server) => ({
        network: { lookup: server.lookup },
        hosts: { [server.host()]: { insecure: true } },
      }),
    });
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false });
    expect(attack.requestsTo(tokenServer)).toEqual([]);
  });
});

it("C7 token server redirects elsewhere without the credential", async () => {
  await using attack = await openAttack();
  const answer = redirectTo(`${attack.server.url(evil)}/token`);
  attack.server.script([{ origin: tokenServer, path: "/token", answer }]);
  await attack.failureOf(() => attack.repository.getManifest("v1"));
  expect(attack.requestsTo(evil).length).toBeGreaterThan(0);
});

it.each(["169.254.169.254", "127.0.0.1:1"])(
  "C7 token server redirects to %s, which is not dialled",
  async (address) => {
    await using attack = await openAttack();
    const answer = redirectTo(`https://${address}/token`);
    attack.server.script([{ origin: tokenServer, path: "/token", answer }]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "ADDRESS_REFUSED" });
  },
);

it("C19 scope and service of a challenge do not widen the token or add parameters", async () => {
  await using attack = await openAttack();
  const realm = `${attack.server.url(tokenServer)}/token`;
  const scope = "repository:other:pull,push registry:catalog:* repository:app:pull&account=root";
  const header = `Bearer realm="${realm}",service="s&scope=repository:other:*",scope="${scope}"`;
  attack.server.script([{ nth: 1, path: "/v2/*", answer: challengedBy(header) }]);
  await attack.repository.getManifest("v1").catch(() => undefined);
  const [asked = ""] = attack.requestsTo(tokenServer);
  const query = new URLSearchParams(asked.slice(asked.indexOf("?")));
  expect(query.getAll("scope")).toEqual(["repository:app:pull"]);
  expect(query.getAll("service")).toEqual(["s&scope=repository:other:*"]);
  expect(query.has("account")).toBe(false);
});

describe("C29 wrong registry's secret", () => {
  it("is not used for a registry that none was given for", async () => {
    await using attack = await openAttack({ auth: basicAuth });
    await attack.repository.headManifest("v1");
    const other = attack.client.registry(attack.server.host(evil)).repository("app");
    expect(await attack.failureOf(() => other.headManifest("v1"))).toMatchObject({ code: "UNAUTHORIZED" });
    expect(attack.requestsTo(evil)).toHaveLength(1);
  });

  it("nor none at all where its provider is broken (CVE-2021-41092)", async () => {
    const asked: CredentialRequest[] = [];
    await using attack = await openAttack({
      client: () => ({
        credentials: (request) => {
          asked.push(request);
          throw new OciError("CREDENTIAL_UNAVAILABLE", "the helper is missing");
        },
      }),
    });
    const error = await attack.failureOf(() => attack.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(asked.map(({ registry }) => registry)).toEqual([attack.server.host()]);
    expect(attack.requestsTo(tokenServer)).toEqual([]);
  });
});

it("C30 secrets in logs, errors, inspection and events: none, issued tokens included", async () => {
  await using attack = await openAttack();
  await attack.repository.getManifest("v1");
  const token = attack.server.ledger.at(-1)?.headers["authorization"]?.slice("Bearer ".length) ?? "";
  const secret = "canary-of-the-signature";
  attack.server.script([
    {
      method: "GET",
      path: "/v2/app/blobs/*",
      answer: redirectTo(`${attack.server.url(evil)}/x?X-Signature=${secret}`),
    },
    { path: "/x", answer: { status: 500, body: "failed" } },
  ]);
  const { digest } = attack.image.config.descriptor;
  const error = await attack.failureOf(() => attack.repository.getBlob(digest));
  const values = [error, attack.events, attack.client, attack.repository];
  expect(token).not.toBe("");
  expect(leaksOf([{ secret: token, origins: [home] }], { ledger: attack.server.ledger, values })).toEqual([]);
  expect(leaksOf([{ secret, origins: [evil] }], { ledger: attack.server.ledger, values })).toEqual([]);
  expect(attack.events.length).toBeGreaterThan(3);
});

it("C31 global token cache shared by two identities: each client has its own", async () => {
  await using attack = await openAttack();
  await attack.repository.getManifest("v1");
  const other = createClient({
    network: { lookup: attack.server.lookup, ca: testCertificate.cert },
    credentials: fromStatic(attack.server.host(), { username: "other", password: "wrong" }),
  });
  try {
    const repository = other.registry(attack.server.host()).repository("app");
    expect(await attack.failureOf(() => repository.getManifest("v1"))).toMatchObject({
      code: "UNAUTHORIZED",
    });
  } finally {
    await other.close();
  }
});

describe("C37 mirror gets upstream secret", () => {
  const mirrored = (server: ScriptedRegistry): Partial<ClientOptions> => ({
    hosts: { [server.host()]: { headers: { "x-private": privateHeader }, mirrors: [server.host(evil)] } },
  });

  it.each([
    ["Basic", "Basic realm=x"],
    ["Bearer at its own server", `Bearer realm="https://${evil}/token",service="s"`],
    ["Bearer at the registry's server", `Bearer realm="https://${tokenServer}/token",service="scripted"`],
  ])("never, whether it asks for %s, and the registry is asked instead", async (_what, challenge) => {
    await using attack = await openAttack({ client: mirrored });
    attack.server.script([{ origin: evil, path: "*", answer: challengedBy(challenge) }]);
    expect(await attack.repository.getManifest("v1")).toMatchObject({
      descriptor: attack.image.document.descriptor,
    });
    const { digest } = attack.image.config.descriptor;
    const { body } = await attack.repository.getBlob(digest);
    expect(digestOf(await readAll(body, { limit: 1_000_000 }))).toBe(digest);
    expect(attack.requestsTo(evil).length).toBeGreaterThan(0);
    const toMirror = attack.server.ledger.filter(({ origin }) => origin === evil);
    expect(toMirror.map(({ headers }) => headers["x-private"])).toEqual(toMirror.map(() => undefined));
  });

  it("nor by what it redirects to", async () => {
    await using attack = await openAttack({ client: mirrored });
    attack.server.script([
      { origin: evil, path: "/v2/*", answer: redirectTo(`${attack.server.url(storage)}/x`) },
      { origin: storage, path: "/x", answer: challengedBy("Basic realm=x") },
    ]);
    await attack.repository.getManifest("v1");
    expect(attack.requestsTo(storage)).toEqual(["GET /x"]);
  });

  it("because its provider is asked for each registry by its own name", async () => {
    const asked: string[] = [];
    await using attack = await openAttack({
      auth: basicAuth,
      client: (server) => ({
        ...mirrored(server),
        credentials: (request) => {
          asked.push(request.registry);
          return fromStatic(server.host(), { username: "me", password })(request);
        },
      }),
    });
    await attack.repository.getManifest("v1");
    expect(asked).toEqual([attack.server.host(evil), attack.server.host()]);
  });
});
