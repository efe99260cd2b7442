import { createBlob, bytesOfBlob, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import type { HostOptions } from "../options.ts";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";

const blob = createBlob({ size: 300_000, seed: 3 });
const next = createBlob({ size: 300_000, seed: 4 });
const session = "/v2/library/app/blobs/uploads/*-*";

async function openWith(rules: readonly ScriptRule[], quirks: HostOptions["quirks"] = {}): Promise<Opened> {
  return openScripted({ script: rules }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true, quirks } },
  }));
}

/** The refusal of the first `count` bodies that come by `method`. */
function tooLarge(method: string, count: number): ScriptRule {
  const nth = Array.from({ length: count }, (_each, index) => index + 1);
  return { method, path: session, nth, answer: { status: 413 } };
}

const methods = ({ server }: Opened): readonly string[] =>
  server.ledger.map(({ method, status }) => `${method} ${status}`);

const chunks = ({ server }: Opened): readonly (string | undefined)[] =>
  server.ledger.filter(({ method }) => method === "PATCH").map(({ headers }) => headers["content-range"]);

/** Puts both blobs, the second one when what the first one showed can be known. */
async function putBoth(opened: Opened): Promise<{ readonly first: readonly string[] }> {
  await opened.repository.putBlob(blob.descriptor, blob.open);
  const first = methods(opened);
  opened.server.clearLedger();
  await opened.repository.putBlob(next.descriptor, next.open);
  const { blobs } = opened.server.content.repository("library/app");
  for (const each of [blob, next]) {
    expect(Buffer.compare(blobs.get(each.descriptor.digest) ?? Buffer.of(), await bytesOfBlob(each))).toBe(0);
  }
  return { first };
}

describe("a registry that refuses the closing PUT", () => {
  it("with 405 gets one PATCH, from then on at once", async () => {
    const refusal: ScriptRule = { method: "PUT", path: session, nth: 1, answer: { status: 405 } };
    await using opened = await openWith([refusal]);
    const { first } = await putBoth(opened);
    expect(first).toEqual(["POST 202", "PUT 405", "GET 204", "PATCH 202", "PUT 201"]);
    expect(methods(opened)).toEqual(["POST 202", "PATCH 202", "PUT 201"]);
    expect(chunks(opened)).toEqual([undefined]);
  });

  it("with 404 gets one PATCH when it has done so twice, for once a session may be lost", async () => {
    const refusal: ScriptRule = { method: "PUT", path: session, nth: [1, 2], answer: { status: 404 } };
    await using opened = await openWith([refusal]);
    const { first } = await putBoth(opened);
    expect(first.filter((line) => line.startsWith("P"))).toEqual([
      "POST 202",
      "PUT 404",
      "POST 202",
      "PUT 404",
      "POST 202",
      "PATCH 202",
      "PUT 201",
    ]);
    expect(methods(opened)).toEqual(["POST 202", "PATCH 202", "PUT 201"]);
  });

  it("with 404 once gets the next one as before", async () => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, answer: { status: 404 } }]);
    await putBoth(opened);
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
  });

  it("and a PATCH of all gets chunks, from then on at once", async () => {
    await using opened = await openWith([
      { method: "PUT", path: session, nth: 1, answer: { status: 405 } },
      { method: "PATCH", path: session, nth: 1, answer: { status: 405 } },
    ]);
    await putBoth(opened);
    expect(chunks(opened)).toEqual(["0-299999"]);
    expect(methods(opened)).toEqual(["POST 202", "PATCH 202", "PUT 201"]);
  });

  it("altogether fails with its refusal", async () => {
    await using opened = await openWith(
      ["PUT", "PATCH"].map((method) => ({ method, path: session, answer: { status: 405 } })),
    );
    const error = await errorOf(opened.repository.putBlob(blob.descriptor, blob.open));
    expect(error).toMatchObject({ code: "UNSUPPORTED", status: 405 });
    opened.server.script([]);
    opened.server.clearLedger();
    await opened.repository.putBlob(blob.descriptor, blob.open);
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
  });

  it("by cutting it, twice at the same byte, gets a PATCH, but only this time", async () => {
    await using opened = await openWith([
      { method: "PUT", path: session, nth: [1, 2], takeOnly: 1000, change: forgotten },
    ]);
    const { first } = await putBoth(opened);
    expect(first.filter((line) => /^P(UT|ATCH)/.test(line))).toEqual([
      "PUT 0",
      "PUT 0",
      "PATCH 202",
      "PUT 201",
    ]);
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);

    function forgotten<Answer>(answer: Answer): Answer {
      opened.server.content.repository("library/app").uploads.clear();
      return answer;
    }
  });
});

describe("a registry that finds a body too large", () => {
  it("gets chunks, and blobs that are smaller in one PUT as ever", async () => {
    await using opened = await openWith([tooLarge("PUT", 1)]);
    const { first } = await putBoth(opened);
    expect(first.slice(0, 3)).toEqual(["POST 202", "PUT 413", "GET 204"]);
    expect(chunks(opened)).toEqual(["0-299999"]);
    opened.server.clearLedger();
    const small = createBlob({ size: 100_000, seed: 5 });
    await opened.repository.putBlob(small.descriptor, small.open);
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
  });

  it("gets chunks that are small enough, from then on at once", async () => {
    await using opened = await openWith([tooLarge("PUT", 1), tooLarge("PATCH", 2)]);
    await putBoth(opened);
    expect(chunks(opened)).toEqual(["0-74999", "75000-149999", "150000-224999", "225000-299999"]);
  });

  it("gets no chunks smaller than it says that they must be (OCI-Chunk-Min-Length)", async () => {
    const headers = { "oci-chunk-min-length": "200000" };
    await using opened = await openWith([
      { method: "POST", path: "/v2/library/app/blobs/uploads/", headers },
      tooLarge("PUT", 1),
      tooLarge("PATCH", 2),
    ]);
    const error = await errorOf(opened.repository.putBlob(blob.descriptor, blob.open));
    expect(error).toMatchObject({ status: 413 });
    expect(chunks(opened)).toEqual(["0-299999"]);
  });

  it("gets one PATCH where one chunk is all there is", async () => {
    await using opened = await openWith([tooLarge("PUT", 1)], { chunks: "one" });
    await putBoth(opened);
    expect(methods(opened)).toEqual(["POST 202", "PATCH 202", "PUT 201"]);
  });
});

it("chunks of a blob are as large as OCI-Chunk-Min-Length wants them, in every session", async () => {
  const headers = { "oci-chunk-min-length": "150000" };
  const open = { method: "POST", path: "/v2/library/app/blobs/uploads/", headers };
  await using opened = await openWith([open], { maxPut: 1, maxChunk: 1000 });
  await putBoth(opened);
  expect(chunks(opened)).toEqual(["0-149999", "150000-299999"]);
});

it("C11 a chunk that a registry wants larger than what is held in memory is LIMIT_EXCEEDED", async () => {
  const headers = { "oci-chunk-min-length": String(2 ** 40) };
  const open = { method: "POST", path: "/v2/library/app/blobs/uploads/", headers };
  await using opened = await openWith([open], { maxPut: 1 });
  const error = await errorOf(opened.repository.putBlob(blob.descriptor, blob.open));
  expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
});
