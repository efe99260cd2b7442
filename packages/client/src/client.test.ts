import { parseReference, readAll } from "@drayage/oci";
import { createImage, createScriptedRegistry } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { hostOf } from "./host.ts";
import { settingsOf } from "./options.ts";
import { errorOf, openScripted } from "../fixture/scripted.ts";

const image = createImage({ layers: 3 });

describe("round trips", () => {
  it("an image is one request for its manifest and one for each blob", async () => {
    await using opened = await openScripted();
    await opened.server.content.add("library/app", image, { tags: ["v1"] });
    await opened.repository.getManifest("v1");
    for (const { descriptor } of image.blobs) {
      const { body } = await opened.repository.getBlob(descriptor.digest);
      await readAll(body, { limit: descriptor.size });
    }
    expect(opened.requests()).toHaveLength(1 + image.blobs.length);
  });

  it("ping is one request", async () => {
    await using opened = await openScripted();
    await opened.client.registry(opened.server.host()).ping();
    expect(opened.requests()).toEqual(["GET /v2/"]);
  });

  it("ping of what is no registry is UNSUPPORTED", async () => {
    await using opened = await openScripted({ script: [{ path: "/v2/", answer: { status: 404 } }] });
    const error = await errorOf(opened.client.registry(opened.server.host()).ping());
    expect(error).toMatchObject({ code: "UNSUPPORTED" });
  });
});

describe("names", () => {
  it("C35 http is for loopback, and for what the user says", () => {
    const urlOf = (name: string, hosts = {}): string => hostOf(name, settingsOf({ hosts })).url.origin;
    expect(urlOf("localhost:5000")).toBe("http://localhost:5000");
    expect(urlOf("127.0.0.1:5000")).toBe("http://127.0.0.1:5000");
    expect(urlOf("[::1]:5000")).toBe("http://[::1]:5000");
    expect(urlOf("registry.example")).toBe("https://registry.example");
    expect(urlOf("10.0.0.1:5000")).toBe("https://10.0.0.1:5000");
    expect(urlOf("registry.local")).toBe("https://registry.local");
    expect(urlOf("registry.example", { "registry.example": { plainHttp: true } })).toBe(
      "http://registry.example",
    );
    expect(urlOf("localhost:5000", { "localhost:5000": { plainHttp: false } })).toBe(
      "https://localhost:5000",
    );
  });

  it("C36 options of one host are no other's", () => {
    const settings = settingsOf({ hosts: { "registry.example": { insecure: true, headers: { a: "b" } } } });
    expect(hostOf("registry.example", settings).options.insecure).toBe(true);
    expect(hostOf("registry.example:444", settings).options.insecure).toBeUndefined();
    expect(hostOf("a.registry.example", settings).headers).toEqual({});
  });

  it("C21 an option called __proto__ belongs to no host", () => {
    const hosts: unknown = JSON.parse('{"__proto__":{"insecure":true}}');
    expect(() => settingsOf({ hosts: hosts as Record<string, object> })).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID" }),
    );
  });

  it.each([
    ["index.docker.io", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
    ["Registry.Example", "registry.example"],
    ["https://registry.example", "registry.example"],
  ])("options of %s are those of %s", (name, canonical) => {
    const headers = { a: "b" };
    const settings = settingsOf({ hosts: { [name]: { headers } }, trustedTokenServers: { [name]: ["sso"] } });
    expect(hostOf(canonical, settings).headers).toBe(headers);
    expect(settings.trustedTokenServers).toEqual({ [canonical]: ["sso"] });
  });

  it("a reference is asked for as it says, where the options do not say otherwise", async () => {
    await using server = await createScriptedRegistry();
    await server.content.add("library/app", image, { tags: ["v1"] });
    const reference = parseReference(`http://${server.host()}/library/app`, { allowScheme: true });
    const network = { lookup: server.lookup };
    await using asWritten = createClient({ network });
    expect(await asWritten.repository(reference).headManifest("v1")).toBeDefined();
    await using secure = createClient({
      network,
      hosts: { [server.host()]: { plainHttp: false } },
      retry: { attempts: 1 },
    });
    const error = await errorOf(secure.repository(reference).headManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(server.ledger).toHaveLength(1);
  });

  it("Docker Hub is one registry, whatever it is called", () => {
    for (const name of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
      const { name: canonical, url } = hostOf(name, settingsOf({}));
      expect([canonical, url.href]).toEqual(["docker.io", "https://registry-1.docker.io/"]);
    }
    expect(createClient().repository("alpine").name).toBe("library/alpine");
  });

  it.each(["../x", "a/../b", "A", "a b", "a?b", "a#b", "a%2fb", ""])(
    "C18 the repository %j is refused",
    async (name) => {
      const registry = createClient().registry("registry.example");
      expect(await errorOf(() => registry.repository(name))).toMatchObject({ code: "NAME_INVALID" });
    },
  );

  it.each(["registry.example/v2", "a b.example", "user@registry.example", "registry.example?x", ""])(
    "C18 the registry %j is refused",
    async (name) => {
      expect(await errorOf(() => createClient().registry(name))).toMatchObject({ code: "REFERENCE_INVALID" });
    },
  );
});

it.each([
  { concurrency: 0 },
  { concurrency: Number.NaN },
  { retry: { attempts: 0 } },
  { retry: { minDelay: -1 } },
  { limits: { manifestBytes: Number.NaN } },
  { timeouts: { idle: -1 } },
])("%j is refused before it makes anybody wait", async (options) => {
  expect(await errorOf(() => createClient(options))).toMatchObject({ code: "OPTION_INVALID" });
});

it("an option that there is not is refused by its name", async () => {
  const misspelt = { concurency: 2 };
  const error = await errorOf(() => createClient({ concurrency: 1, ...misspelt }));
  expect(error).toMatchObject({ code: "OPTION_INVALID", message: "there is no option concurency" });
});

it("two objects for one registry share what was learned", async () => {
  await using opened = await openScripted({ auth: { bearer: { anonymous: ["pull"] } } });
  for (const _time of [1, 2]) {
    await opened.client.registry(opened.server.host()).repository("library/app").headManifest("v1");
  }
  expect(opened.server.ledger.filter(({ status }) => status === 401)).toHaveLength(1);
});

describe("send", () => {
  it("answers with any status, and brings what it was given to that origin only", async () => {
    await using server = await createScriptedRegistry({ origins: ["api.test", "evil.test"] });
    const location = `http://${server.host("evil.test")}/x`;
    server.script([
      { path: "/a", answer: { status: 503, body: "no" } },
      { path: "/b", answer: { status: 302, headers: { location } } },
    ]);
    await using client = createClient({ network: { lookup: server.lookup } });
    const headers = { Authorization: "Bearer canary", accept: "application/json" };
    const refused = await client.send({ method: "GET", url: `http://${server.host()}/a`, headers });
    expect([refused.status, new TextDecoder().decode(await readAll(refused.body, { limit: 10 }))]).toEqual([
      503,
      "no",
    ]);
    await client.send({ method: "GET", url: `http://${server.host()}/b`, headers });
    expect(
      server.ledger.map(({ origin, headers: sent }) => [origin, sent["authorization"], sent["accept"]]),
    ).toEqual([
      ["api.test", "Bearer canary", "application/json"],
      ["api.test", "Bearer canary", "application/json"],
      ["evil.test", undefined, "application/json"],
    ]);
  });
});

it("warnings of a registry are reported", async () => {
  await using opened = await openScripted({
    script: [{ path: "*", headers: { warning: '299 - "moving"' } }],
  });
  await opened.repository.headManifest("v1");
  expect(opened.events).toContainEqual({ type: "warning", host: opened.server.host(), text: "moving" });
});

it("a closed client fails what is under way", async () => {
  await using opened = await openScripted({ script: [{ path: "*", delay: 60 }] });
  const pending = errorOf(opened.repository.headManifest("v1"));
  await expect.poll(() => process.getActiveResourcesInfo()).toContain("TCPSocketWrap");
  await opened.client.close();
  expect(await pending).toMatchObject({ code: "CONNECTION_FAILED" });
});
