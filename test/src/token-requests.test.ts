import type { LookupFunction } from "node:net";
import { createClient, type Client } from "@drayage/client";
import { copy } from "@drayage/copy";
import { fromStatic, parseRoute } from "@drayage/oci";
import { createImage, createIndex, createScriptedRegistry, type ScriptedRegistry } from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

// Requests over the wire where every one needs a token, those of the token servers included.

const image = createImage({ layers: 10 });
const users = { me: "canary" };

let source: ScriptedRegistry;
let target: ScriptedRegistry;
let client: Client;

beforeEach(async () => {
  source = await createScriptedRegistry({
    origins: ["source.test", "auth.source.test"],
    auth: { bearer: { users } },
  });
  target = await createScriptedRegistry({
    origins: ["target.test", "auth.target.test"],
    auth: { bearer: { users } },
  });
  await source.content.add("app", image, { tags: ["v1"] });
  client = clientOf();
});

afterEach(async () => {
  await client.close();
  await source.close();
  await target.close();
});

function clientOf(): Client {
  const lookup: LookupFunction = (name, options, callback) =>
    (name.endsWith("source.test") ? source : target).lookup(name, options, callback);
  const sides = [source, target];
  return createClient({
    network: { lookup },
    hosts: Object.fromEntries(sides.map((side) => [side.host(), { plainHttp: true }])),
    credentials: (request) => {
      const side = sides.find((one) => one.host() === request.registry);
      return fromStatic(side?.host() ?? "", { username: "me", password: "canary" })(request);
    },
    trustedTokenServers: (registry, realm) => realm.hostname === `auth.${registry.hostname}`,
  });
}

function copyApp(by: Client = client) {
  return copy(
    { repository: by.repository(`${source.host()}/app`, { access: ["pull"] }), at: "v1" },
    { repository: by.repository(`${target.host()}/app`, { access: ["pull", "push"] }), tags: ["v1"] },
  );
}

/** How often each side was asked what, and how often it answered 401. */
function requests(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [side, { ledger }] of Object.entries({ source, target })) {
    for (const { method, url, status } of ledger) {
      const kind = parseRoute(url)?.kind ?? url.split("?")[0];
      const line = `${side}: ${method} ${kind}${status === 401 ? " 401" : ""}`;
      counts[line] = (counts[line] ?? 0) + 1;
    }
  }
  return counts;
}

function total(): number {
  return source.ledger.length + target.ledger.length;
}

function clear(): void {
  source.clearLedger();
  target.clearLedger();
}

describe("requests to copy an image of 11 blobs", () => {
  it("with no token yet: 40, one 401 and one token on each side among them", async () => {
    expect((await copyApp()).blobs.uploaded).toBe(11);
    expect(requests()).toEqual({
      "source: GET manifest 401": 1,
      "source: GET /token": 1,
      "source: GET manifest": 1,
      "source: GET blob": 11,
      "target: HEAD manifest 401": 1,
      "target: GET /token": 1,
      "target: HEAD manifest": 1,
      "target: POST uploads": 11,
      "target: PUT upload": 11,
      "target: PUT manifest": 1,
    });
    expect(total()).toBe(40);
  });

  it("that is there, with no token yet: 6", async () => {
    await target.content.add("app", image, { tags: ["v1"] });
    expect((await copyApp()).status).toBe("unchanged");
    expect(total()).toBe(6);
  });

  it("with the client's tokens: 36, and 2 if it is there", async () => {
    await target.content.add("app", createImage({ seed: 1 }), { tags: ["v1"] });
    await copyApp();
    const other = createImage({ layers: 10, seed: 2 });
    await source.content.add("app", other, { tags: ["v1"] });
    clear();
    expect((await copyApp()).blobs.uploaded).toBe(11);
    expect(total()).toBe(36);
    clear();
    expect((await copyApp()).status).toBe("unchanged");
    expect(requests()).toEqual({ "source: GET manifest": 1, "target: HEAD manifest": 1 });
  });
});

describe("requests to copy an index of five platforms with two blobs each", () => {
  const five = createIndex({
    manifests: ["amd64", "arm64", "s390x", "ppc64le", "riscv64"].map((architecture, seed) =>
      createImage({ platform: `linux/${architecture}`, seed }),
    ),
  });

  beforeEach(async () => {
    await source.content.add("app", five, { tags: ["v1"] });
  });

  it("that is there: 6 with no token yet, 2 with the client's tokens", async () => {
    await target.content.add("app", five, { tags: ["v1"] });
    expect((await copyApp()).status).toBe("unchanged");
    expect(total()).toBe(6);
    clear();
    expect((await copyApp()).status).toBe("unchanged");
    expect(requests()).toEqual({ "source: GET manifest": 1, "target: HEAD manifest": 1 });
  });

  it("of which only the tag is missing: 12 with no token yet, 8 with the client's tokens", async () => {
    await target.content.add("app", five);
    await copyApp();
    expect(total()).toBe(12);
    target.content.repository("app").tags.clear();
    clear();
    await copyApp();
    expect(requests()).toEqual({
      "source: GET manifest": 1,
      "target: HEAD manifest": 6,
      "target: PUT manifest": 1,
    });
  });
});

describe("requests to copy an image of which only the tag is missing", () => {
  it("with the client's tokens: 14, one for each of its 11 blobs, 1 GET, 1 HEAD and 1 PUT", async () => {
    await target.content.add("app", image);
    await copyApp();
    expect(total()).toBe(19); // two 401, two tokens, and a HEAD to see that a blob is there that is said to be
    target.content.repository("app").tags.clear();
    clear();
    await copyApp();
    expect(requests()).toEqual({
      "source: GET manifest": 1,
      "target: HEAD manifest": 1,
      "target: POST uploads": 11,
      "target: PUT manifest": 1,
    });
  });
});

it("requests to pull an image: one 401, one token, the manifest, its blobs, nothing else", async () => {
  const repository = client.repository(`${source.host()}/app`);
  const { bytes } = await repository.getManifest("v1");
  expect(bytes).toEqual(image.document.bytes);
  await Promise.all(
    image.blobs.map(async ({ descriptor }) => {
      let size = 0;
      for await (const chunk of (await repository.getBlob(descriptor.digest)).body) size += chunk.byteLength;
      expect(size).toBe(descriptor.size);
    }),
  );
  expect(requests()).toEqual({
    "source: GET manifest 401": 1,
    "source: GET /token": 1,
    "source: GET manifest": 1,
    "source: GET blob": 11,
  });
});
