import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, type RepositoryClient } from "@drayage/client";
import { copy } from "@drayage/copy";
import {
  MemoryRegistry,
  digestOf,
  isOciError,
  mediaType,
  parseObject,
  isDigest,
  readAll,
  sleep,
  type Descriptor,
  type Digest,
} from "@drayage/oci";
import { createImage, type ScriptAction } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import {
  all,
  challengedBy,
  evil,
  home,
  onBlobs,
  onManifests,
  openAttack,
  redirectTo,
  storage,
  tokenServer,
  type Attack,
} from "./attack.ts";

const encoder = new TextEncoder();

async function configOf({ repository, image }: Attack): Promise<Uint8Array> {
  const { body } = await repository.getBlob(image.config.descriptor.digest);
  return readAll(body, { limit: 1_000_000 });
}

/** Puts a manifest at `v1` that says what it likes; resolves to its digest. */
function publish({ server }: Attack, manifest: unknown, type: string = mediaType.ociManifest): Digest {
  const bytes =
    typeof manifest === "string" ? encoder.encode(manifest) : encoder.encode(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  const repository = server.content.repository("app");
  repository.manifests.set(digest, { type, bytes });
  repository.tags.set("v1", digest);
  return digest;
}

function manifestOf({ image }: Attack, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = new TextDecoder().decode(image.document.bytes);
  const manifest: unknown = JSON.parse(text);
  return { ...parseObject(manifest), ...changes };
}

describe("C1 descriptor.urls", () => {
  it.each([mediaType.ociLayerGzip, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"])(
    "of a layer of type %s are never asked (CVE-2020-15157)",
    async (type) => {
      await using attack = await openAttack();
      const layers = attack.image.layers.map(({ descriptor }) => ({
        ...descriptor,
        mediaType: type,
        urls: [`${attack.server.url(evil)}/layer`],
      }));
      publish(attack, manifestOf(attack, { layers }));
      const target = new MemoryRegistry().repository("app");
      await copy({ repository: attack.repository, at: "v1" }, { repository: target, tags: ["v1"] }).catch(
        () => undefined,
      );
      expect(attack.requestsTo(evil)).toEqual([]);
      expect(attack.requestsTo(home).length).toBeGreaterThan(1);
    },
  );
});

describe("C1 descriptor.urls that the caller asks for", () => {
  /** A layer that is kept at those places too. */
  const foreignOf = ({ image }: Attack, ...urls: readonly string[]): Descriptor => ({
    ...image.config.descriptor,
    urls,
  });
  const read = async (attack: Attack, descriptor: Descriptor): Promise<Uint8Array> => {
    const { body } = await attack.repository.getForeignBlob(descriptor);
    return readAll(body, { limit: 1_000_000 });
  };

  it.each([
    ["Basic", "Basic realm=x"],
    ["Bearer", `Bearer realm="https://${evil}/token",service="s"`],
  ])("are asked without a credential, and a %s challenge is not answered", async (_scheme, challenge) => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.script([{ origin: evil, path: "/layer", answer: challengedBy(challenge) }]);
    const descriptor = foreignOf(attack, `${attack.server.url(evil)}/layer`);
    const error = await attack.failureOf(() => read(attack, descriptor));
    expect(error).toMatchObject({ code: "UNAUTHORIZED", status: 401 });
    expect(attack.requestsTo(evil)).toEqual(["GET /layer"]);
  });

  it("prove nothing even to the registry itself", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.clearLedger();
    const { digest } = attack.image.config.descriptor;
    const descriptor = foreignOf(attack, `${attack.server.url()}/v2/app/blobs/${digest}`);
    expect(await attack.failureOf(() => read(attack, descriptor))).toMatchObject({ status: 401 });
    expect(attack.server.ledger.map(({ headers }) => headers["authorization"])).toEqual([undefined]);
  });

  it("are held to digest and size, and the next one is asked if one fails", async () => {
    await using attack = await openAttack();
    const { bytes, descriptor } = { bytes: await configOf(attack), ...attack.image.config };
    const serve = (path: string, body: Uint8Array) => ({ path, answer: { status: 200, body } });
    attack.server.script([
      { path: "/gone", answer: { status: 404 } },
      serve("/short", bytes.subarray(1)),
      serve("/good", bytes),
      serve(
        "/wrong",
        bytes.map((byte) => byte ^ 1),
      ),
    ]);
    const at = (...paths: readonly string[]) =>
      foreignOf(attack, ...paths.map((path) => attack.server.url(storage) + path));
    expect(await read(attack, at("/gone", "/short", "/good"))).toEqual(bytes);
    expect(await attack.failureOf(() => read(attack, at("/wrong")))).toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(await attack.failureOf(() => read(attack, at("/gone", "/short")))).toMatchObject({
      code: "SIZE_MISMATCH",
    });
    expect(await attack.failureOf(() => read(attack, descriptor))).toMatchObject({ code: "BLOB_UNKNOWN" });
  });

  it.each([
    ["https://169.254.169.254/x", "ADDRESS_REFUSED"],
    ["https://127.0.0.1:1/x", "ADDRESS_REFUSED"],
    ["http://storage.test/x", "URL_REFUSED"],
    ["file:///etc/passwd", "URL_REFUSED"],
    ["https://me:secret@storage.test/x", "URL_REFUSED"],
  ])("at %s are %s", async (url, code) => {
    await using attack = await openAttack();
    expect(await attack.failureOf(() => read(attack, foreignOf(attack, url)))).toMatchObject({ code });
  });
});

describe("C11 huge body", () => {
  const endless: ScriptAction = { endless: true };
  const noise = encoder.encode(" ".repeat(65_536));

  it.each<[string, (attack: Attack) => Promise<unknown>, string]>([
    ["a manifest", ({ repository }) => repository.getManifest("v1"), "/v2/app/manifests/*"],
    ["a page of tags", ({ repository }) => all(repository.listTags()), "/v2/app/tags/list"],
    [
      "a list of referrers",
      ({ repository, image }) => all(repository.listReferrers(image.document.descriptor.digest)),
      "/v2/app/referrers/*",
    ],
    ["a token", ({ repository }) => repository.getManifest("v1"), "/token"],
  ])("of %s is an error after its limit, and its connection is closed", async (_what, ask, path) => {
    await using attack = await openAttack();
    if (path !== "/token") await attack.repository.headManifest("v1");
    const type = path.includes("referrers") ? mediaType.ociIndex : mediaType.ociManifest;
    const answer = { status: 200, headers: { "content-type": type }, body: noise };
    attack.server.script([{ path, method: "GET", answer, ...endless }]);
    const before = process.memoryUsage().arrayBuffers;
    expect(await attack.failureOf(() => ask(attack))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
  });

  /** A registry whose answers to some requests go on for a gibibyte, and what became of the last of them. */
  async function openEndless(status: number, isEndless: (path: string) => boolean) {
    const state = { sent: 0, closed: Promise.withResolvers<void>() };
    const server = createServer(({ url: path = "", headers }, response) => {
      if (!isEndless(path)) {
        const realm = `http://${headers.host}/token`;
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="s"` }).end();
        return;
      }
      response.once("close", () => state.closed.resolve());
      const type = path.includes("/referrers/") ? mediaType.ociIndex : mediaType.ociManifest;
      response.writeHead(status, { "content-type": type });
      const write = (): void => {
        let isFlowing = true;
        while (isFlowing && state.sent < 2 ** 30) {
          state.sent += noise.byteLength;
          isFlowing = response.write(noise);
        }
      };
      response.on("drain", write);
      write();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const client = createClient({ retry: { attempts: 1 } });
    return {
      repository: client.registry(`127.0.0.1:${port}`).repository("app"),
      state,
      async [Symbol.asyncDispose]() {
        await client.close();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  const some = digestOf(noise);

  it.each<[string, (repository: RepositoryClient) => Promise<unknown>, number, string]>([
    ["a manifest", (repository) => repository.getManifest("v1"), 200, "LIMIT_EXCEEDED"],
    ["a page of tags", (repository) => all(repository.listTags()), 200, "LIMIT_EXCEEDED"],
    ["a list of referrers", (repository) => all(repository.listReferrers(some)), 200, "LIMIT_EXCEEDED"],
    ["an error", (repository) => repository.getManifest("v1"), 400, "UNKNOWN"],
    ["a token", (repository) => repository.getManifest("v1"), 200, "LIMIT_EXCEEDED"],
  ])("of %s costs neither memory nor the line: its socket is closed", async (what, ask, status, code) => {
    const isToken = what === "a token";
    const isEndless = (path: string): boolean => !isToken || path.startsWith("/token");
    await using first = await openEndless(status, isEndless);
    await ask(first.repository).catch(() => undefined); // once, so that code and buffers are there
    await using opened = await openEndless(status, isEndless);
    const before = process.memoryUsage.rss();
    const error = await ask(opened.repository).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const growth = process.memoryUsage.rss() - before;
    expect(error).toMatchObject({ code });
    await opened.state.closed.promise;
    expect(growth).toBeLessThan(20 * 1024 * 1024);
    expect(opened.state.sent).toBeLessThan(32 * 1024 * 1024);
  });

  it("of an error does not make the error larger", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.script([onManifests({ answer: { status: 400, body: noise }, ...endless })]);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ status: 400 });
    expect(isOciError(error) && JSON.stringify(error.detail ?? "").length).toBeLessThan(1000);
  });
});

describe("C12 descriptor size", () => {
  it.each(["-1", "1e400", "9007199254740993", "1.5", '"5"', "null"])("%s is refused", async (size) => {
    await using attack = await openAttack();
    const text = JSON.stringify(manifestOf(attack, {})).replace(/"size":\d+/, `"size":${size}`);
    publish(attack, text);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "MANIFEST_INVALID" });
  });

  it("of terabytes allocates nothing, and the blob is held against it", async () => {
    await using attack = await openAttack();
    const { descriptor } = attack.image.config;
    publish(attack, manifestOf(attack, { config: { ...descriptor, size: 2 ** 50 } }));
    const target = attack.client.registry(attack.server.host()).repository("other");
    const error = await attack.failureOf(() =>
      copy({ repository: attack.repository, at: "v1" }, { repository: target, tags: ["v1"] }),
    );
    expect(error).toMatchObject({ code: "SIZE_MISMATCH" });
    expect(await target.headManifest("v1")).toBeUndefined();
  });
});

it.each(["gzip", "br, gzip, gzip, gzip", "deflate"])(
  "C13 Content-Encoding: %s is refused",
  async (encoding) => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.script([{ method: "GET", path: "*", headers: { "content-encoding": encoding } }]);
    expect(await attack.failureOf(() => configOf(attack))).toMatchObject({ code: "RESPONSE_INVALID" });
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(attack.server.ledger.at(-1)?.headers["accept-encoding"]).toBe("identity");
  },
);

describe("C14 slow-loris", () => {
  it("body that goes on within the idle time is read to its end", async () => {
    await using attack = await openAttack({ client: () => ({ timeouts: { idle: 200 } }) });
    await attack.repository.headManifest("v1");
    attack.server.script([onBlobs({ pace: { bytes: 40, every: 20 } })]);
    expect(digestOf(await configOf(attack))).toBe(attack.image.config.descriptor.digest);
  });

  it("body that stops is a TIMEOUT", async () => {
    await using attack = await openAttack({
      client: () => ({ timeouts: { idle: 50 }, retry: { attempts: 1 } }),
    });
    await attack.repository.headManifest("v1");
    attack.server.script([onBlobs({ stallAfter: 1 })]);
    expect(await attack.failureOf(() => configOf(attack))).toMatchObject({ code: "TIMEOUT" });
  });

  it("headers that never come are a TIMEOUT", async () => {
    await using attack = await openAttack({
      client: () => ({ timeouts: { headers: 50 }, retry: { attempts: 1 } }),
    });
    attack.server.script([{ path: "*", delay: 300 }]);
    const error = await attack.failureOf(() => attack.repository.headManifest("v1"));
    expect(error).toMatchObject({ code: "TIMEOUT" });
  });

  it("an abort ends the wait", async () => {
    await using attack = await openAttack();
    attack.server.script([{ path: "*", delay: 500 }]);
    const controller = new AbortController();
    const { signal } = controller;
    const failure = attack.failureOf(() => attack.repository.headManifest("v1", { signal }));
    await sleep(50);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await failure).toBe(reason);
  });
});

describe("C15 content that is not its digest", () => {
  const lies: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array, string])[] = [
    [
      "with a byte flipped",
      (bytes) => bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte)),
      "DIGEST_MISMATCH",
    ],
    ["one byte longer", (bytes) => Uint8Array.from([...bytes, 10]), "DIGEST_MISMATCH"],
    ["one byte shorter", (bytes) => bytes.subarray(0, -1), "DIGEST_MISMATCH"],
  ];

  it.each(lies)("blob %s is refused, whatever the header says", async (_what, change, code) => {
    await using attack = await openAttack();
    const body = change(await configOf(attack));
    const { digest } = attack.image.config.descriptor;
    const answer = { status: 200, headers: { "docker-content-digest": digest }, body };
    attack.server.script([onBlobs({ answer })]);
    expect(await attack.failureOf(() => configOf(attack))).toMatchObject({ code });
  });

  it.each(lies)("blob %s never comes to its end: the last of it is kept back", async (_what, change) => {
    await using attack = await openAttack();
    const layer = createImage({ layers: [{ size: 300_000 }] }).layers[0];
    if (layer === undefined) throw new Error("an image without a layer");
    const { digest } = layer.descriptor;
    const body = change(await readAll(await layer.open(0), { limit: 1_000_000 }));
    await attack.repository.headManifest("v1");
    attack.server.script([onBlobs({ answer: { status: 200, body } })]);
    let received = 0;
    let failure: unknown;
    try {
      const content = await attack.repository.getBlob(digest);
      for await (const chunk of content.body) received += chunk.byteLength;
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(received).toBeLessThan(body.byteLength);
  });

  it.each(lies)("blob %s that is read only in part was not all of it either", async (_what, change) => {
    await using attack = await openAttack();
    const body = change(await configOf(attack));
    attack.server.script([onBlobs({ answer: { status: 200, body } })]);
    const { body: chunks } = await attack.repository.getBlob(attack.image.config.descriptor.digest);
    const reader = chunks[Symbol.asyncIterator]();
    // The whole of it is one chunk, which is not handed out before the hash agrees.
    expect(await attack.failureOf(() => reader.next())).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await reader.next()).toMatchObject({ done: true });
  });

  it("blob that is cut off is asked for again from there, and refused if that is all there is", async () => {
    await using attack = await openAttack();
    const whole = await configOf(attack);
    const cut = { status: 200, body: whole.subarray(0, 10) };
    attack.server.script([
      onBlobs({ answer: cut, headers: { "content-length": String(whole.byteLength) }, cutAfter: 10 }),
    ]);
    const error = await attack.failureOf(() => configOf(attack));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
  });

  it.each(lies)(
    "manifest %s is refused, whatever the header says (GHSA-qv35-3gw6-8q4j)",
    async (_what, change) => {
      await using attack = await openAttack();
      await attack.repository.headManifest("v1");
      const { descriptor, bytes } = attack.image.document;
      const headers = { "content-type": descriptor.mediaType, "docker-content-digest": descriptor.digest };
      attack.server.script([onManifests({ answer: { status: 200, headers, body: change(bytes) } })]);
      for (const at of [descriptor.digest, "v1"]) {
        const error = await attack.failureOf(() => attack.repository.getManifest(at));
        expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
      }
    },
  );

  it("manifest of another digest, with a header that agrees with it, is refused", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    const other = createImage({ seed: 9 }).document;
    const headers = {
      "content-type": other.descriptor.mediaType,
      "docker-content-digest": other.descriptor.digest,
    };
    attack.server.script([onManifests({ answer: { status: 200, headers, body: other.bytes } })]);
    const { digest } = attack.image.document.descriptor;
    const error = await attack.failureOf(() => attack.repository.getManifest(digest));
    expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
  });
});

it("C16 tag moves between HEAD and GET: a copy asks for it once, then by digest, and says what it got", async () => {
  await using attack = await openAttack();
  await attack.repository.headManifest("v1");
  const other = createImage({ seed: 9 });
  await attack.server.content.add("app", other);
  const { tags } = attack.server.content.repository("app");
  const { digest } = attack.image.document.descriptor;
  const move = (): void =>
    void tags.set("v1", tags.get("v1") === digest ? other.document.descriptor.digest : digest);
  attack.server.script([onManifests({ change: (answer) => (move(), answer) })]);
  attack.server.clearLedger();
  const target = new MemoryRegistry().repository("app");
  const source = { repository: attack.repository, at: "v1" };
  const result = await copy(source, { repository: target, tags: ["v1"] });
  expect(attack.requestsTo(home).filter((line) => line.endsWith("/manifests/v1"))).toHaveLength(1);
  expect(await target.headManifest("v1")).toEqual(result.descriptor);
  expect(result.descriptor.digest).toBe(digest);
  const again = { repository: new MemoryRegistry().repository("app"), tags: ["v1"] };
  const error = await attack.failureOf(() => copy(source, again, { expectDigest: digest }));
  expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
});

it.each([
  "sha256:../../../v2/other",
  "sha256:" + "A".repeat(64),
  "sha256:" + "a".repeat(63),
  "md5:" + "a".repeat(32),
  "",
])("C17 invalid digest string %j gets nowhere (CVE-2024-3727)", async (digest) => {
  expect(isDigest(digest)).toBe(false);
  await using attack = await openAttack();
  const [layer] = attack.image.layers;
  publish(attack, manifestOf(attack, { layers: [{ ...layer?.descriptor, digest }] }));
  const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
  expect(error).toMatchObject({ code: "MANIFEST_INVALID" });
});

describe("C20 media type confusion (CVE-2021-41190)", () => {
  it.each<[string, (attack: Attack) => unknown, string]>([
    ["an index that has layers", (attack) => manifestOf(attack, { manifests: [] }), mediaType.ociManifest],
    ["a manifest served as an index", (attack) => manifestOf(attack, {}), mediaType.ociIndex],
    [
      "a key twice",
      (attack) => JSON.stringify(manifestOf(attack, {})).replace("{", '{"layers":[],'),
      mediaType.ociManifest,
    ],
    [
      "a key twice, once escaped",
      (attack) => JSON.stringify(manifestOf(attack, {})).replace("{", '{"\\u006cayers":[],'),
      mediaType.ociManifest,
    ],
  ])("%s is refused", async (_what, manifest, type) => {
    await using attack = await openAttack();
    publish(attack, manifest(attack), type);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "MANIFEST_INVALID" });
  });
});

it("C21 __proto__ in any JSON of a registry pollutes nothing", async () => {
  await using attack = await openAttack();
  const poison = '"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}';
  const text = JSON.stringify(manifestOf(attack, { annotations: { a: "b" } }));
  publish(
    attack,
    text.replace('"annotations":{', '"annotations":{"__proto__":"x",').replace("{", `{${poison},`),
  );
  await attack.repository.getManifest("v1").catch(() => undefined);
  const error = `{"errors":[{"code":"UNKNOWN","detail":{${poison}}}],${poison}}`;
  attack.server.script([
    { path: "*/tags/list", answer: { status: 200, body: `{${poison},"tags":["v1"]}` } },
    { path: "/token", answer: { status: 200, body: `{${poison},"token":"t"}` } },
    onBlobs({ answer: { status: 400, body: error } }),
  ]);
  await all(attack.repository.listTags()).catch(() => undefined);
  await attack.failureOf(() => configOf(attack));
  await attack.client
    .registry(attack.server.host(tokenServer))
    .ping()
    .catch(() => undefined);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

describe("C22 deeply nested", () => {
  const depth = 200_000;
  const nested = "[".repeat(depth) + "]".repeat(depth);

  it("manifest is refused without a stack overflow", async () => {
    await using attack = await openAttack();
    publish(attack, `{"schemaVersion":2,"x":${nested}}`);
    const error = await attack.failureOf(() => attack.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "MANIFEST_INVALID" });
  });

  it("error and page are no stack overflow either", async () => {
    await using attack = await openAttack();
    await attack.repository.headManifest("v1");
    attack.server.script([
      { path: "*/tags/list", answer: { status: 200, body: `{"tags":${nested}}` } },
      onManifests({ answer: { status: 400, body: `{"errors":${"[".repeat(20_000)}${"]".repeat(20_000)}}` } }),
    ]);
    expect(await attack.failureOf(() => all(attack.repository.listTags()))).toMatchObject({
      code: expect.stringMatching(/^[A-Z_]+$/) as unknown,
    });
    expect(await attack.failureOf(() => attack.repository.getManifest("v1"))).toMatchObject({ status: 400 });
  });

  it("index is refused beyond eight levels", async () => {
    await using attack = await openAttack();
    let child = { ...attack.image.document.descriptor };
    for (let level = 0; level < 10; level++) {
      const index = { schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [child] };
      const size = encoder.encode(JSON.stringify(index)).byteLength;
      child = { mediaType: mediaType.ociIndex, digest: publish(attack, index, mediaType.ociIndex), size };
    }
    const target = new MemoryRegistry().repository("app");
    const error = await attack.failureOf(() =>
      copy({ repository: attack.repository, at: "v1" }, { repository: target, tags: ["v1"] }),
    );
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});

it("C16 a redirect cannot answer for a digest either", async () => {
  await using attack = await openAttack();
  await attack.repository.headManifest("v1");
  attack.server.script([
    onBlobs({ answer: redirectTo(`${attack.server.url(evil)}/x`) }),
    { path: "/x", answer: { status: 200, body: "something else" } },
  ]);
  expect(await attack.failureOf(() => configOf(attack))).toMatchObject({ code: "DIGEST_MISMATCH" });
});
