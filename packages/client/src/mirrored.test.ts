import { fromStatic, OciError, readAll, type CredentialProvider } from "@drayage/oci";
import { createImage, createScriptedRegistry, type ScriptedAuth, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf } from "../fixture/scripted.ts";
import { createClient } from "./client.ts";
import type { TraceEvent } from "./http/trace.ts";
import type { HostOptions } from "./options.ts";

const image = createImage({ layers: 1 });
const { descriptor } = image.document;
const config = image.config.descriptor;

interface Scene {
  /** Where the image is. */
  readonly at?: readonly ("near" | "far" | "home")[];
  readonly auth?: ScriptedAuth;
  readonly near?: readonly ScriptRule[];
  readonly credentials?: (hosts: Record<"near" | "far" | "home", string>) => CredentialProvider;
  readonly prefix?: string;
}

/** The registry `home.test` with the mirrors `near.test` and `far.test`, each a registry of its own. */
async function openMirrored({ at = ["home"], auth = "none", near = [], credentials, prefix }: Scene = {}) {
  const names = ["near", "far", "home"] as const;
  const open = (name: string) => createScriptedRegistry({ origins: [`${name}.test`], auth });
  const servers = { near: await open("near"), far: await open("far"), home: await open("home") };
  const hosts = { near: servers.near.host(), far: servers.far.host(), home: servers.home.host() };
  for (const name of at) {
    const repository = name === "near" && prefix !== undefined ? `${prefix}/app` : "app";
    await servers[name].content.add(repository, image, { tags: ["v1"] });
  }
  servers.near.script(near);
  const events: TraceEvent[] = [];
  let time = 0;
  const plain: HostOptions = { plainHttp: true };
  const mirrors = [prefix === undefined ? hosts.near : `${hosts.near}/${prefix}`, hosts.far];
  const client = createClient({
    credentials: credentials?.(hosts),
    hosts: {
      [hosts.near]: plain,
      [hosts.far]: plain,
      [hosts.home]: { ...plain, mirrors, headers: { "x-private": "canary" } },
    },
    network: {
      lookup: (name, ...rest) => {
        const server = names.find((known) => name === `${known}.test`) ?? "home";
        servers[server].lookup(name, ...rest);
      },
    },
    retry: { attempts: 3, minDelay: 1, maxDelay: 1 },
    trace: (event) => events.push(event),
    now: () => time,
  });
  return {
    client,
    servers,
    hosts,
    events,
    repository: client.registry(hosts.home).repository("app"),
    pass: (milliseconds: number) => void (time += milliseconds),
    /** Who was asked, and how often. */
    counts: () => names.map((name) => servers[name].ledger.length),
    async [Symbol.asyncDispose]() {
      await client.close();
      for (const name of names) await servers[name].close();
    },
  };
}

type Mirrored = Awaited<ReturnType<typeof openMirrored>>;

async function pull({ repository }: Mirrored): Promise<void> {
  await repository.getManifest("v1");
  const { body } = await repository.getBlob(config.digest);
  expect(await readAll(body, { limit: config.size })).toHaveLength(config.size);
}

describe("what is read", () => {
  it("comes from the first mirror that has it, and the registry is not asked", async () => {
    await using opened = await openMirrored({ at: ["near", "far", "home"] });
    await pull(opened);
    expect(await opened.repository.headManifest("v1")).toEqual(descriptor);
    expect(await opened.repository.headBlob(config.digest)).toEqual(
      expect.objectContaining({ size: config.size }),
    );
    expect(opened.counts()).toEqual([4, 0, 0]);
  });

  it("comes from the second one if the first has it not, and then from the registry", async () => {
    await using second = await openMirrored({ at: ["far", "home"] });
    await pull(second);
    expect(second.counts()).toEqual([2, 2, 0]);
    await using neither = await openMirrored({ at: ["home"] });
    await pull(neither);
    expect(neither.counts()).toEqual([2, 2, 2]);
    expect(neither.events.filter(({ type }) => type === "mirror")).toHaveLength(4);
  });

  it("is absent if nobody has it, and the error is the registry's", async () => {
    await using opened = await openMirrored({ at: [] });
    const error = await errorOf(opened.repository.getManifest("v1"));
    expect(error).toMatchObject({
      code: "NAME_UNKNOWN",
      url: expect.stringContaining("home.test") as unknown,
    });
    expect(await opened.repository.headManifest("v1")).toBeUndefined();
  });

  it("is looked for under the mirror's prefix there", async () => {
    await using opened = await openMirrored({ at: ["near", "home"], prefix: "cache/home" });
    await pull(opened);
    expect(opened.servers.near.ledger.map(({ url }) => url)).toEqual([
      "/v2/cache/home/app/manifests/v1",
      `/v2/cache/home/app/blobs/${config.digest}`,
    ]);
    expect(opened.counts()).toEqual([2, 0, 0]);
  });

  it("under a condition is answered by the mirror too", async () => {
    await using opened = await openMirrored({
      at: ["near", "home"],
      near: [{ path: "*", answer: { status: 304 } }],
    });
    const error = await errorOf(opened.repository.getManifest("v1", { ifNoneMatch: descriptor.digest }));
    expect(error).toMatchObject({ code: "NOT_MODIFIED" });
    expect(opened.counts()).toEqual([1, 0, 0]);
  });
});

describe("a mirror that fails", () => {
  it.each<[string, ScriptRule]>([
    ["is out of order", { path: "*", answer: { status: 500 } }],
    ["is busy", { path: "*", answer: { status: 429, headers: { "retry-after": "30" } } }],
    ["resets the connection", { path: "*", reset: true }],
    ["sends something else", { path: "*", change: (answer) => ({ ...answer, body: "{}" }) }],
  ])("because it %s is asked once, and then left alone for a minute", async (_why, rule) => {
    await using opened = await openMirrored({ at: ["near", "home"], near: [rule] });
    expect(await opened.repository.getManifest(descriptor.digest)).toMatchObject({ descriptor });
    expect(opened.counts()).toEqual([1, 1, 1]);
    opened.pass(59_999);
    await opened.repository.getManifest(descriptor.digest);
    expect(opened.counts()).toEqual([1, 2, 2]);
    opened.servers.near.script([]);
    opened.pass(1);
    await opened.repository.getManifest(descriptor.digest);
    expect(opened.counts()).toEqual([2, 2, 2]);
  });

  it("to have something is asked for the next thing nevertheless", async () => {
    await using opened = await openMirrored({ at: ["home"] });
    await opened.repository.headManifest("v1");
    await opened.repository.headManifest("v1");
    expect(opened.counts()).toEqual([2, 2, 2]);
  });

  it("in the middle of a blob with wrong bytes is left alone by the next one who asks", async () => {
    const wrong = new Uint8Array(config.size);
    const near = [{ path: "/v2/app/blobs/*", answer: { status: 200, body: wrong } }];
    await using opened = await openMirrored({ at: ["near", "home"], near });
    const { body } = await opened.repository.getBlob(config.digest);
    expect(await errorOf(readAll(body, { limit: config.size }))).toMatchObject({ code: "DIGEST_MISMATCH" });
    await pull(opened);
    expect(opened.servers.near.ledger).toHaveLength(1);
  });

  it("to let us in is passed over, with its reason in the trace", async () => {
    const answer = { status: 401, headers: { "www-authenticate": "Basic realm=near" } };
    await using opened = await openMirrored({ at: ["near", "home"], near: [{ path: "*", answer }] });
    await pull(opened);
    expect(opened.events).toContainEqual({
      type: "mirror",
      host: opened.hosts.home,
      mirror: opened.hosts.near,
      reason: "UNAUTHORIZED",
    });
  });

  it("does not hide that a credential provider is broken", async () => {
    await using opened = await openMirrored({
      at: ["near", "home"],
      auth: { basic: { me: "x" } },
      credentials: () => () => Promise.reject(new OciError("CREDENTIAL_UNAVAILABLE", "the helper is broken")),
    });
    expect(await errorOf(opened.repository.getManifest("v1"))).toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
    });
  });

  it("because the caller has left is not made up for", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    await using opened = await openMirrored({ at: ["near", "home"], near: [{ path: "*", delay: 50 }] });
    const result = errorOf(opened.repository.getManifest("v1", { signal: controller.signal }));
    setImmediate(() => controller.abort(reason));
    expect(await result).toBe(reason);
    expect(opened.servers.home.ledger).toEqual([]);
  });
});

describe("a mirror is not asked", () => {
  it("by what writes, nor by what is read to write", async () => {
    await using opened = await openMirrored({ at: ["near"] });
    const { repository } = opened;
    for (const { descriptor: blob, open } of image.blobs) {
      expect(await repository.putBlob(blob, open)).toBe("uploaded");
    }
    await repository.putManifest(image.document, { tags: ["v1"] });
    await repository.deleteManifest(descriptor.digest);
    expect(opened.servers.near.ledger).toEqual([]);
    expect(opened.servers.far.ledger).toEqual([]);
  });

  it.each(["push", "delete"] as const)("for a repository that was opened to %s", async (action) => {
    await using opened = await openMirrored({ at: ["near", "home"] });
    const registry = opened.client.registry(opened.hosts.home);
    await registry.repository("app", { access: ["pull", action] }).headManifest("v1");
    expect(opened.counts()).toEqual([0, 0, 1]);
  });

  it("for tags and referrers, of which it may have a few", async () => {
    await using opened = await openMirrored({ at: ["near", "home"] });
    for await (const tag of opened.repository.listTags()) expect(tag).toBe("v1");
    for await (const referrer of opened.repository.listReferrers(descriptor.digest))
      expect(referrer).toBeNull();
    expect(opened.servers.near.ledger).toEqual([]);
  });
});

it("C37 a mirror is asked with its own credential, and gets neither the registry's nor its headers", async () => {
  const passwords = { near: "canary-near", far: "canary-far", home: "canary-home" };
  const asked: string[] = [];
  await using opened = await openMirrored({
    at: ["far", "home"],
    auth: { basic: { near: passwords.near, far: passwords.far, home: passwords.home } },
    credentials: (hosts) => (request) => {
      asked.push(request.registry);
      const name = request.registry === hosts.near ? "near" : request.registry === hosts.far ? "far" : "home";
      return fromStatic(hosts[name], { username: name, password: passwords[name] })(request);
    },
  });
  await pull(opened);
  expect(new Set(asked)).toEqual(new Set([opened.hosts.near, opened.hosts.far]));
  for (const name of ["near", "far"] as const) {
    const mine = `Basic ${Buffer.from(`${name}:${passwords[name]}`).toString("base64")}`;
    const sent = opened.servers[name].ledger.map(({ headers }) => headers);
    expect(new Set(sent.map(({ authorization }) => authorization))).toEqual(new Set([undefined, mine]));
    expect(sent.every((headers) => headers["x-private"] === undefined)).toBe(true);
  }
});

it.each(["", "a b", "mirror.example/UPPER", "mirror.example/", "mirror.example/a:tag"])(
  "a mirror %j is refused at once",
  (mirror) => {
    expect(() => createClient({ hosts: { "registry.example": { mirrors: [mirror] } } })).toThrow(OciError);
  },
);
