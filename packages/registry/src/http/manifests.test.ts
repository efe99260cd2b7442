import {
  createManifestDocument,
  digestOf,
  mediaType,
  type ManifestDocument,
  type Registry,
} from "@drayage/oci";
import { createArtifact, createImage, createIndex, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { ask, registries, serve, type Asked } from "../../fixture/serve.ts";

const image = createImage({ layers: 1 });
const { bytes, descriptor } = image.document;
const { digest } = descriptor;
const manifests = "/v2/a/b/manifests";
const absent = digestOf(Buffer.from("absent"));

async function open(create: () => Registry, options = {}) {
  const registry = create();
  await pushImage(registry.repository("a/b"), image);
  const server = await serve(registry, options);
  const put = (reference: string, document: ManifestDocument = image.document, asked: Asked = {}) =>
    ask(server, "PUT", `${manifests}/${reference}`, {
      body: document.bytes,
      ...asked,
      headers: { "content-type": document.descriptor.mediaType, ...asked.headers },
    });
  const get = (reference: string, headers = {}) =>
    ask(server, "GET", `${manifests}/${reference}`, { headers });
  const head = (reference: string, headers = {}) =>
    ask(server, "HEAD", `${manifests}/${reference}`, { headers });
  return { registry, server, put, get, head };
}

describe.each(registries)("manifests of %s", (_name, create) => {
  test("PUT by tag is 201 with the digest and its location, and GET gives the exact bytes back", async () => {
    const { put, get } = await open(create);
    const { status, headers } = await put("v1");
    expect(status).toBe(201);
    expect(headers).toMatchObject({
      location: `${manifests}/${digest}`,
      "docker-content-digest": digest,
      "content-length": "0",
    });
    for (const reference of ["v1", digest]) {
      const answer = await get(reference);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(Buffer.from(bytes));
      expect(answer.headers).toMatchObject({
        "content-type": mediaType.ociManifest,
        "content-length": String(bytes.byteLength),
        "docker-content-digest": digest,
        etag: `"${digest}"`,
        "x-content-type-options": "nosniff",
      });
    }
  });

  test("HEAD has exactly the headers of GET, and no body", async () => {
    const { put, get, head } = await open(create);
    await put("v1");
    const request = { "x-request-id": "same" };
    const [got, headed] = [await get("v1", request), await head("v1", request)];
    delete got.headers.date;
    delete headed.headers.date;
    expect(headed.headers).toEqual(got.headers);
    expect(headed.body.byteLength).toBe(0);
  });

  test("what a tag points to may change, what a digest names may not: Cache-Control says so", async () => {
    const { put, get } = await open(create);
    await put("v1");
    expect((await get("v1")).headers["cache-control"]).toBe("no-cache");
    expect((await get(digest)).headers["cache-control"]).toContain("immutable");
  });

  test("Accept does not choose: the stored manifest is what there is", async () => {
    const { put, get } = await open(create);
    await put("v1");
    expect((await get("v1", { accept: mediaType.dockerManifest })).status).toBe(200);
  });

  test("If-None-Match with the digest is 304 without a body", async () => {
    const { put, get, head } = await open(create);
    await put("v1");
    for (const { status, headers, body } of [
      await get("v1", { "if-none-match": `"${digest}"` }),
      await head("v1", { "if-none-match": `"${absent}", "${digest}"` }),
    ]) {
      expect([status, headers["docker-content-digest"], body.byteLength]).toEqual([304, digest, 0]);
    }
    expect((await get("v1", { "if-none-match": `"${absent}"` })).status).toBe(200);
  });

  test("a GET with a body is answered as one without (the conformance suite of 1.1.1 sends one)", async () => {
    const { server } = await open(create);
    const { status } = await ask(server, "GET", `${manifests}/sha256:totallywrong`, { body: "{}" });
    expect(status).toBe(404);
  });

  test.each(["unknown", absent, ".INVALID_MANIFEST_NAME", "sha256:baddigeststring", "a:b", "x".repeat(129)])(
    "GET, HEAD and DELETE of %s are 404 MANIFEST_UNKNOWN",
    async (reference) => {
      const { server, get, head } = await open(create);
      const { status, codes } = await get(reference);
      expect([status, codes]).toEqual([404, ["MANIFEST_UNKNOWN"]]);
      expect((await head(reference)).status).toBe(404);
      expect((await ask(server, "DELETE", `${manifests}/${reference}`)).codes).toEqual(["MANIFEST_UNKNOWN"]);
    },
  );

  test.each([
    ["sha256:baddigeststring", "DIGEST_INVALID"],
    [`sha999:${"0".repeat(64)}`, "DIGEST_INVALID"],
    [absent, "DIGEST_INVALID"],
    [".INVALID_MANIFEST_NAME", "MANIFEST_INVALID"],
    ["x".repeat(129), "MANIFEST_INVALID"],
  ])("PUT to %s is 400 %s", async (reference, code) => {
    const { put } = await open(create);
    const { status, codes } = await put(reference);
    expect([status, codes]).toEqual([400, [code]]);
  });

  test("a manifest put by sha512 is answered by sha512", async () => {
    const { put, get } = await open(create);
    const long = digestOf(bytes, "sha512");
    const { status, headers } = await put(`${long}?tag=v1`);
    expect([status, headers["docker-content-digest"]]).toEqual([201, long]);
    for (const reference of ["v1", long]) {
      expect((await get(reference)).headers["docker-content-digest"]).toBe(long);
    }
  });

  test("parameters of Content-Type are dropped", async () => {
    const { put, get } = await open(create);
    await put("v1", image.document, {
      headers: { "content-type": `${mediaType.ociManifest}; charset=utf-8` },
    });
    expect((await get("v1")).headers["content-type"]).toBe(mediaType.ociManifest);
  });

  test("without a Content-Type the document says what it is, and without that its content does", async () => {
    const { server, get } = await open(create);
    const untyped = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    await ask(server, "PUT", `${manifests}/v1`, { body: bytes });
    await ask(server, "PUT", `${manifests}/v2`, { body: untyped });
    expect((await get("v1")).headers["content-type"]).toBe(mediaType.ociManifest);
    expect((await get("v2")).headers["content-type"]).toBe(mediaType.ociIndex);
  });

  test.each([
    ["a Content-Type that the document contradicts", mediaType.dockerManifest, Buffer.from(bytes)],
    ["what is no JSON", mediaType.ociManifest, Buffer.from("not json")],
    ["another schema", mediaType.ociManifest, Buffer.from('{"schemaVersion":1,"config":{},"layers":[]}')],
    [
      "what is an index and an image at once (CVE-2021-41190)",
      mediaType.ociIndex,
      Buffer.from('{"schemaVersion":2,"manifests":[],"layers":[]}'),
    ],
    [
      "keys that differ only by case",
      mediaType.ociIndex,
      Buffer.from('{"schemaVersion":2,"manifests":[],"Manifests":[]}'),
    ],
    [
      "JSON a thousand levels deep",
      mediaType.ociIndex,
      Buffer.from(`${"[".repeat(1000)}${"]".repeat(1000)}`),
    ],
    [
      "an artifactType that is no media type",
      mediaType.ociIndex,
      Buffer.from('{"schemaVersion":2,"manifests":[],"artifactType":"a type"}'),
    ],
  ])("%s is 400 MANIFEST_INVALID (S16)", async (_case, type, body) => {
    const { server, get } = await open(create);
    const { status, codes } = await ask(server, "PUT", `${manifests}/v1`, {
      body,
      headers: { "content-type": type },
    });
    expect([status, codes]).toEqual([400, ["MANIFEST_INVALID"]]);
    expect((await get("v1")).status).toBe(404);
  });

  test("content that is missing is MANIFEST_BLOB_UNKNOWN, one entry for each digest", async () => {
    const { put, get } = await open(create);
    const other = createImage({ layers: 2, seed: 7 });
    const { status, codes, json } = await put("v2", other.document);
    expect([status, codes]).toEqual([400, Array(3).fill("MANIFEST_BLOB_UNKNOWN")]);
    const missing = [other.config, ...other.layers].map((blob) => ({ detail: blob.descriptor.digest }));
    expect(json).toMatchObject({ errors: missing });
    expect((await get("v2")).status).toBe(404);
  });

  test("a manifest larger than the limit is 413 SIZE_INVALID, with or without its length said (S9)", async () => {
    const { put } = await open(create, { limits: { manifestBytes: 100 } });
    for (const chunked of [false, true]) {
      const { status, codes } = await put("v1", image.document, { chunked });
      expect([status, codes]).toEqual([413, ["SIZE_INVALID"]]);
    }
  });

  test("more descriptors than the limit are 413 SIZE_INVALID, and nothing is stored (S17)", async () => {
    const { put, registry } = await open(create);
    const layers = Array.from({ length: 1001 }, (_, n) => ({
      ...descriptor,
      digest: digestOf(Buffer.from([n])),
    }));
    for (const content of [
      { mediaType: mediaType.ociManifest, config: image.config.descriptor, layers },
      { mediaType: mediaType.ociIndex, manifests: layers },
    ]) {
      const large = createManifestDocument({ schemaVersion: 2, ...content });
      const { status, codes } = await put("large", large);
      expect([status, codes]).toEqual([413, ["SIZE_INVALID"]]);
    }
    expect(await registry.repository("a/b").headManifest("large")).toBeUndefined();
  });

  test("a manifest of 3.9 MB is taken", async () => {
    const { put, get } = await open(create);
    const annotations = Object.fromEntries(
      Array.from({ length: 390 }, (_, n) => [`k${n}`, "x".repeat(10_000)]),
    );
    const large = createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [],
      annotations,
    });
    expect((await put("large", large)).status).toBe(201);
    expect((await get("large")).body.byteLength).toBe(large.bytes.byteLength);
  });

  test("several tags come with one digest, and OCI-Tag names each that was set", async () => {
    const { put, get } = await open(create);
    const tags = Array.from({ length: 12 }, (_, n) => `t${n}`);
    const query = [...tags, "t0"].map((tag) => `tag=${tag}`).join("&");
    const { status, headers } = await put(`${digest}?${query}`);
    expect([status, headers["oci-tag"]]).toEqual([201, tags.join(", ")]);
    for (const tag of tags) expect((await get(tag)).headers["docker-content-digest"]).toBe(digest);
  });

  test.each([
    ["v1?tag=v2", 400],
    [`${digest}?tag=v2&tag=.bad`, 400],
    [`${digest}?${Array.from({ length: 51 }, (_, n) => `tag=t${n}`).join("&")}`, 414],
  ])("PUT to %s sets no tag at all", async (reference, expected) => {
    const { put, get } = await open(create);
    expect((await put(reference)).status).toBe(expected);
    expect((await get("v2")).status).toBe(404);
    expect((await get("t0")).status).toBe(404);
  });

  test("If-None-Match: * sets a tag only if it is new, else 412", async () => {
    const { put } = await open(create);
    const only = { headers: { "if-none-match": "*" } };
    expect((await put("v1", image.document, only)).status).toBe(201);
    expect((await put("v1", image.document, only)).status).toBe(412);
    expect((await put("v1", image.document, { headers: { "if-none-match": `"${absent}"` } })).status).toBe(
      400,
    );
  });

  test("If-Match moves or deletes a tag only from where it is known to be, else 412", async () => {
    const { registry, server, put, get } = await open(create);
    const next = createImage({ seed: 9 });
    await pushImage(registry.repository("a/b"), next);
    const from = (of: string) => ({ headers: { "if-match": of } });
    expect((await put("v1", next.document, from("*"))).status).toBe(412);
    await put("v1");
    expect((await put("v1", next.document, from(`"${absent}"`))).status).toBe(412);
    expect((await put("v1", next.document, from(`"${absent}", "${digest}"`))).status).toBe(201);
    expect((await put("v1", image.document, from("*"))).status).toBe(201);
    expect((await ask(server, "DELETE", `${manifests}/v1`, from(`"${absent}"`))).status).toBe(412);
    expect((await get("v1")).status).toBe(200);
    expect((await ask(server, "DELETE", `${manifests}/v1`, from(`"${digest}"`))).status).toBe(202);
  });

  test("OCI-Subject names the subject of an image and of an index, by digest and by tag", async () => {
    const { put } = await open(create);
    const subject = { ...descriptor, digest: absent };
    const layer = image.layers[0]?.descriptor;
    const artifact = createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociManifest,
      config: image.config.descriptor,
      layers: [layer],
      subject,
    });
    const index = createManifestDocument({
      schemaVersion: 2,
      mediaType: mediaType.ociIndex,
      manifests: [],
      subject,
    });
    for (const document of [artifact, index]) {
      for (const reference of ["v1", document.descriptor.digest]) {
        const { status, headers } = await put(reference, document);
        expect([status, headers["oci-subject"]]).toEqual([201, absent]);
      }
    }
    expect((await put("v1")).headers["oci-subject"]).toBeUndefined();
  });

  test("DELETE by tag is 202 and leaves the manifest", async () => {
    const { server, put, get } = await open(create);
    await put("v1");
    const { status, headers } = await ask(server, "DELETE", `${manifests}/v1`);
    expect([status, headers["content-length"]]).toEqual([202, "0"]);
    expect((await get("v1")).status).toBe(404);
    expect((await get(digest)).status).toBe(200);
    expect((await ask(server, "DELETE", `${manifests}/v1`)).status).toBe(404);
  });

  test("DELETE by digest is 202 and takes every tag along, at once", async () => {
    const { server, put, get } = await open(create);
    await put(`${digest}?tag=v1&tag=v2`);
    expect((await ask(server, "DELETE", `${manifests}/${digest}`)).status).toBe(202);
    for (const reference of ["v1", "v2", digest]) expect((await get(reference)).status).toBe(404);
    expect((await ask(server, "DELETE", `${manifests}/${digest}`)).status).toBe(404);
    expect((await put("v1")).status).toBe(201);
  });

  test("indexes, nested ones, and artifacts are stored like images", async () => {
    const { registry, put, get } = await open(create);
    const index = createIndex({ manifests: [image] });
    const nested = createIndex({ manifests: [index] });
    const artifact = createArtifact({ artifactType: "application/vnd.test", subject: descriptor });
    for (const blob of artifact.blobs) await registry.repository("a/b").putBlob(blob.descriptor, blob.open);
    for (const { document } of [index, nested, artifact]) {
      expect((await put("v1", document)).status).toBe(201);
      expect((await get("v1")).headers["content-type"]).toBe(document.descriptor.mediaType);
    }
  });
});
