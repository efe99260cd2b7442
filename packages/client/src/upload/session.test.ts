import { bytesOf, fromStatic, putBlobStream } from "@drayage/oci";
import { bytesOfBlob, createBlob, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient } from "../client.ts";
import type { HostOptions } from "../options.ts";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";

const blob = createBlob({ size: 10_000, seed: 5 });
const { digest } = blob.descriptor;
const path = "/v2/library/app/blobs/uploads/*";

async function openWith(rules: readonly ScriptRule[], quirks: HostOptions["quirks"] = {}): Promise<Opened> {
  return openScripted({ script: rules }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true, quirks: quirks ?? {} } },
  }));
}

const sent = ({ server }: Opened): (string | undefined)[] =>
  server.ledger.filter(({ method }) => method === "PATCH").map(({ headers }) => headers["content-range"]);

describe("append", () => {
  it("sends pieces no larger than the registry takes, whatever sizes they come in", async () => {
    await using opened = await openWith([], { maxChunk: 4000 });
    const session = await opened.repository.openUpload();
    const bytes = await bytesOfBlob(blob);
    await session.append(bytesOf(bytes.subarray(0, 1), bytes.subarray(1, 9000), bytes.subarray(9000)));
    expect(sent(opened)).toEqual(["0-3999", "4000-7999", "8000-9999"]);
    await session.commit(digest);
    expect(await opened.repository.headBlob(digest)).toMatchObject({ size: 10_000 });
  });

  it("tells the least the registry wants", async () => {
    const headers = { "oci-chunk-min-length": "5000" };
    await using opened = await openWith([{ method: "POST", path, headers }], { maxChunk: 4000 });
    const session = await opened.repository.openUpload();
    expect(session.minChunk).toBe(5000);
    await session.append(await blob.open(0));
    expect(sent(opened)).toEqual(["0-4999", "5000-9999"]);
  });

  it("does not repeat a chunk whose answer alone was lost", async () => {
    await using opened = await openWith([{ method: "PATCH", path, nth: 1, reset: true }]);
    const session = await opened.repository.openUpload();
    expect(await session.append(await blob.open(0))).toBe(10_000);
    expect(sent(opened)).toHaveLength(1);
    await session.commit(digest);
  });

  it("repeats a chunk that did not arrive", async () => {
    await using opened = await openWith([{ method: "PATCH", path, nth: 1, takeOnly: 10 }]);
    const session = await opened.repository.openUpload();
    expect(await session.append(await blob.open(0))).toBe(10_000);
    await session.commit(digest);
    expect(await opened.repository.headBlob(digest)).toBeDefined();
  });

  it.each<[string, Omit<ScriptRule, "path">[]]>([
    ["is always refused", [{ method: "PATCH", answer: { status: 503 } }]],
    [
      "is always lost, by a registry that then says nothing any more",
      [
        { method: "PATCH", takeOnly: 10 },
        { method: "GET", answer: { status: 503 } },
      ],
    ],
  ])("asks no more often than any request is sent if a chunk %s", async (_what, rules) => {
    await using opened = await openWith(rules.map((rule) => ({ path, ...rule })));
    const session = await opened.repository.openUpload();
    expect(await errorOf(session.append(await blob.open(0)))).toMatchObject({ code: "UNAVAILABLE" });
    const asked = opened.server.ledger.map(({ method }) => method);
    expect(asked.filter((method) => method === (rules.length === 1 ? "PATCH" : "GET"))).toHaveLength(5);
  });

  it("counts what was taken, even if the registry reports less (aws/containers-roadmap#2831)", async () => {
    await using opened = await openWith([{ method: "PATCH", path, headers: { range: "0-9" } }], {
      maxChunk: 4000,
    });
    const session = await opened.repository.openUpload();
    expect(await session.append(await blob.open(0))).toBe(10_000);
  });
});

describe("a session", () => {
  it("goes on by its id, in another client", async () => {
    await using opened = await openWith([]);
    await using other = createClient({
      hosts: { [opened.server.host()]: { plainHttp: true } },
      network: { lookup: opened.server.lookup },
    });
    const session = await opened.repository.openUpload();
    const bytes = await bytesOfBlob(blob);
    await session.append(bytesOf(bytes.subarray(0, 6000)));
    const kept: unknown = JSON.parse(JSON.stringify({ id: session.id }));
    await opened.client.close();
    const { id } = kept as { id: string };
    const again = await other.registry(opened.server.host()).repository("library/app").openUpload({ id });
    expect(again.offset).toBe(6000);
    await again.append(bytesOf(bytes.subarray(6000)), { at: again.offset });
    expect(await again.commit(digest)).toMatchObject(blob.descriptor);
  });

  it.each([
    ["no id", ""],
    ["one that is not whole", "blobs/uploads/1"],
    ["a manifest", "/v2/library/app/manifests/v1"],
    ["a blob", `/v2/library/app/blobs/${digest}`],
    ["the registry itself", "/v2/"],
    ["an upload of another repository", "/v2/library/other/blobs/uploads/1"],
  ])("goes on with an upload only, and not with %s", async (_what, id) => {
    await using opened = await openWith([]);
    const error = await errorOf(opened.repository.openUpload({ id }));
    expect(error).toMatchObject({ code: "BLOB_UPLOAD_UNKNOWN" });
    expect(opened.requests()).toEqual([]);
  });

  it("is committed if the answer to its commit alone was lost", async () => {
    await using opened = await openWith([{ method: "PUT", path, nth: 1, reset: true }]);
    const session = await opened.repository.openUpload();
    await session.append(await blob.open(0));
    expect(await session.commit(digest)).toMatchObject(blob.descriptor);
    expect(opened.server.ledger.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  it("is not committed if its commit did not arrive, and can be committed again", async () => {
    await using opened = await openWith([
      { method: "PUT", path, nth: 1, answer: { status: 200 }, reset: true },
    ]);
    const session = await opened.repository.openUpload();
    await session.append(await blob.open(0));
    expect(await errorOf(session.commit(digest))).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(await session.commit(digest)).toMatchObject(blob.descriptor);
  });

  it("that has become the blob can be committed once more by who has its id and the digest", async () => {
    await using opened = await openWith([]);
    const session = await opened.repository.openUpload();
    const { id } = session;
    await session.append(await blob.open(0));
    await session.commit(digest);
    const again = await opened.repository.openUpload({ id, digest });
    expect(again.offset).toBe(blob.descriptor.size);
    expect(await again.commit(digest)).toMatchObject(blob.descriptor);
    const other = createBlob({ size: 1 }).descriptor.digest;
    expect(await errorOf(opened.repository.openUpload({ id, digest: other }))).toMatchObject({
      code: "BLOB_UPLOAD_UNKNOWN",
    });
  });

  it("of a registry that takes one chunk takes all of a long source in it, as it comes", async () => {
    await using opened = await openWith([], { chunks: "one", maxChunk: 4000 });
    const session = await opened.repository.openUpload();
    expect(await session.append(await blob.open(0))).toBe(10_000);
    expect(sent(opened)).toEqual([undefined]);
    expect(opened.server.ledger[1]?.headers).toMatchObject({ "transfer-encoding": "chunked" });
    expect(await session.commit(digest)).toMatchObject(blob.descriptor);
  });

  it("proves itself again in the middle of an upload when its token has ended", async () => {
    const users = { user: "secret" };
    await using opened = await openScripted({ auth: { bearer: { users } } }, (server) => ({
      hosts: { [server.host()]: { plainHttp: true } },
      credentials: fromStatic(server.host(), { username: "user", password: "secret" }),
      trustedTokenServers: { [server.host()]: [server.host("auth.test")] },
    }));
    const session = await opened.repository.openUpload();
    const bytes = await bytesOfBlob(blob);
    await session.append(bytesOf(bytes.subarray(0, 6000)));
    opened.server.revokeTokens();
    await session.append(bytesOf(bytes.subarray(6000)));
    opened.server.revokeTokens();
    expect(await session.commit(digest)).toMatchObject(blob.descriptor);
  });
});

describe("content of unknown length", () => {
  it("is sent chunk by chunk, no more of it held than the chunk under way", async () => {
    await using opened = await openWith([], { maxChunk: 4000 });
    const { server, repository } = opened;
    const chunks = (): number => server.ledger.filter(({ method }) => method === "PATCH").length;
    let produced = 0;
    async function* source() {
      for (; produced < 40_000; produced += 1000) {
        expect(produced - 4000 * chunks()).toBeLessThanOrEqual(4000);
        yield new Uint8Array(1000);
      }
    }
    expect(await putBlobStream(repository, source())).toMatchObject({ size: 40_000 });
    expect(chunks()).toBe(10);
  });

  it("whose upload fails is given up", async () => {
    await using opened = await openWith([{ method: "PATCH", path, nth: 2, answer: { status: 400 } }], {
      maxChunk: 4000,
    });
    const error = await errorOf(putBlobStream(opened.repository, await blob.open(0)));
    expect(error).toMatchObject({ status: 400 });
    expect(opened.server.content.repository("library/app").uploads.size).toBe(0);
  });
});

it.each(["https://evil.example/#x", "http://user@registry.test/", "//evil.example\\x"])(
  "the id %s is refused",
  async (id) => {
    await using opened = await openWith([]);
    expect(await errorOf(opened.repository.openUpload({ id }))).toMatchObject({ code: "URL_REFUSED" });
  },
);
