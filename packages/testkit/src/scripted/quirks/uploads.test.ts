import { describe, expect, it } from "vitest";
import { blob, openQuirky, uploads } from "../../../fixture/quirky.ts";
import { bytesOfBlob } from "../../fixture/blob.ts";

const { digest: blobDigest } = blob.descriptor;

describe("uploads", () => {
  it("upload patch: all bytes in the closing PUT are refused", async () => {
    const { begin, chunk, send } = await openQuirky({ upload: "patch" });
    const put = { method: "PUT", body: await bytesOfBlob(blob) } as const;
    expect(await send(`${await begin()}?digest=${blobDigest}`, put)).toMatchObject({ status: 400 });
    const location = await begin();
    expect(await chunk(location, "x")).toMatchObject({ status: 202 });
  });

  it("maxPut: a larger closing PUT is refused", async () => {
    const { begin, send } = await openQuirky({ maxPut: 99 });
    const put = { method: "PUT", body: await bytesOfBlob(blob) } as const;
    expect(await send(`${await begin()}?digest=${blobDigest}`, put)).toMatchObject({ status: 413 });
  });

  it("chunks one: the second chunk is refused", async () => {
    const { begin, chunk } = await openQuirky({ chunks: "one" });
    const location = await begin();
    expect(await chunk(location, "a")).toMatchObject({ status: 202 });
    expect(await chunk(location, "b")).toMatchObject({ status: 400 });
  });

  it("minChunk: a small chunk must be the last", async () => {
    const { begin, chunk } = await openQuirky({ minChunk: 3 });
    const location = await begin();
    expect(await chunk(location, "abc")).toMatchObject({ status: 202 });
    expect(await chunk(location, "d")).toMatchObject({ status: 202 });
    expect(await chunk(location, "efg")).toMatchObject({ status: 400 });
  });

  it("maxChunk: a larger chunk is refused", async () => {
    const { begin, chunk } = await openQuirky({ maxChunk: 3 });
    expect(await chunk(await begin(), "abcd")).toMatchObject({ status: 416 });
    expect(await chunk(await begin(), "abc")).toMatchObject({ status: 202 });
  });

  it("chunkStatus 201 and uploadRange first-chunk: the answer does not tell how far it is", async () => {
    const { begin, chunk, send } = await openQuirky({ chunkStatus: 201, uploadRange: "first-chunk" });
    const location = await begin();
    expect(await chunk(location, "abc")).toMatchObject({ status: 201, headers: { range: "0-2" } });
    expect(await chunk(location, "de", { "content-range": "3-4" })).toMatchObject({
      status: 201,
      headers: { range: "0-2" },
    });
    expect(await send(location)).toMatchObject({ status: 204, headers: { range: "0-2" } });
  });

  it("uploadState: only the newest URL is worth something", async () => {
    const { begin, chunk } = await openQuirky({ uploadState: true });
    const first = await begin();
    const { headers } = await chunk(first, "abc");
    const second = String(headers["location"]);
    expect(second).not.toBe(first);
    expect(await chunk(first, "def")).toMatchObject({ status: 400 });
    expect(await chunk(second, "def")).toMatchObject({ status: 202 });
  });

  it("uploadType: bytes of another type are refused", async () => {
    const { begin, chunk } = await openQuirky({ uploadType: true });
    const location = await begin();
    expect(await chunk(location, "abc")).toMatchObject({ status: 415 });
    const headers = { "content-type": "application/octet-stream" };
    expect(await chunk(location, "abc", headers)).toMatchObject({ status: 202 });
  });

  it("headerBytes: a new upload is answered with long headers", async () => {
    const { send } = await openQuirky({ headerBytes: 20_000 });
    const { headers } = await send(uploads, { method: "POST" });
    expect(JSON.stringify(headers).length).toBeGreaterThan(20_000);
  });
});
