import { createClient } from "@drayage/client";
import { testCertificate } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { basicAuth, evil, home, onBlobs, openAttack, redirectTo, storage } from "./attack.ts";

describe("C35 insecure fallback", () => {
  it("from https to http does not happen, whatever name the registry has", async () => {
    await using attack = await openAttack({ plainHttp: true, client: () => ({ hosts: {} }) });
    const error = await attack.failureOf(() => attack.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(attack.server.ledger).toEqual([]);
  });

  it("http is for literal loopback, and for what the user says", async () => {
    const schemes: string[] = [];
    await using client = createClient({
      hosts: { "plain.test": { plainHttp: true } },
      network: {
        lookup: (_hostname, _options, callback) =>
          callback(Object.assign(new Error("none"), { code: "ENOTFOUND" }), "", 0),
      },
      retry: { attempts: 1 },
      timeouts: { connect: 50 },
      trace: (event) => void (event.type === "request" && schemes.push(event.url.split(":")[0] ?? "")),
    });
    for (const host of [
      "127.0.0.1:1",
      "plain.test",
      "10.0.0.1.test",
      "registry.local",
      "localhost.test:80",
    ]) {
      await client
        .registry(host)
        .ping()
        .catch(() => undefined);
    }
    expect(schemes).toEqual(["http", "http", "https", "https", "https"]);
  });
});

describe("C36 TLS off leaking to other hosts (CVE-2019-10214)", () => {
  it.each([{ insecure: true }, { ca: testCertificate.cert }])("%j is for its own host", async (options) => {
    await using attack = await openAttack({
      auth: basicAuth,
      client: (server) => ({
        network: { lookup: server.lookup },
        hosts: { [server.host()]: options },
      }),
    });
    await attack.repository.headManifest("v1");
    attack.server.script([onBlobs({ answer: redirectTo(`${attack.server.url(storage)}/x`) })]);
    const { digest } = attack.image.config.descriptor;
    const error = await attack.failureOf(() => attack.repository.getBlob(digest));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false });
    expect(attack.requestsTo(storage)).toEqual([]);
  });

  it("a certificate of our own is shown to its host only", async () => {
    await using attack = await openAttack({
      auth: basicAuth,
      client: (server) => ({ hosts: { [server.host()]: { ...testCertificate, ca: testCertificate.cert } } }),
    });
    await attack.repository.headManifest("v1");
    const { digest } = attack.image.config.descriptor;
    const location = `${attack.server.url(storage)}/storage/app/${digest}`;
    attack.server.script([onBlobs({ answer: redirectTo(location) })]);
    await attack.repository.getBlob(digest).then(({ body }) => body[Symbol.asyncIterator]().return?.());
    const shown = attack.server.ledger.map(({ origin, hasCertificate }) => [origin, hasCertificate]);
    expect(shown).toContainEqual([home, true]);
    expect(shown).toContainEqual([storage, false]);
    expect(shown).not.toContainEqual([storage, true]);
  });
});

describe("C39 stale keep-alive: what could be done twice is not sent twice", () => {
  it("a closing PUT of an upload whose answer was lost", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    const session = await attack.repository.openUpload();
    attack.server.script([{ method: "PUT", path: "/v2/*", reset: true }]);
    attack.server.clearLedger();
    const { digest } = attack.image.config.descriptor;
    expect(await attack.failureOf(() => session.commit(digest))).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(attack.server.ledger.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  it("a chunk whose answer was lost: the registry is asked how far it got", async () => {
    await using attack = await openAttack({ client: () => ({ retry: { attempts: 3, minDelay: 1 } }) });
    await attack.repository.headManifest("v1");
    const session = await attack.repository.openUpload();
    attack.server.script([{ method: "PATCH", path: "/v2/*", nth: 1, reset: true }]);
    attack.server.clearLedger();
    await session.append(await attack.image.config.open(0));
    const methods = attack.server.ledger.map(({ method }) => method);
    expect(methods).toEqual(["PATCH", "GET"]);
    expect(session.offset).toBe(attack.image.config.descriptor.size);
  });
});

it("C40 env proxy captures secrets: it is not used", async () => {
  await using attack = await openAttack({ plainHttp: true, auth: "none" });
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"];
  for (const name of names) process.env[name] = attack.server.url(evil);
  try {
    expect(await attack.repository.headManifest("v1")).toEqual(attack.image.document.descriptor);
    expect(attack.requestsTo(evil)).toEqual([]);
  } finally {
    for (const name of names) delete process.env[name];
  }
});

it("HTTP/2 is spoken for what is small, and nothing else changes", async () => {
  await using attack = await openAttack();
  await attack.repository.getManifest("v1");
  expect(new Set(attack.server.ledger.map(({ httpVersion }) => httpVersion))).toEqual(new Set(["2.0"]));
});
