import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { closing, digestOf } from "@drayage/oci";
import { createBlob, createImage, type ScriptedRegistryOptions, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it, vi } from "vitest";
import { errorOf, openEarlier, type Opened } from "../../fixture/earlier.ts";
import { streamOf } from "./blob.ts";
import { parseRepo, parseRepoAndRef, type RegistryClientOpts } from "./index.ts";

// What was wrong in the earlier library, and must not come back with its names.

const image = createImage();
const text = new TextEncoder().encode("a blob");
const digest = digestOf(text);
const blobPath = `/v2/library/app/blobs/${digest}`;
const tagsPath = "/v2/library/app/tags/list";
const login = { username: "me", password: "secret" };
const bearer = { bearer: { users: { me: "secret" } } };

async function open(
  options: ScriptedRegistryOptions = {},
  clientOptions: RegistryClientOpts = {},
): Promise<Opened> {
  const opened = await openEarlier(
    { origins: ["registry.test", "auth.test", "evil.test"], ...options },
    clientOptions,
  );
  await opened.server.content.add("library/app", image, { tags: ["v1"] });
  opened.server.content.repository("library/app").blobs.set(digest, text);
  return opened;
}

const authorizations = ({ server }: Opened): readonly (string | undefined)[] =>
  server.ledger.map(({ headers }) => headers["authorization"]);
const refusal = (challenge: string): ScriptRule => ({
  path: tagsPath,
  answer: { status: 401, headers: { "www-authenticate": challenge } },
});
const basicOf = (password: string): string => `Basic ${Buffer.from(`me:${password}`).toString("base64")}`;

describe("credentials", () => {
  it("1: token is used", async () => {
    await using opened = await open({ auth: bearer }, { token: "canary" });
    await errorOf(() => opened.client.listTags());
    expect(authorizations(opened)).toEqual([undefined, "Bearer canary"]);
  });

  it("2: credentials are used although GET /v2/ wants none", async () => {
    await using opened = await open(
      { auth: bearer, script: [{ path: "/v2/", answer: { status: 200 } }] },
      login,
    );
    await opened.client.login();
    expect((await opened.client.listTags()).tags).toEqual(["v1"]);
  });

  it("3: an expired token is renewed", async () => {
    await using opened = await open({ auth: bearer }, login);
    await opened.client.listTags();
    const realm = `http://${opened.server.host("auth.test")}/token`;
    opened.server.script([
      { ...refusal(`Bearer realm="${realm}",service="scripted",error="invalid_token"`), nth: 1 },
    ]);
    expect((await opened.client.listTags()).tags).toEqual(["v1"]);
    const tokens = opened.requests().filter((request) => request.startsWith("auth.test"));
    expect(tokens).toHaveLength(2);
  });

  it("4: pulling, pushing and pulling again takes no token twice", async () => {
    await using opened = await open({ auth: bearer }, login);
    const stream = randomBytes(10);
    await opened.client.listTags();
    await opened.client.blobUpload({ digest: digestOf(stream), stream, contentLength: 10 });
    await opened.client.listTags();
    await opened.client.putManifest({ manifestData: image.document.bytes, ref: "v2" });
    const kinds = opened
      .requests()
      .map((request) => request.replace(/\?.*/, "").replace(/[0-9a-f-]{36}/, "id"));
    expect(kinds.filter((kind) => kind.startsWith("auth.test"))).toHaveLength(2);
    expect(kinds).toHaveLength(8);
  });

  it("5: a token may be called access_token, and nothing is printed", async () => {
    const print = vi.spyOn(console, "error");
    const answer = { status: 200, body: JSON.stringify({ access_token: "only-this" }) };
    await using opened = await open({ auth: bearer, script: [{ path: "/token", answer }] });
    await errorOf(() => opened.client.listTags());
    expect(authorizations(opened)).toContain("Bearer only-this");
    expect(print).not.toHaveBeenCalled();
  });

  it("9: nothing secret goes to the host of a next page", async () => {
    await using opened = await open({ auth: { basic: { me: "secret" } } }, login);
    const link = `<http://${opened.server.host("evil.test")}/v2/x?last=a>; rel="next"`;
    opened.server.script([{ path: tagsPath, nth: 2, headers: { link } }]);
    await opened.client.listAllTags();
    expect(opened.server.ledger.filter(({ origin }) => origin === "evil.test")).toEqual([]);
  });

  it("9: nothing secret goes to the host of an upload location", async () => {
    await using opened = await open({ auth: { basic: { me: "secret" } } }, login);
    const location = `http://${opened.server.host("evil.test")}/v2/library/app/blobs/uploads/1`;
    const answer = { status: 202, headers: { location } };
    const path = "/v2/library/app/blobs/uploads/";
    opened.server.script([{ method: "POST", path, nth: [2, 3, 4, 5, 6], answer }]);
    const other = digestOf(new Uint8Array(6));
    await errorOf(() =>
      opened.client.blobUpload({ digest: other, stream: new Uint8Array(6), contentLength: 6 }),
    );
    const elsewhere = opened.server.ledger.filter(({ origin }) => origin === "evil.test");
    expect(elsewhere.length).toBeGreaterThan(0);
    expect(elsewhere.map(({ headers }) => headers["authorization"])).toEqual(elsewhere.map(() => undefined));
  });

  it("9: no password goes to a token server of another site", async () => {
    await using opened = await open({}, login);
    const realm = `http://${opened.server.host("evil.test")}/token`;
    opened.server.script([refusal(`Bearer realm="${realm}",service="x"`)]);
    expect(await errorOf(() => opened.client.listTags())).toMatchObject({ code: "UNTRUSTED_TOKEN_SERVER" });
    expect(opened.server.ledger.filter(({ origin }) => origin === "evil.test")).toEqual([]);
  });

  it("10: a realm keeps the query it has", async () => {
    await using opened = await open({}, login);
    const realm = `http://${opened.server.host("auth.test")}/token?a=b`;
    opened.server.script([refusal(`Bearer realm="${realm}",service="x"`)]);
    await errorOf(() => opened.client.listTags());
    expect(opened.requests()[1]).toMatch(/^auth\.test GET \/token\?a=b&[^?]*$/);
  });

  it("15: passwords are sent as UTF-8", async () => {
    await using opened = await open({ auth: { basic: { me: "пароль" } } }, { ...login, password: "пароль" });
    expect((await opened.client.listTags()).tags).toEqual(["v1"]);
    expect(authorizations(opened)).toEqual([undefined, basicOf("пароль")]);
  });

  it.each([
    ["without parameters beside it", 'Negotiate, Basic realm="x"', basicOf("secret")],
    ["with escaped quotes", 'Basic realm="a \\"quoted\\" one"', basicOf("secret")],
    ["in capitals", 'BASIC REALM="x"', basicOf("secret")],
  ])("16: a challenge %s is understood", async (_what, challenge, expected) => {
    await using opened = await open({ script: [refusal(challenge)] }, login);
    await errorOf(() => opened.client.listTags());
    expect(authorizations(opened)[1]).toBe(expected);
  });

  it("16: Bearer comes before Basic, whatever their order", async () => {
    await using opened = await open({}, login);
    const realm = `http://${opened.server.host("auth.test")}/token`;
    opened.server.script([refusal(`Basic realm="x", Bearer realm="${realm}",service="x"`)]);
    await errorOf(() => opened.client.listTags());
    expect(opened.requests()[1]).toMatch(/^auth\.test GET \/token/);
  });
});

describe("content", () => {
  it("6: a blob is checked although the registry does not tell its digest", async () => {
    const answer = { status: 200, body: "evil!!" };
    await using opened = await open({ script: [{ path: blobPath, answer }] });
    const { stream } = await opened.client.createBlobReadStream({ digest });
    expect(await errorOf(() => new Response(stream).text())).toMatchObject({ name: "BadDigestError" });
  });

  it("6: a manifest is checked when it was asked for by digest", async () => {
    const other = createImage({ seed: 1 }).document;
    const answer = {
      status: 200,
      headers: { "content-type": other.descriptor.mediaType },
      body: other.bytes,
    };
    await using opened = await open({ script: [{ path: "/v2/library/app/manifests/*", answer }] });
    const ref = image.document.descriptor.digest;
    expect(await errorOf(() => opened.client.getManifest({ ref }))).toMatchObject({ name: "BadDigestError" });
  });

  it("6: sha512 is as good as sha256", async () => {
    await using opened = await open();
    const blob = createBlob(text, { algorithm: "sha512" });
    opened.server.content.repository("library/app").blobs.set(blob.descriptor.digest, text);
    const { stream } = await opened.client.createBlobReadStream({ digest: blob.descriptor.digest });
    expect(await new Response(stream).text()).toBe("a blob");
  });

  it("7: a stream reads no further than its consumer, and one that is cancelled ends the download", async () => {
    let given = 0;
    let isEnded = false;
    const body = closing(counting(), () => void (isEnded = true));
    async function* counting(): AsyncGenerator<Uint8Array, void, undefined> {
      for (; given < 100; given++) yield text;
    }
    const reader = streamOf(body).getReader();
    await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBe(0); // the first piece is out, the next one not asked for
    await reader.cancel();
    expect([given, isEnded]).toEqual([0, true]);
  });

  it("8: an encoding that nobody asked for is not undone", async () => {
    const zipped = gzipSync(text);
    const headers = { "content-encoding": "gzip" };
    await using opened = await open({
      script: [{ path: blobPath, answer: { status: 200, headers, body: zipped } }],
    });
    const error = await errorOf(async () => {
      const { stream } = await opened.client.createBlobReadStream({ digest });
      await new Response(stream).text();
    });
    expect(error).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(opened.server.ledger[0]?.headers["accept-encoding"]).toBe("identity");
  });

  it("12: putManifest goes by the manifest's own media type, and compares the digest that is answered", async () => {
    await using opened = await open();
    const manifestData = image.document.bytes;
    await opened.client.putManifest({ manifestData, ref: "v2" });
    expect(opened.server.ledger[0]?.headers["content-type"]).toBe(image.document.descriptor.mediaType);
    const headers = { "docker-content-digest": digest };
    opened.server.script([{ method: "PUT", path: "*", headers }]);
    expect(await errorOf(() => opened.client.putManifest({ manifestData, ref: "v2" }))).toMatchObject({
      name: "UploadError",
      code: "DIGEST_MISMATCH",
    });
  });

  it.each(["", "a/../../other", "a b", "a?b", "a%2fb"])("12: %j is no ref", async (ref) => {
    await using opened = await open();
    expect(await errorOf(() => opened.client.getManifest({ ref }))).toMatchObject({ code: "TAG_INVALID" });
    expect(opened.requests()).toEqual([]);
  });

  it("13: a blob that is there is not sent again, and a stream that is not needed is let go", async () => {
    await using opened = await open();
    let isCancelled = false;
    const stream = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) });
    await opened.client.blobUpload({ digest, stream, contentLength: text.byteLength });
    expect(opened.server.ledger.map(({ received }) => received).reduce((sum, count) => sum + count, 0)).toBe(
      0,
    );
    expect(isCancelled).toBe(true);
  });

  it("13: bytes are sent again when the connection breaks; a stream says that it cannot be", async () => {
    await using opened = await open();
    const content = new Uint8Array(1024 * 1024);
    const other = digestOf(content);
    const upload = { digest: other, contentLength: content.byteLength };
    const cut = (): void =>
      opened.server.script([
        { method: "PUT", path: "/v2/library/app/blobs/uploads/*", nth: 1, takeOnly: 1000 },
      ]);
    cut();
    const stream = new Blob([content]).stream();
    expect(await errorOf(() => opened.client.blobUpload({ ...upload, stream }))).toMatchObject({
      name: "UploadError",
      code: "CONNECTION_FAILED",
    });
    cut();
    await opened.client.blobUpload({ ...upload, stream: content });
    expect(opened.server.content.repository("library/app").blobs.has(other)).toBe(true);
  });
});

describe("requests", () => {
  it("11: pages without tags are empty, and links are relative to the page", async () => {
    await using opened = await open();
    const link = '<list?last=a>; rel="next"';
    opened.server.script([
      { path: tagsPath, nth: 1, answer: { status: 200, headers: { link }, body: '{"tags":null}' } },
      { path: tagsPath, nth: 2, answer: { status: 200, body: '{"tags":["b"]}' } },
    ]);
    expect((await opened.client.listAllTags()).tags).toEqual(["b"]);
  });

  it("14: what is asked for does not depend on what was asked before", async () => {
    await using opened = await open();
    const { stream } = await opened.client.createBlobReadStream({ digest });
    await new Response(stream).text();
    await opened.client.getManifest({ ref: "v1" });
    expect(opened.server.ledger.at(-1)?.headers["accept"]).toContain("manifest.v1+json");
  });

  it("17: what may pass is tried again, and Retry-After is obeyed", async () => {
    const answer = { status: 429, headers: { "retry-after": "0" } };
    await using opened = await open({ script: [{ path: tagsPath, nth: 1, answer }] });
    expect((await opened.client.listTags()).tags).toEqual(["v1"]);
  });
});

describe("names", () => {
  it.each(["foo/../bar", "", "user:pass@example.com/repo", "repo:", "repo@", "repo@sha256:cafebabe"])(
    "18: %j is refused",
    (name) => {
      expect(() => parseRepoAndRef(name)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/_INVALID$/) as unknown }),
      );
    },
  );

  it.each(["d/docker", "10.0.0.5:5000/a/b", "docker---rules/docker", "a--b/c"])(
    "18: %j is a name",
    (name) => {
      expect(parseRepo(name).remoteName).not.toBe("");
    },
  );

  it.each(["[2001:db8::1]:5000/x", "[fc00::1]:5000/x"])("18: %s is not this machine", (name) => {
    expect(parseRepo(name).index.scheme).toBe("https");
  });

  it("19: the login server's name is no repository", () => {
    expect(() => parseRepo("https://index.docker.io/v1/")).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/_INVALID$/) as unknown }),
    );
  });
});
