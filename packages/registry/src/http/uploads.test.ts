import { bytesOf, digestOf, MemoryRegistry, type Digest, type Registry } from "@drayage/oci";
import { describe, expect, test } from "vitest";
import { ask, registries, serve, type Answered } from "../../fixture/serve.ts";

const bytes = Buffer.from("0123456789abcdefghij");
const digest = digestOf(bytes);
const wrong = digestOf(Buffer.from("wrong"));
const uploads = "/v2/a/b/blobs/uploads/";

async function open(create: () => Registry) {
  const registry = create();
  const server = await serve(registry);
  const start = async (): Promise<string> => locationOf(await ask(server, "POST", uploads));
  const chunk = (location: string, range: string | undefined, body: Uint8Array) =>
    ask(server, "PATCH", location, {
      body,
      headers: range === undefined ? {} : { "content-range": range },
    });
  const close = (location: string, of: Digest | string = digest, asked = {}) =>
    ask(server, "PUT", `${location}?digest=${of}`, asked);
  const read = (of = digest, name = "a/b") => ask(server, "GET", `/v2/${name}/blobs/${of}`);
  return { registry, server, start, chunk, close, read };
}

function locationOf({ headers }: Answered): string {
  return headers.location ?? "";
}

function put(registry: Registry, name: string) {
  const descriptor = { mediaType: "application/octet-stream", digest, size: bytes.byteLength };
  return registry.repository(name).putBlob(descriptor, async () => bytesOf(bytes));
}

describe.each(registries)("uploads to %s", (_name, create) => {
  test.each([uploads, uploads.slice(0, -1)])("POST %s is 202 with the place to upload to", async (target) => {
    const { server } = await open(create);
    const { status, headers } = await ask(server, "POST", target, {
      headers: { host: "evil.example", "x-forwarded-host": "evil.example", forwarded: "host=evil.example" },
    });
    expect(status).toBe(202);
    expect(headers).toMatchObject({ range: "0-0", "content-length": "0" });
    expect(headers.location).toBe(`${uploads}${String(headers["docker-upload-uuid"])}`);
    expect(headers["docker-upload-uuid"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("POST, then PUT with the whole blob, is 201 with its location and digest", async () => {
    const { start, close, read } = await open(create);
    const { status, headers } = await close(await start(), digest, { body: bytes });
    expect(status).toBe(201);
    expect(headers).toMatchObject({
      location: `/v2/a/b/blobs/${digest}`,
      "docker-content-digest": digest,
      "content-length": "0",
    });
    expect((await read()).body).toEqual(bytes);
  });

  test("a streamed PATCH without a length, then an empty PUT, is what docker and skopeo do", async () => {
    const { server, start, close, read } = await open(create);
    const location = await start();
    const patched = await ask(server, "PATCH", location, { body: bytes, chunked: true });
    expect([patched.status, patched.headers.range]).toEqual([202, "0-19"]);
    const headers = { "content-length": "0", "content-type": "application/octet-stream" };
    expect((await close(locationOf(patched), digest, { headers })).status).toBe(201);
    expect((await read()).body).toEqual(bytes);
  });

  test("chunks in order are 202 with the last byte received, and the last one may come with the PUT", async () => {
    const { start, chunk, close, read } = await open(create);
    const location = await start();
    const first = await chunk(location, "0-4", bytes.subarray(0, 5));
    expect([first.status, first.headers.range]).toEqual([202, "0-4"]);
    expect(first.headers).toMatchObject({
      location,
      "content-length": "0",
      "docker-upload-uuid": location.slice(uploads.length),
    });
    expect((await chunk(location, "bytes 5-9/*", bytes.subarray(5, 10))).headers.range).toBe("0-9");
    const last = { body: bytes.subarray(10), headers: { "content-range": "10-19" } };
    expect((await close(location, digest, last)).status).toBe(201);
    expect((await read()).body).toEqual(bytes);
  });

  test.each([
    ["ahead of the first byte", "5-9", 0],
    ["ahead", "15-19", 10],
    ["repeated", "0-4", 10],
    ["rewound", "5-9", 10],
  ])("a chunk that is %s is 416, and the upload goes on where it was", async (_case, range, offset) => {
    const { server, start, chunk, close, read } = await open(create);
    const location = await start();
    if (offset > 0) await chunk(location, `0-${offset - 1}`, bytes.subarray(0, offset));
    const refused = await chunk(location, range, bytes.subarray(0, 5));
    const at = `0-${Math.max(offset - 1, 0)}`;
    expect([refused.status, refused.codes]).toEqual([416, ["BLOB_UPLOAD_INVALID"]]);
    expect(refused.headers).toMatchObject({ location, range: at });
    const state = await ask(server, "GET", location);
    expect([state.status, state.headers.range]).toEqual([204, at]);
    const rest = { body: bytes.subarray(offset), headers: { "content-range": `${offset}-19` } };
    expect((await close(locationOf(state), digest, rest)).status).toBe(201);
    expect((await read()).body).toEqual(bytes);
  });

  test("a closing PUT out of order is 416 too, and the upload survives it", async () => {
    const { start, chunk, close, read } = await open(create);
    const location = await start();
    await chunk(location, "0-9", bytes.subarray(0, 10));
    const early = { body: bytes.subarray(15), headers: { "content-range": "15-19" } };
    const refused = await close(location, digest, early);
    expect([refused.status, refused.headers.range]).toEqual([416, "0-9"]);
    const rest = { body: bytes.subarray(10), headers: { "content-range": "10-19" } };
    expect((await close(location, digest, rest)).status).toBe(201);
    expect((await read()).body).toEqual(bytes);
  });

  test.each(["5", "a-b", "9-5", "-5", "0-4, 5-9"])(
    "Content-Range: %s is 400 BLOB_UPLOAD_INVALID",
    async (range) => {
      const { start, chunk } = await open(create);
      const { status, codes } = await chunk(await start(), range, bytes.subarray(0, 5));
      expect([status, codes]).toEqual([400, ["BLOB_UPLOAD_INVALID"]]);
    },
  );

  test("a Content-Length that is not the length of the range is 400 SIZE_INVALID, nothing applied", async () => {
    const { server, start, chunk } = await open(create);
    const location = await start();
    const { status, codes } = await chunk(location, "0-9", bytes.subarray(0, 5));
    expect([status, codes]).toEqual([400, ["SIZE_INVALID"]]);
    expect((await ask(server, "GET", location)).headers.range).toBe("0-0");
  });

  test.each([
    ["more", 10],
    ["less", 3],
  ])(
    "a chunk of unknown length that has %s bytes than its range is 400 SIZE_INVALID",
    async (_case, size) => {
      const { server, start } = await open(create);
      const { status, codes } = await ask(server, "PATCH", await start(), {
        body: bytes.subarray(0, size),
        chunked: true,
        headers: { "content-range": "0-4" },
      });
      expect([status, codes]).toEqual([400, ["SIZE_INVALID"]]);
    },
  );

  test("GET and HEAD of an upload are 204 with its place and range, and no Content-Length", async () => {
    const { server, start, chunk } = await open(create);
    const location = await start();
    await chunk(location, undefined, bytes);
    for (const method of ["GET", "HEAD"]) {
      const { status, headers } = await ask(server, method, location);
      expect([status, headers.range, headers.location]).toEqual([204, "0-19", location]);
      expect(headers["content-length"]).toBeUndefined();
    }
  });

  test("DELETE of an upload is 204, and then it is unknown", async () => {
    const { server, start, chunk, close } = await open(create);
    const location = await start();
    await chunk(location, undefined, bytes);
    expect((await ask(server, "DELETE", location)).status).toBe(204);
    for (const answer of [
      await ask(server, "GET", location),
      await ask(server, "DELETE", location),
      await chunk(location, undefined, bytes),
      await close(location, digest, { body: bytes }),
    ]) {
      expect([answer.status, answer.codes]).toEqual([404, ["BLOB_UPLOAD_UNKNOWN"]]);
    }
  });

  test("an upload of another repository is BLOB_UPLOAD_UNKNOWN", async () => {
    const { server, start } = await open(create);
    const elsewhere = (await start()).replace("/a/b/", "/a/c/");
    expect((await ask(server, "GET", elsewhere)).codes).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
  });

  test.each(["nonsense", "..%2f..%2fetc", "00000000-0000-0000-0000-000000000000"])(
    "an upload that never was is 404: %s",
    async (id) => {
      const { server } = await open(create);
      expect((await ask(server, "PATCH", `${uploads}${id}`, { body: "x" })).status).toBe(404);
      expect((await ask(server, "GET", `${uploads}${id}`)).status).toBe(404);
    },
  );

  test.each(["", "?digest=", "?digest=sha256:baddigeststring", "?digest=md5:00"])(
    "a closing PUT with %j is 400 DIGEST_INVALID, and the upload is kept",
    async (query) => {
      const { server, start, close } = await open(create);
      const location = await start();
      const refused = await ask(server, "PUT", `${location}${query}`, { body: bytes });
      expect([refused.status, refused.codes]).toEqual([400, ["DIGEST_INVALID"]]);
      expect((await close(location, digest, { body: bytes })).status).toBe(201);
    },
  );

  test("a digest that the bytes do not have is 400 DIGEST_INVALID, nothing is stored and the upload is over", async () => {
    const { server, start, close, read } = await open(create);
    const location = await start();
    const refused = await close(location, wrong, { body: bytes });
    expect([refused.status, refused.codes]).toEqual([400, ["DIGEST_INVALID"]]);
    expect((await read(wrong)).status).toBe(404);
    expect((await read()).status).toBe(404);
    expect((await ask(server, "GET", location)).status).toBe(404);
  });

  test("an upload can be closed under a sha512 digest, whatever it was started with", async () => {
    const { server, start, chunk, close, read } = await open(create);
    const long = digestOf(bytes, "sha512");
    const plain = await start();
    await chunk(plain, undefined, bytes);
    const { status, headers } = await close(plain, long);
    expect([status, headers["docker-content-digest"]]).toEqual([201, long]);
    expect((await read(long)).body).toEqual(bytes);
    const started = await ask(server, "POST", `${uploads}?digest-algorithm=sha512`);
    expect((await close(locationOf(started), long, { body: bytes })).status).toBe(201);
  });

  test("an upload can be closed under sha256 though it was started for sha512", async () => {
    const { server, close } = await open(create);
    const started = await ask(server, "POST", `${uploads}?digest-algorithm=sha512`);
    expect((await close(locationOf(started), digest, { body: bytes })).status).toBe(201);
    const another = await ask(server, "POST", `${uploads}?digest-algorithm=sha512`);
    expect((await close(locationOf(another), wrong, { body: bytes })).codes).toEqual(["DIGEST_INVALID"]);
  });

  test("an unsupported digest-algorithm is 400", async () => {
    const { server } = await open(create);
    const { status, codes } = await ask(server, "POST", `${uploads}?digest-algorithm=md5`);
    expect([status, codes]).toEqual([400, ["DIGEST_INVALID"]]);
  });

  test("the empty blob can be uploaded", async () => {
    const { start, close, read } = await open(create);
    const empty = digestOf(Buffer.alloc(0));
    expect((await close(await start(), empty)).status).toBe(201);
    expect((await read(empty)).headers["content-length"]).toBe("0");
  });

  test("POST with a digest and the whole blob is 201", async () => {
    const { server, read } = await open(create);
    const { status, headers } = await ask(server, "POST", `${uploads}?digest=${digest}`, { body: bytes });
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: `/v2/a/b/blobs/${digest}`, "docker-content-digest": digest });
    expect((await read()).body).toEqual(bytes);
  });

  test.each(["sha256:bad", wrong])("POST with the digest %s of other bytes stores nothing", async (of) => {
    const { server, read } = await open(create);
    const { status, codes } = await ask(server, "POST", `${uploads}?digest=${of}`, { body: bytes });
    expect([status, codes]).toEqual([400, ["DIGEST_INVALID"]]);
    expect((await read()).status).toBe(404);
  });

  test("a mount is 201 with the location in this repository", async () => {
    const { registry, server, read } = await open(create);
    await put(registry, "a/source");
    const { status, headers } = await ask(server, "POST", `${uploads}?mount=${digest}&from=a/source`);
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: `/v2/a/b/blobs/${digest}`, "docker-content-digest": digest });
    expect((await read()).body).toEqual(bytes);
  });

  test("a mount without a source takes the blob from any repository", async () => {
    const { registry, server, read } = await open(create);
    await put(registry, "a/source");
    expect((await ask(server, "POST", `${uploads}?mount=${digest}`)).status).toBe(201);
    expect((await read()).body).toEqual(bytes);
  });

  test("what cannot be mounted is to be uploaded: 202 and a session, whatever the reason (S3)", async () => {
    const { registry, server, close } = await open(create);
    await put(registry, "a/source");
    for (const query of [
      `mount=${wrong}`,
      `mount=${wrong}&from=a/source`,
      `mount=${digest}&from=a/nobody`,
      `mount=${digest}&from=../etc`,
      "from=a/source",
    ]) {
      const { status, headers } = await ask(server, "POST", `${uploads}?${query}`);
      expect([query, status, headers.range]).toEqual([query, 202, "0-0"]);
      expect((await close(headers.location ?? "", digest, { body: bytes })).status).toBe(201);
      await registry.repository("a/b").deleteBlob(digest);
    }
  });

  test("a mount of what is no digest is 400", async () => {
    const { server } = await open(create);
    const { status, codes } = await ask(server, "POST", `${uploads}?mount=sha256:bad&from=a/source`);
    expect([status, codes]).toEqual([400, ["DIGEST_INVALID"]]);
  });

  test("a deleted blob cannot be mounted back from nowhere (S2)", async () => {
    const { registry, server } = await open(create);
    await put(registry, "a/source");
    await registry.repository("a/source").deleteBlob(digest);
    expect((await ask(server, "POST", `${uploads}?mount=${digest}`)).status).toBe(202);
  });
});

test("an upload whose chunks have a least length says so with OCI-Chunk-Min-Length, and no other does", async () => {
  const registry = new MemoryRegistry();
  const demanding: Registry = {
    listRepositories: (list) => registry.listRepositories(list),
    repository(name) {
      const repository = registry.repository(name);
      const begin = async () => Object.assign(await repository.openUpload(), { minChunk: 5_242_880 });
      return Object.assign(registry.repository(name), { openUpload: begin });
    },
  };
  const started = await ask(await serve(demanding), "POST", uploads);
  expect([started.status, started.headers["oci-chunk-min-length"]]).toEqual([202, "5242880"]);
  const usual = await ask(await serve(registry), "POST", uploads);
  expect([usual.status, usual.headers["oci-chunk-min-length"]]).toEqual([202, undefined]);
});
