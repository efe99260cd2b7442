import {
  bytesOf,
  digestOf,
  readOnly,
  sub,
  type Digest,
  type Registry,
  type StorageDriver,
} from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { ask, registries, serve } from "../../fixture/serve.ts";
import { createMemoryDriver } from "../drivers/memory.ts";
import { createRegistry } from "../registry.ts";

const bytes = Buffer.from("0123456789");
const digest = digestOf(bytes);
const empty = digestOf(Buffer.alloc(0));
const absent = digestOf(Buffer.from("absent"));

async function put(registry: Registry, content: Uint8Array, name = "a/b"): Promise<Digest> {
  const descriptor = {
    mediaType: "application/octet-stream",
    digest: digestOf(content),
    size: content.byteLength,
  };
  await registry.repository(name).putBlob(descriptor, async (offset) => bytesOf(content.subarray(offset)));
  return descriptor.digest;
}

async function open(create: () => Registry) {
  const registry = create();
  await put(registry, bytes);
  await put(registry, Buffer.alloc(0));
  const server = await serve(registry);
  const get = (headers = {}, of = digest) => ask(server, "GET", `/v2/a/b/blobs/${of}`, { headers });
  const head = (headers = {}, of = digest) => ask(server, "HEAD", `/v2/a/b/blobs/${of}`, { headers });
  return { registry, server, get, head };
}

describe.each(registries)("blobs of %s", (_name, create) => {
  test("GET gives the exact bytes with their length, digest and entity tag", async () => {
    const { get } = await open(create);
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(body).toEqual(bytes);
    expect(headers).toMatchObject({
      "content-length": "10",
      "content-type": "application/octet-stream",
      "docker-content-digest": digest,
      etag: `"${digest}"`,
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=31536000, immutable",
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
    });
  });

  test("HEAD has exactly the headers of GET, and no body", async () => {
    const { get, head } = await open(create);
    const request = { "x-request-id": "same" };
    const [got, headed] = [await get(request), await head(request)];
    delete got.headers.date;
    delete headed.headers.date;
    expect(headed.headers).toEqual(got.headers);
    expect(headed.body.byteLength).toBe(0);
  });

  test.each(["GET", "HEAD"])("%s of the empty blob says Content-Length: 0", async (method) => {
    const { server } = await open(create);
    const { status, headers, body } = await ask(server, method, `/v2/a/b/blobs/${empty}`);
    expect([status, headers["content-length"], body.byteLength]).toEqual([200, "0", 0]);
  });

  test("a blob addressed by sha512 is answered with its sha512 digest", async () => {
    const { registry, get } = await open(create);
    const long = digestOf(bytes, "sha512");
    const descriptor = { mediaType: "application/octet-stream", digest: long, size: bytes.byteLength };
    await registry.repository("a/b").putBlob(descriptor, async () => bytesOf(bytes));
    expect((await get({}, long)).headers["docker-content-digest"]).toBe(long);
  });

  test("a digest may have its colon percent-encoded, in either case", async () => {
    const { server } = await open(create);
    for (const colon of ["%3A", "%3a"]) {
      expect((await ask(server, "GET", `/v2/a/b/blobs/${digest.replace(":", colon)}`)).status).toBe(200);
    }
  });

  test("a blob that is not in this repository is BLOB_UNKNOWN, though another has it", async () => {
    const { server } = await open(create);
    const { status, codes } = await ask(server, "GET", `/v2/a/other/blobs/${digest}`);
    expect([status, codes]).toEqual([404, ["BLOB_UNKNOWN"]]);
    expect((await ask(server, "HEAD", `/v2/a/other/blobs/${digest}`)).status).toBe(404);
  });

  test("GET and HEAD of what is no digest are 404", async () => {
    const { server } = await open(create);
    for (const text of ["sha256:baddigeststring", `md5:${"0".repeat(32)}`, digest.toUpperCase(), "latest"]) {
      const { status, codes } = await ask(server, "GET", `/v2/a/b/blobs/${text}`);
      expect([text, status, codes]).toEqual([text, 404, ["BLOB_UNKNOWN"]]);
      expect((await ask(server, "HEAD", `/v2/a/b/blobs/${text}`)).status).toBe(404);
    }
  });

  test.each([
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=9-9", "9", "bytes 9-9/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-30", "0123456789", "bytes 0-9/10"],
    ["bytes=8-999", "89", "bytes 8-9/10"],
    ["bytes=8-99999999999999999999", "89", "bytes 8-9/10"],
  ])("Range: %s is 206 with just that part", async (range, part, contentRange) => {
    const { get } = await open(create);
    const { status, headers, body } = await get({ range });
    expect([status, body.toString()]).toEqual([206, part]);
    expect(headers).toMatchObject({
      "content-range": contentRange,
      "content-length": String(part.length),
      "docker-content-digest": digest,
    });
  });

  test.each(["bytes=10-", "bytes=500-0", "bytes=5-2", "bytes=-0", "bytes=99999999999999999999-"])(
    "Range: %s cannot be satisfied: 416 with the size",
    async (range) => {
      const { get } = await open(create);
      const { status, headers } = await get({ range });
      expect([status, headers["content-range"]]).toEqual([416, "bytes */10"]);
    },
  );

  test("a suffix of the empty blob cannot be satisfied", async () => {
    const { get } = await open(create);
    const { status, headers } = await get({ range: "bytes=-1" }, empty);
    expect([status, headers["content-range"]]).toEqual([416, "bytes */0"]);
  });

  test.each(["items=0-1", "bytes=0-1,4-5", "bytes=a-b", "bytes", "bytes=-"])(
    "Range: %s is ignored and the whole blob given",
    async (range) => {
      const { get } = await open(create);
      const { status, body } = await get({ range });
      expect([status, body.toString()]).toEqual([200, "0123456789"]);
    },
  );

  test("a range of a blob that is not here is 404, not 416", async () => {
    const { get } = await open(create);
    expect((await get({ range: "bytes=500-0" }, absent)).status).toBe(404);
  });

  test("If-Range with our entity tag gives the part, with another the whole", async () => {
    const { get } = await open(create);
    const range = "bytes=2-4";
    expect((await get({ range, "if-range": `"${digest}"` })).status).toBe(206);
    expect((await get({ range, "if-range": `"${absent}"` })).status).toBe(200);
  });

  test("If-None-Match with our entity tag is 304 without a body", async () => {
    const { get, head } = await open(create);
    const headers = { "if-none-match": `"${absent}", W/"${digest}"` };
    for (const { status, headers: answer, body } of [await get(headers), await head(headers)]) {
      expect([status, answer["etag"], body.byteLength]).toEqual([304, `"${digest}"`, 0]);
    }
    expect((await get({ "if-none-match": `"${absent}"` })).status).toBe(200);
    expect((await get({ "if-none-match": `"${absent}"` }, absent)).status).toBe(404);
  });

  test("DELETE is 202 and takes the blob from this repository only, at once", async () => {
    const { registry, server, head } = await open(create);
    await put(registry, bytes, "a/other");
    const { status, headers } = await ask(server, "DELETE", `/v2/a/b/blobs/${digest}`);
    expect([status, headers["content-length"]]).toEqual([202, "0"]);
    expect((await head()).status).toBe(404);
    expect((await ask(server, "HEAD", `/v2/a/other/blobs/${digest}`)).status).toBe(200);
    expect((await ask(server, "DELETE", `/v2/a/b/blobs/${digest}`)).codes).toEqual(["BLOB_UNKNOWN"]);
    expect((await ask(server, "DELETE", `/v2/a/b/blobs/${absent}`)).status).toBe(404);
  });

  test("what was deleted can be pushed again", async () => {
    const { registry, server, get } = await open(create);
    await ask(server, "DELETE", `/v2/a/b/blobs/${digest}`);
    await put(registry, bytes);
    expect((await get()).body).toEqual(bytes);
  });
});

describe("blobs that can be had where they are stored", () => {
  const location = "https://store.example/object?signature=secret";
  function createElsewhere(): Registry {
    const driver = createMemoryDriver();
    const locate: StorageDriver["blobs"]["locate"] = async (of) => (of === digest ? location : undefined);
    return createRegistry({ ...driver, blobs: { ...driver.blobs, locate } });
  }

  test("are redirected to, and nobody keeps the answer", async () => {
    const { get } = await open(createElsewhere);
    const { status, headers, body } = await get({ range: "bytes=2-4" });
    expect([status, headers.location, headers["cache-control"]]).toEqual([307, location, "no-store"]);
    expect([headers["docker-content-digest"], body.byteLength]).toEqual([digest, 0]);
  });

  test("are described here", async () => {
    const { head, get } = await open(createElsewhere);
    expect((await head()).headers["content-length"]).toBe("10");
    expect((await get({ "if-none-match": `"${digest}"` })).status).toBe(304);
  });

  test("are sent from here where the store knows no place", async () => {
    const { get } = await open(createElsewhere);
    expect((await get({}, empty)).status).toBe(200);
  });

  test("are not redirected to from a repository that does not have them (CVE-2024-39897)", async () => {
    const { server } = await open(createElsewhere);
    expect((await ask(server, "GET", `/v2/other/blobs/${digest}`)).status).toBe(404);
  });

  test("are found through what stands on the registry", async () => {
    const registry = createElsewhere();
    await put(registry, bytes, "a/b");
    for (const repository of [readOnly(registry).repository("a/b"), sub(registry, "a").repository("b")]) {
      expect(await repository.locator?.locateBlob(digest)).toBe(location);
    }
  });
});
