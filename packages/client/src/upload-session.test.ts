import { bytesOf } from "@drayage/oci";
import { bytesOfBlob, createBlob, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import type { HostOptions } from "./options.ts";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

const blob = createBlob({ size: 10_000, seed: 5 });
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
    await session.commit(blob.descriptor.digest);
    expect(await opened.repository.headBlob(blob.descriptor.digest)).toMatchObject({ size: 10_000 });
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
    await session.commit(blob.descriptor.digest);
  });

  it("repeats a chunk that did not arrive", async () => {
    await using opened = await openWith([{ method: "PATCH", path, nth: 1, takeOnly: 10 }]);
    const session = await opened.repository.openUpload();
    expect(await session.append(await blob.open(0))).toBe(10_000);
    await session.commit(blob.descriptor.digest);
    expect(await opened.repository.headBlob(blob.descriptor.digest)).toBeDefined();
  });

  it("counts what was taken, even if the registry reports less (aws/containers-roadmap#2831)", async () => {
    await using opened = await openWith([{ method: "PATCH", path, headers: { range: "0-9" } }], {
      maxChunk: 4000,
    });
    const session = await opened.repository.openUpload();
    expect(await session.append(await blob.open(0))).toBe(10_000);
  });
});

it("a session goes on by its id, in another client", async () => {
  await using opened = await openWith([]);
  const session = await opened.repository.openUpload();
  const bytes = await bytesOfBlob(blob);
  await session.append(bytesOf(bytes.subarray(0, 6000)));
  const id: unknown = JSON.parse(JSON.stringify(session.id));
  const again = await opened.repository.openUpload({ id: String(id) });
  expect(again.offset).toBe(6000);
  await again.append(bytesOf(bytes.subarray(6000)));
  expect(await again.commit(blob.descriptor.digest)).toMatchObject(blob.descriptor);
});

it.each(["https://evil.example/#x", "http://user@registry.test/", "//evil.example\\x"])(
  "the id %s is refused",
  async (id) => {
    await using opened = await openWith([]);
    expect(await errorOf(opened.repository.openUpload({ id }))).toMatchObject({ code: "URL_REFUSED" });
  },
);
