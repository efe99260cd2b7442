import type { LookupFunction } from "node:net";
import type { ClientOptions } from "@drayage/client";
import { readAll, type Digest } from "@drayage/oci";
import { testCertificate, type ScriptedRegistry, type ScriptedRegistryOptions } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import {
  all,
  basicAuth,
  bearerAuth,
  challengedBy,
  evil,
  home,
  onBlobs,
  onManifests,
  openAttack,
  privateHeader,
  redirectTo,
  storage,
  type Attack,
} from "./attack.ts";

const schemes: readonly (readonly [string, ScriptedRegistryOptions["auth"]])[] = [
  ["Basic", basicAuth],
  ["Bearer", bearerAuth],
];

async function firstBlob({ repository, image }: Attack): Promise<Uint8Array> {
  const { body } = await repository.getBlob(digestOfConfig({ image }));
  return readAll(body, { limit: 1_000_000 });
}

function digestOfConfig({ image }: Pick<Attack, "image">): Digest {
  return image.config.descriptor.digest;
}

/** Once the client has shown who it is, sends it somewhere else for every blob. */
async function redirected(attack: Attack, where: (server: ScriptedRegistry) => string): Promise<void> {
  await attack.repository.headManifest("v1");
  attack.server.script([onBlobs({ answer: redirectTo(where(attack.server)) })]);
}

describe("C2 redirect of a blob", () => {
  describe.each(schemes)("with %s", (_scheme, auth) => {
    it("to another host takes nothing private along", async () => {
      await using attack = await openAttack({ auth });
      const path = `/storage/app/${digestOfConfig(attack)}`;
      await redirected(attack, (server) => `${server.url(storage)}${path}`);
      await firstBlob(attack);
      expect(attack.requestsTo(storage)).toEqual([`GET ${path}`]);
    });

    it("to another port of the same host takes nothing private along (GHSA-vh4v-2xq2-g5cg)", async () => {
      await using attack = await openAttack({ auth });
      await redirected(attack, (server) => `https://${home}:${server.host(storage).split(":")[1]}/x`);
      attack.server.script([
        onBlobs({ answer: redirectTo(`https://${home}:${attack.server.host(storage).split(":")[1]}/x`) }),
        { origin: storage, path: "/x", answer: { status: 404 } },
      ]);
      expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "BLOB_UNKNOWN" });
      expect(attack.requestsTo(storage)).toEqual(["GET /x"]);
    });

    it("to http is not followed", async () => {
      await using attack = await openAttack({ auth });
      await redirected(attack, (server) => `http://${server.host(storage)}/x`);
      expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "URL_REFUSED" });
      expect(attack.requestsTo(storage)).toEqual([]);
    });

    it("on the same origin keeps what is private", async () => {
      await using attack = await openAttack({ auth });
      await redirected(attack, () => `/v2/app/manifests/v1`);
      await attack.failureOf(() => firstBlob(attack));
      const last = attack.server.ledger.at(-1);
      expect(last?.url).toBe("/v2/app/manifests/v1");
      expect(last?.headers["authorization"]).toBeDefined();
      expect(last?.headers["x-private"]).toBe(privateHeader);
    });
  });

  it("in a circle ends after five hops", async () => {
    await using attack = await openAttack();
    await redirected(attack, () => "/v2/app/blobs/round");
    attack.server.clearLedger();
    expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(attack.server.ledger).toHaveLength(6);
  });

  it("of an upload is not followed", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    const answer = redirectTo(`${attack.server.url(evil)}/x`);
    attack.server.script([{ method: "POST", path: "/v2/*", answer }]);
    await attack.failureOf(() => attack.repository.openUpload());
    expect(attack.requestsTo(evil)).toEqual([]);
  });
});

it.each(["Basic realm=x", 'Bearer realm="https://evil.test/token",service="s"'])(
  "C3 redirect target that answers 401 %s gets nothing",
  async (header) => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.script([
      onBlobs({ answer: redirectTo(`${attack.server.url(evil)}/x`) }),
      { origin: evil, path: "/x", answer: challengedBy(header) },
    ]);
    expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "UNAUTHORIZED" });
    expect(attack.requestsTo(evil)).toEqual(["GET /x"]);
  },
);

const inside = [
  "169.254.169.254",
  "[fd00:ec2::254]",
  "127.0.0.1:1",
  "[::1]:1",
  "[::ffff:127.0.0.1]:1",
  "2130706433:1",
  "0x7f.1:1",
  "10.0.0.1:1",
  "0.0.0.0:1",
] as const;

describe("C6 metadata or loopback", () => {
  it.each(inside)("as redirect to %s is not dialled", async (address) => {
    await using attack = await openAttack();
    await redirected(attack, () => `https://${address}/latest/meta-data`);
    expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "ADDRESS_REFUSED" });
  });

  it.each(inside)("as realm at %s is not dialled", async (address) => {
    await using attack = await openAttack({ client: () => ({ credentials: undefined }) });
    const answer = challengedBy(`Bearer realm="https://${address}/token",service="s"`);
    attack.server.script([{ path: "/v2/*", answer }]);
    const error = await attack.failureOf(() => attack.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "ADDRESS_REFUSED" });
  });

  it.each(inside)("as Location of an upload at %s is not dialled", async (address) => {
    await using attack = await openAttack();
    const answer = { status: 202, headers: { location: `https://${address}/upload` } };
    await attack.repository.headManifest("v1");
    attack.server.script([{ method: "POST", path: "/v2/*", answer }]);
    const { descriptor, open } = attack.image.config;
    const error = await attack.failureOf(() => attack.repository.putBlob(descriptor, open));
    expect(error).toMatchObject({ code: "ADDRESS_REFUSED" });
  });

  it("behind a name that led elsewhere before is not dialled", async () => {
    let count = 0;
    const rebinding =
      (server: ScriptedRegistry): LookupFunction =>
      (hostname, options, callback) => {
        if (hostname !== evil || count++ === 0) server.lookup(hostname, options, callback);
        else callback(null, options.all === true ? [{ address: "169.254.169.254", family: 4 }] : "", 4);
      };
    await using attack = await openAttack({
      client: (server) => ({ network: { lookup: rebinding(server), ca: testCertificate.cert } }),
    });
    await redirected(attack, (server) => `${server.url(evil)}/x`);
    attack.server.script([
      onBlobs({ answer: redirectTo(`${attack.server.url(evil)}/x`) }),
      { path: "/x", answer: { status: 404, headers: { connection: "close" } } },
    ]);
    expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "BLOB_UNKNOWN" });
    expect(await attack.failureOf(() => firstBlob(attack))).toMatchObject({ code: "ADDRESS_REFUSED" });
    expect(attack.requestsTo(evil)).toHaveLength(1);
  });
});

describe("C8 upload Location cross-host", () => {
  it.each(schemes)("gets the bytes, and with %s nothing private", async (_scheme, auth) => {
    await using attack = await openAttack({ auth });
    await attack.repository.headManifest("v1");
    const location = `${attack.server.url(storage)}/put-here`;
    attack.server.script([
      { method: "POST", path: "/v2/*", answer: { status: 202, headers: { location } } },
      { origin: storage, path: "/put-here", answer: { status: 201 } },
    ]);
    const { descriptor, open } = attack.image.config;
    await attack.repository.putBlob(descriptor, open);
    expect(attack.requestsTo(storage)).toHaveLength(1);
    expect(attack.server.ledger.at(-1)?.received).toBe(descriptor.size);
  });

  const strict = (server: ScriptedRegistry): Partial<ClientOptions> => ({
    hosts: { [server.host()]: { strictUploadHost: true } },
  });

  it("is refused before a byte is sent, if the user wants it so", async () => {
    await using attack = await openAttack({ client: strict });
    await attack.repository.headManifest("v1");
    const location = `${attack.server.url(storage)}/put-here`;
    attack.server.script([{ method: "POST", path: "/v2/*", answer: { status: 202, headers: { location } } }]);
    const { descriptor, open } = attack.image.config;
    const error = await attack.failureOf(() => attack.repository.putBlob(descriptor, open));
    expect(error).toMatchObject({ code: "URL_REFUSED" });
    const session = await attack.repository.openUpload();
    const chunk = await open(0);
    expect(await attack.failureOf(() => session.append(chunk))).toMatchObject({ code: "URL_REFUSED" });
    expect(attack.requestsTo(storage)).toEqual([]);
  });

  it("that changes under way is refused as well, and the registry's own is not", async () => {
    await using attack = await openAttack({ client: strict });
    const { descriptor, open } = attack.image.config;
    const target = attack.client.registry(attack.server.host()).repository("other");
    expect(await target.putBlob(descriptor, open)).toBe("uploaded");
    const session = await target.openUpload();
    const location = `${attack.server.url(evil)}/put-here`;
    attack.server.script([
      { method: "PATCH", path: "/v2/*", answer: { status: 202, headers: { location } } },
    ]);
    await session.append(await open(0));
    const error = await attack.failureOf(() => session.commit(descriptor.digest));
    expect(error).toMatchObject({ code: "URL_REFUSED" });
    expect(attack.requestsTo(evil)).toEqual([]);
  });

  it("is never http behind an https registry", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    const location = `http://${attack.server.host(storage)}/put-here`;
    attack.server.script([{ method: "POST", path: "/v2/*", answer: { status: 202, headers: { location } } }]);
    const { descriptor, open } = attack.image.config;
    const error = await attack.failureOf(() => attack.repository.putBlob(descriptor, open));
    expect(error).toMatchObject({ code: "URL_REFUSED" });
  });

  it("that answers 401 with a challenge gets nothing", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    const location = `${attack.server.url(evil)}/put-here`;
    attack.server.script([
      { method: "POST", path: "/v2/*", answer: { status: 202, headers: { location } } },
      { origin: evil, path: "/put-here", answer: challengedBy("Basic realm=x") },
    ]);
    const { descriptor, open } = attack.image.config;
    const error = await attack.failureOf(() => attack.repository.putBlob(descriptor, open));
    expect(error).toMatchObject({ code: "UNAUTHORIZED" });
  });
});

it.each(["", "/v2/other/tags/list", "/v2/_catalog"])(
  "C9 Link to another host%s leads to the own origin and path",
  async (path) => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.clearLedger();
    const link = `<${attack.server.url(evil)}${path}?last=v1>; rel="next"`;
    attack.server.script([{ nth: 1, path: "/v2/app/tags/list", headers: { link } }]);
    await all(attack.repository.listTags());
    expect(attack.requestsTo(evil)).toEqual([]);
    expect(attack.requestsTo(home)).toEqual([
      expect.stringMatching(/^GET \/v2\/app\/tags\/list/),
      "GET /v2/app/tags/list?last=v1",
    ]);
  },
);

it("C2 redirect of a manifest to another host takes nothing private along", async () => {
  await using attack = await openAttack();
  await attack.repository.headManifest("v1");
  attack.server.script([onManifests({ answer: redirectTo(`${attack.server.url(storage)}/m`) })]);
  await attack.failureOf(() => attack.repository.getManifest("v1"));
  expect(attack.requestsTo(storage)).toEqual(["GET /m"]);
});
