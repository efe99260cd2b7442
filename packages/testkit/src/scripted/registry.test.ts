import { digestOf } from "@drayage/oci";
import { Agent, request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { createArtifact } from "../fixture/artifact.ts";
import { createImage } from "../fixture/image.ts";
import { createScriptedRegistry, type ScriptedRegistry, type ScriptedRegistryOptions } from "./registry.ts";

type Headers = Record<string, string>;

interface Sent {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Headers;
  readonly body?: string | Uint8Array;
  readonly origin?: string;
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A scripted registry and a way to ask it that knows nothing of registries. */
async function open(options: ScriptedRegistryOptions = {}) {
  const registry = await createScriptedRegistry(options);
  const agent = new Agent({ connect: { lookup: registry.lookup }, allowH2: false });
  closers.push(
    () => registry.close(),
    () => agent.destroy(),
  );
  const send = async (path: string, { method = "GET", headers = {}, body, origin }: Sent = {}) => {
    const url = `http://${registry.host(origin)}${path}`;
    const answer = await request(url, { method, headers, body: body ?? null, dispatcher: agent });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };
  return { registry, send };
}

const image = createImage({ layers: 1 });
const { digest } = image.document.descriptor;
const layer = image.layers[0]?.descriptor.digest ?? digest;
const bytes = new TextEncoder().encode("0123456789");
const blob = digestOf(bytes);

async function openWithImage(options: ScriptedRegistryOptions = {}) {
  const opened = await open(options);
  await opened.registry.content.add("team/app", image, { tags: ["v1"] });
  opened.registry.content.repository("team/app").blobs.set(blob, bytes);
  return opened;
}

const brokenOff = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/;

/** The code of the error that a request ended with. */
async function endOf(sending: Promise<unknown>): Promise<string> {
  try {
    await sending;
    return "answered";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

describe("pulling", () => {
  it("answers GET /v2/", async () => {
    const { send } = await open();
    expect(await send("/v2/")).toMatchObject({ status: 200, text: "{}" });
  });

  it("gives a manifest by tag and digest, with its type, digest and length", async () => {
    const { send } = await openWithImage();
    for (const at of ["v1", digest]) {
      const answer = await send(`/v2/team/app/manifests/${at}`);
      expect(answer).toMatchObject({ status: 200, text: new TextDecoder().decode(image.document.bytes) });
      expect(answer.headers).toMatchObject({
        "content-type": image.document.descriptor.mediaType,
        "content-length": String(image.document.bytes.byteLength),
        "docker-content-digest": digest,
      });
    }
  });

  it("answers HEAD with the headers of GET and no body", async () => {
    const { send } = await openWithImage();
    const answer = await send("/v2/team/app/manifests/v1", { method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, text: "" });
    expect(answer.headers["content-length"]).toBe(String(image.document.bytes.byteLength));
  });

  it("answers 304 to If-None-Match of what is there", async () => {
    const { send } = await openWithImage();
    const headers = { "if-none-match": `"${digest}"` };
    expect(await send("/v2/team/app/manifests/v1", { headers })).toMatchObject({ status: 304, text: "" });
  });

  it.each([
    ["/v2/team/app/manifests/v2", "MANIFEST_UNKNOWN"],
    ["/v2/team/none/manifests/v1", "NAME_UNKNOWN"],
    [`/v2/team/app/blobs/${digest}`, "BLOB_UNKNOWN"],
    ["/v2/team/none/tags/list", "NAME_UNKNOWN"],
    ["/v2/team/app/blobs/uploads/none", "BLOB_UPLOAD_UNKNOWN"],
  ])("answers 404 to %s with %s", async (path, code) => {
    const { send } = await openWithImage();
    const { status, text } = await send(path);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ code }] });
  });

  it.each([
    ["bytes=0-0", 206, "0", "bytes 0-0/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["lines=1-2", 200, "0123456789", undefined],
  ])("answers Range %s with %i", async (range, status, text, contentRange) => {
    const { send } = await openWithImage();
    const answer = await send(`/v2/team/app/blobs/${blob}`, { headers: { range } });
    expect(answer).toMatchObject({ status, text });
    expect(answer.headers["content-range"]).toBe(contentRange);
  });

  it("answers 416 to a range behind the end", async () => {
    const { send } = await openWithImage();
    const answer = await send(`/v2/team/app/blobs/${blob}`, { headers: { range: "bytes=10-" } });
    expect(answer.status).toBe(416);
    expect(answer.headers["content-range"]).toBe("bytes */10");
  });
});

describe("pushing", () => {
  it("takes a blob in one POST", async () => {
    const { send, registry } = await open();
    const answer = await send(`/v2/a/blobs/uploads/?digest=${blob}`, { method: "POST", body: bytes });
    expect(answer).toMatchObject({ status: 201, headers: { location: `/v2/a/blobs/${blob}` } });
    expect(registry.content.repository("a").blobs.get(blob)).toEqual(bytes);
  });

  it("takes a blob in POST and PUT", async () => {
    const { send } = await open();
    const { status, headers } = await send("/v2/a/blobs/uploads/", { method: "POST" });
    expect(status).toBe(202);
    const put = await send(`${String(headers["location"])}?digest=${blob}`, { method: "PUT", body: bytes });
    expect(put.status).toBe(201);
    expect(await send(`/v2/a/blobs/${blob}`)).toMatchObject({ status: 200, text: "0123456789" });
  });

  it("takes a blob in chunks, tells how far it is, and refuses one out of order with 416", async () => {
    const { send } = await open();
    const location = String((await send("/v2/a/blobs/uploads/", { method: "POST" })).headers["location"]);
    const patch = (range: string, body: Uint8Array) =>
      send(location, { method: "PATCH", headers: { "content-range": range }, body });
    expect(await patch("0-3", bytes.subarray(0, 4))).toMatchObject({
      status: 202,
      headers: { range: "0-3" },
    });
    expect(await patch("6-9", bytes.subarray(6))).toMatchObject({ status: 416, headers: { range: "0-3" } });
    expect(await send(location)).toMatchObject({ status: 204, headers: { range: "0-3" } });
    expect(await patch("4-9", bytes.subarray(4))).toMatchObject({ status: 202, headers: { range: "0-9" } });
    expect(await send(`${location}?digest=${blob}`, { method: "PUT" })).toMatchObject({ status: 201 });
    expect(await send(location)).toMatchObject({ status: 404 });
  });

  it("refuses an upload that does not hash to its digest", async () => {
    const { send } = await open();
    const answer = await send(`/v2/a/blobs/uploads/?digest=${layer}`, { method: "POST", body: bytes });
    expect(answer.status).toBe(400);
    expect(await send(`/v2/a/blobs/${layer}`)).toMatchObject({ status: 404 });
  });

  it("forgets an upload that is cancelled", async () => {
    const { send } = await open();
    const location = String((await send("/v2/a/blobs/uploads/", { method: "POST" })).headers["location"]);
    expect(await send(location, { method: "DELETE" })).toMatchObject({ status: 204 });
    expect(await send(location)).toMatchObject({ status: 404 });
  });

  it("mounts a blob it has, and opens an upload for one it has not", async () => {
    const { send } = await openWithImage();
    const mount = (wanted: string) =>
      send(`/v2/team/other/blobs/uploads/?mount=${wanted}&from=team/app`, { method: "POST" });
    expect(await mount(layer)).toMatchObject({ status: 201 });
    expect(await mount(digest)).toMatchObject({ status: 202 });
    expect(await send(`/v2/team/other/blobs/${layer}`)).toMatchObject({ status: 200 });
  });

  it("takes a manifest whose content is there, and refuses one whose content is not", async () => {
    const { send, registry } = await openWithImage();
    const put = (name: string) =>
      send(`/v2/${name}/manifests/v2`, {
        method: "PUT",
        headers: { "content-type": image.document.descriptor.mediaType },
        body: image.document.bytes,
      });
    expect(await put("team/app")).toMatchObject({
      status: 201,
      headers: { "docker-content-digest": digest },
    });
    expect(registry.content.repository("team/app").tags.get("v2")).toBe(digest);
    const refused = await put("team/empty");
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({ errors: [{ code: "MANIFEST_BLOB_UNKNOWN" }] });
  });

  it("tells the subject of a manifest it took", async () => {
    const { send, registry } = await openWithImage();
    const artifact = createArtifact({ artifactType: "example/x", subject: image.document.descriptor });
    await registry.content.add("team/app", artifact);
    const answer = await send(`/v2/team/app/manifests/${artifact.document.descriptor.digest}`, {
      method: "PUT",
      body: artifact.document.bytes,
    });
    expect(answer.headers["oci-subject"]).toBe(digest);
  });

  it("takes tags from the query and obeys conditions only when it has these features", async () => {
    const attempt = async (options: ScriptedRegistryOptions) => {
      const { send } = await openWithImage(options);
      const { status, headers } = await send(`/v2/team/app/manifests/${digest}?tag=v1&tag=v3`, {
        method: "PUT",
        headers: { "if-none-match": "*" },
        body: image.document.bytes,
      });
      return { status, tags: headers["oci-tag"] };
    };
    expect(await attempt({})).toEqual({ status: 201, tags: undefined });
    expect(await attempt({ features: { tagParameter: true } })).toEqual({ status: 201, tags: ["v1", "v3"] });
    const both = { tagParameter: true, conditionalTags: true };
    expect(await attempt({ features: both })).toMatchObject({ status: 412 });
  });
});

describe("listing and deleting", () => {
  it("pages tags with Link", async () => {
    const { send, registry } = await openWithImage();
    for (const tag of ["v2", "a", "v3"]) registry.content.repository("team/app").tags.set(tag, digest);
    const first = await send("/v2/team/app/tags/list?n=3");
    expect(JSON.parse(first.text)).toEqual({ name: "team/app", tags: ["a", "v1", "v2"] });
    expect(first.headers["link"]).toBe('</v2/team/app/tags/list?n=3&last=v2>; rel="next"');
    const second = await send("/v2/team/app/tags/list?n=3&last=v2");
    expect(JSON.parse(second.text)).toEqual({ name: "team/app", tags: ["v3"] });
    expect(second.headers["link"]).toBeUndefined();
  });

  it("lists repositories", async () => {
    const { send } = await openWithImage();
    expect(JSON.parse((await send("/v2/_catalog")).text)).toEqual({ repositories: ["team/app"] });
  });

  it("lists referrers, filtered by artifactType", async () => {
    const { send, registry } = await openWithImage();
    const artifact = (artifactType: string) =>
      createArtifact({ artifactType, subject: image.document.descriptor, annotations: { a: "b" } });
    await registry.content.add("team/app", artifact("example/one"));
    await registry.content.add("team/app", artifact("example/two"));
    const all = await send(`/v2/team/app/referrers/${digest}`);
    expect(JSON.parse(all.text)).toMatchObject({ manifests: [{ annotations: { a: "b" } }, {}] });
    expect(all.headers["oci-filters-applied"]).toBeUndefined();
    const one = await send(`/v2/team/app/referrers/${digest}?artifactType=example/two`);
    expect(JSON.parse(one.text)).toMatchObject({ manifests: [{ artifactType: "example/two" }] });
    expect(one.headers["oci-filters-applied"]).toBe("artifactType");
  });

  it("deletes a tag, a manifest with its tags, and a blob", async () => {
    const { send, registry } = await openWithImage();
    const content = registry.content.repository("team/app");
    content.tags.set("v2", digest);
    expect(await send("/v2/team/app/manifests/v1", { method: "DELETE" })).toMatchObject({ status: 202 });
    expect([...content.tags.keys()]).toEqual(["v2"]);
    expect(await send(`/v2/team/app/manifests/${digest}`, { method: "DELETE" })).toMatchObject({
      status: 202,
    });
    expect(content.tags.size + content.manifests.size).toBe(0);
    expect(await send(`/v2/team/app/blobs/${layer}`, { method: "DELETE" })).toMatchObject({ status: 202 });
    expect(await send(`/v2/team/app/blobs/${layer}`, { method: "DELETE" })).toMatchObject({ status: 404 });
  });
});

describe("authentication", () => {
  const basic = (user: string, password: string): Headers => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
  });
  const scope = encodeURIComponent("repository:team/app:pull,push");
  const tokenOf = (text: string): string => /"access_token":"([^"]+)"/.exec(text)?.[1] ?? "none";
  const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

  it("asks for a password and takes only the right one", async () => {
    const { send } = await openWithImage({ auth: { basic: { ci: "secret" } } });
    const refused = await send("/v2/");
    expect(refused).toMatchObject({ status: 401, headers: { "www-authenticate": 'Basic realm="scripted"' } });
    expect(await send("/v2/", { headers: basic("ci", "wrong") })).toMatchObject({ status: 401 });
    expect(await send("/v2/", { headers: basic("toString", "") })).toMatchObject({ status: 401 });
    expect(await send("/v2/", { headers: basic("ci", "secret") })).toMatchObject({ status: 200 });
  });

  it("sends clients to the token server of the second origin, naming what is needed", async () => {
    const { send, registry } = await openWithImage({ auth: { bearer: { service: "registry.test" } } });
    const { status, headers } = await send("/v2/team/app/blobs/uploads/?mount=x&from=a/b", {
      method: "POST",
    });
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toBe(
      `Bearer realm="http://${registry.host("auth.test")}/token",service="registry.test",` +
        'scope="repository:team/app:pull,push repository:a/b:pull"',
    );
  });

  it("grants what a user asked for, over GET with a password", async () => {
    const { send } = await openWithImage({ auth: { bearer: { users: { ci: "secret" } } } });
    const get = (headers: Headers) => send(`/token?scope=${scope}`, { origin: "auth.test", headers });
    expect(await get(basic("ci", "wrong"))).toMatchObject({ status: 401 });
    const answer = await get(basic("ci", "secret"));
    expect(JSON.parse(answer.text)).toMatchObject({ expires_in: 300, token: tokenOf(answer.text) });
    const headers = bearer(tokenOf(answer.text));
    expect(await send("/v2/team/app/manifests/v1", { headers })).toMatchObject({ status: 200 });
  });

  it("grants anonymous clients only what everybody may do", async () => {
    const { send } = await openWithImage({ auth: { bearer: { anonymous: ["pull"] } } });
    const headers = bearer(tokenOf((await send(`/token?scope=${scope}`, { origin: "auth.test" })).text));
    expect(await send("/v2/team/app/manifests/v1", { headers })).toMatchObject({ status: 200 });
    const refused = await send("/v2/team/app/blobs/uploads/", { method: "POST", headers });
    expect(refused.status).toBe(401);
    expect(refused.headers["www-authenticate"]).toContain('error="insufficient_scope"');
    expect(await send("/v2/team/other/manifests/v1", { headers })).toMatchObject({ status: 401 });
  });

  it("refuses tokens that are not its own, and its own once they have expired", async () => {
    let time = 0;
    const auth = { bearer: { anonymous: ["pull"], expiresIn: 60 } };
    const { send } = await openWithImage({ auth, now: () => time });
    const forged = await send("/v2/", { headers: bearer("forged") });
    expect(forged.headers["www-authenticate"]).toContain('error="invalid_token"');
    const headers = bearer(tokenOf((await send(`/token?scope=${scope}`, { origin: "auth.test" })).text));
    time = 59_999;
    expect(await send("/v2/team/app/manifests/v1", { headers })).toMatchObject({ status: 200 });
    time = 60_000;
    expect(await send("/v2/team/app/manifests/v1", { headers })).toMatchObject({ status: 401 });
  });

  it("grants over POST with a refresh token, and gives one to a user who asks", async () => {
    const { send } = await openWithImage({ auth: { bearer: { users: { ci: "secret" } } } });
    const asked = await send("/token?offline_token=true", {
      origin: "auth.test",
      headers: basic("ci", "secret"),
    });
    const refresh = /"refresh_token":"([^"]+)"/.exec(asked.text)?.[1] ?? "none";
    const post = (token: string) =>
      send("/token", {
        method: "POST",
        origin: "auth.test",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `grant_type=refresh_token&refresh_token=${token}&scope=${scope}`,
      });
    expect(await post("forged")).toMatchObject({ status: 401 });
    const headers = bearer(tokenOf((await post(refresh)).text));
    expect(await send("/v2/team/app/manifests/v1", { headers })).toMatchObject({ status: 200 });
  });

  it("serves the service it is for, and no other", async () => {
    const { send } = await open({ auth: { bearer: { service: "registry.test" } } });
    const ask = (service: string) => send(`/token?service=${service}`, { origin: "auth.test" });
    expect(await ask("registry.test")).toMatchObject({ status: 200 });
    expect(await ask("other.test")).toMatchObject({ status: 400 });
  });
});

describe("origins", () => {
  it("are found by their names on servers of their own, and no other name is", async () => {
    const { registry, send } = await open({ origins: ["a.test", "b.test"] });
    expect(registry.host()).toBe(registry.host("a.test"));
    expect(registry.host("a.test").split(":")[1]).not.toBe(registry.host("b.test").split(":")[1]);
    await send("/v2/", { origin: "b.test" });
    expect(registry.ledger.map(({ origin }) => origin)).toEqual(["b.test"]);
    const other = new Promise((resolve, reject) =>
      registry.lookup("c.test", {}, (error, address) => (error === null ? resolve(address) : reject(error))),
    );
    await expect(other).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  it("serve blobs as object stores do: without a token, and refusing one", async () => {
    const { send } = await openWithImage({ origins: ["registry.test", "cdn.test"], auth: { basic: {} } });
    const path = `/storage/team/app/${blob}`;
    expect(await send(path, { origin: "cdn.test" })).toMatchObject({ status: 200, text: "0123456789" });
    const headers = { authorization: "Bearer leaked" };
    expect(await send(path, { origin: "cdn.test", headers })).toMatchObject({ status: 400 });
  });
});

describe("the ledger", () => {
  it("has every request of every origin, with what it carried and was answered", async () => {
    const { registry, send } = await openWithImage();
    await send("/v2/team/app/manifests/none?x=1", { headers: { authorization: "Basic eDp5" } });
    await send("/v2/a/blobs/uploads/", { method: "POST", body: bytes, origin: "auth.test" });
    expect(registry.ledger).toMatchObject([
      {
        origin: "registry.test",
        method: "GET",
        url: "/v2/team/app/manifests/none?x=1",
        headers: { authorization: "Basic eDp5" },
        received: 0,
        status: 404,
      },
      { origin: "auth.test", method: "POST", received: 10, status: 202 },
    ]);
    registry.clearLedger();
    expect(registry.ledger).toEqual([]);
  });
});

describe("the script", () => {
  const blobPath = `/v2/team/app/blobs/${blob}`;
  const statuses = async (send: (path: string) => Promise<{ status: number }>, paths: readonly string[]) => {
    const found: number[] = [];
    for (const path of paths) found.push((await send(path)).status);
    return found;
  };

  it("answers instead of the registry, the nth time", async () => {
    const answer = { status: 503, headers: { "retry-after": "1" }, body: "busy" };
    const { send, registry } = await openWithImage({
      script: [{ method: "GET", path: "/v2/*/blobs/*", nth: [1, 3], answer }],
    });
    expect(await statuses(send, [blobPath, blobPath, "/v2/", blobPath])).toEqual([503, 200, 200, 503]);
    registry.script([{ path: blobPath, answer }]);
    expect(await send(blobPath)).toMatchObject({
      status: 503,
      text: "busy",
      headers: { "retry-after": "1" },
    });
  });

  it("asks the first rule whose turn it is, for the origin it names", async () => {
    const rule = (status: number, rest: object) => ({ path: "/v2/*", answer: { status }, ...rest });
    const { send } = await open({
      script: [rule(500, { nth: 2 }), rule(501, { origin: "auth.test" }), rule(502, {})],
    });
    expect(await statuses(send, ["/v2/", "/v2/", "/v2/"])).toEqual([502, 500, 502]);
    expect(await send("/v2/", { origin: "auth.test" })).toMatchObject({ status: 501 });
  });

  it("adds and takes away headers of the registry's own answer", async () => {
    const { send } = await openWithImage({
      script: [{ path: blobPath, headers: { "docker-content-digest": undefined, "x-more": ["1", "2"] } }],
    });
    const { headers, text } = await send(blobPath);
    expect(text).toBe("0123456789");
    expect(headers["docker-content-digest"]).toBeUndefined();
    expect(headers["x-more"]).toEqual(["1", "2"]);
  });

  it("cuts a body short of the length it said", async () => {
    const { send } = await openWithImage({ script: [{ path: blobPath, nth: 1, cutAfter: 4 }] });
    expect(await endOf(send(blobPath))).toMatch(brokenOff);
    expect(await send(blobPath)).toMatchObject({ text: "0123456789" });
  });

  it("resets the connection after doing what was asked", async () => {
    const { send, registry } = await open({
      script: [{ method: "POST", path: "/v2/*", reset: true }],
    });
    const post = send(`/v2/a/blobs/uploads/?digest=${blob}`, { method: "POST", body: bytes });
    expect(await endOf(post)).toMatch(brokenOff);
    expect(await send(`/v2/a/blobs/${blob}`)).toMatchObject({ status: 200 });
    expect(registry.ledger[0]).toMatchObject({ method: "POST", status: 0 });
  });

  it("takes in a part of a request and resets the connection, so that an upload can be resumed", async () => {
    const { send } = await open({
      script: [{ method: "PATCH", path: "/v2/*", nth: 1, takeOnly: 4 }],
    });
    const location = String((await send("/v2/a/blobs/uploads/", { method: "POST" })).headers["location"]);
    const patch = send(location, { method: "PATCH", body: bytes });
    expect(await endOf(patch)).toMatch(brokenOff);
    expect(await send(location)).toMatchObject({ status: 204, headers: { range: "0-3" } });
  });

  it("waits before it answers", async () => {
    const { send } = await open({ script: [{ path: "/v2/", nth: 1, delay: 30 }] });
    const order: string[] = [];
    await Promise.all([
      send("/v2/").then(() => order.push("delayed")),
      send("/v2/_catalog").then(() => order.push("at once")),
    ]);
    expect(order).toEqual(["at once", "delayed"]);
  });
});

it("can be disposed of, closing every origin", async () => {
  let registry: ScriptedRegistry;
  {
    await using opened = await createScriptedRegistry();
    registry = opened;
  }
  expect(() => registry.host()).toThrow("there is no origin registry.test");
});
