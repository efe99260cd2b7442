import { bytesOf, OciError, verified, type OpenBlob } from "@drayage/oci";
import { bytesOfBlob, createBlob, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import type { HostOptions } from "../options.ts";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";

const blob = createBlob({ size: 300_000, seed: 3 });
const { descriptor } = blob;
const { digest } = descriptor;
const uploads = "/v2/library/app/blobs/uploads/";
const gone = '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}';

/** What was asked, without identifiers. */
function methods({ server }: Opened): readonly string[] {
  return server.ledger.map(({ method, status }) => `${method} ${status}`);
}

async function openWith(rules: readonly ScriptRule[] = [], host: HostOptions = {}): Promise<Opened> {
  return openScripted({ script: rules, origins: ["registry.test", "evil.test"] }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true, ...host } },
  }));
}

describe("requests of putBlob", () => {
  it("a blob that is not there: POST and PUT", async () => {
    await using opened = await openWith();
    expect(await opened.repository.putBlob(descriptor, blob.open)).toBe("uploaded");
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
    expect(opened.requests()[0]).toContain(`mount=${encodeURIComponent(digest)}&from=library%2Fapp`);
    expect(opened.server.ledger[1]?.headers).toMatchObject({ "content-length": "300000" });
  });

  it("blobs that are there: one POST each, and one HEAD in all to see that they really are", async () => {
    await using opened = await openWith();
    await opened.repository.putBlob(descriptor, blob.open);
    opened.server.clearLedger();
    for (const _time of [1, 2, 3]) {
      expect(await opened.repository.putBlob(descriptor, blob.open)).toBe("present");
    }
    expect(methods(opened)).toEqual(["POST 201", "HEAD 200", "POST 201", "POST 201"]);
  });

  it("blobs that are there and are put at once: one POST each, and still one HEAD in all", async () => {
    await using opened = await openWith();
    const blobs = [1, 2, 3, 4].map((seed) => createBlob({ size: 100, seed }));
    const { server, repository } = opened;
    for (const one of blobs) {
      server.content.repository("library/app").blobs.set(one.descriptor.digest, await bytesOfBlob(one));
    }
    const put = await Promise.all(blobs.map((one) => repository.putBlob(one.descriptor, one.open)));
    expect(put).toEqual(["present", "present", "present", "present"]);
    expect(methods(opened).toSorted()).toEqual(["HEAD 200", ...Array<string>(4).fill("POST 201")]);
  });

  it("a blob of another repository: one POST", async () => {
    await using opened = await openWith();
    const other = opened.client.registry(opened.server.host()).repository("other");
    await other.putBlob(descriptor, blob.open);
    opened.server.clearLedger();
    expect(await opened.repository.putBlob(descriptor, blob.open, { mountFrom: "other" })).toBe("mounted");
    expect(methods(opened)).toEqual(["POST 201"]);
  });

  it("a mount that is not done: the session that was opened instead", async () => {
    await using opened = await openWith();
    expect(await opened.repository.putBlob(descriptor, blob.open, { mountFrom: "other" })).toBe("uploaded");
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
  });

  it("with force nothing is asked", async () => {
    await using opened = await openWith();
    await opened.repository.putBlob(descriptor, blob.open);
    opened.server.clearLedger();
    expect(await opened.repository.putBlob(descriptor, blob.open, { force: true })).toBe("uploaded");
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
    expect(opened.requests()[0]).toBe(`POST ${uploads}`);
  });

  it("by PATCH and PUT where the quirks say so", async () => {
    await using opened = await openWith([], { quirks: { upload: "patch", existence: "head" } });
    await opened.repository.putBlob(descriptor, blob.open);
    expect(methods(opened)).toEqual(["HEAD 404", "POST 202", "PATCH 202", "PUT 201"]);
  });
});

describe("a registry that does not answer self-mounts as specified", () => {
  it.each([400, 401, 403, 404, 405])("with %d is asked by HEAD from then on", async (status) => {
    await using opened = await openWith([{ method: "POST", path: uploads, nth: 1, answer: { status } }]);
    await opened.repository.putBlob(descriptor, blob.open);
    expect(methods(opened)).toEqual([`POST ${status}`, "HEAD 404", "POST 202", "PUT 201"]);
    opened.server.clearLedger();
    expect(await opened.repository.putBlob(descriptor, blob.open)).toBe("present");
    expect(methods(opened)).toEqual(["HEAD 200"]);
  });

  it("but grants each one is found out, and asked by HEAD from then on", async () => {
    const answer = { status: 201, headers: { location: `/v2/library/app/blobs/${digest}` } };
    await using opened = await openWith([{ method: "POST", path: uploads, nth: 1, answer }]);
    expect(await opened.repository.putBlob(descriptor, blob.open)).toBe("uploaded");
    expect(methods(opened)).toEqual(["POST 201", "HEAD 404", "POST 202", "PUT 201"]);
  });

  it("whose uploads fail altogether is not blamed for the mount", async () => {
    await using opened = await openWith([{ method: "POST", path: uploads, answer: { status: 403 } }]);
    expect(await errorOf(opened.repository.putBlob(descriptor, blob.open))).toMatchObject({ code: "DENIED" });
    opened.server.script([]);
    opened.server.clearLedger();
    await opened.repository.putBlob(descriptor, blob.open);
    expect(methods(opened)).toEqual(["POST 202", "PUT 201"]);
  });
});

/** A source that notes from where it is opened. */
function noted(): { readonly open: OpenBlob; readonly offsets: number[] } {
  const offsets: number[] = [];
  const open: OpenBlob = (offset, options) => {
    offsets.push(offset);
    return blob.open(offset, options);
  };
  return { open, offsets };
}

async function expectStored({ server }: Opened): Promise<void> {
  const stored = server.content.repository("library/app").blobs.get(digest);
  expect(Buffer.compare(stored ?? new Uint8Array(), await bytesOfBlob(blob))).toBe(0);
}

describe("an upload that fails on the way", () => {
  const session = `${uploads}*`;

  it("closes its source, even where it did not come to be sent", async () => {
    await using opened = await openWith([]);
    let closed = 0;
    const open: OpenBlob = async (offset, options) => {
      await opened.client.close();
      const chunks = (await blob.open(offset, options))[Symbol.asyncIterator]();
      const close = async () => ({ done: true, value: closed++ }) as const;
      return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next(), return: close }) };
    };
    const error = await errorOf(opened.repository.putBlob(descriptor, open));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(closed).toBeGreaterThan(0);
  });

  it("goes on from where the registry says that it is", async () => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, takeOnly: 100_000 }]);
    const { open, offsets } = noted();
    expect(await opened.repository.putBlob(descriptor, open)).toBe("uploaded");
    expect(offsets).toEqual([0, 100_000]);
    expect(methods(opened)).toEqual(["POST 202", "PUT 0", "GET 204", "PUT 201"]);
    expect(opened.server.ledger.at(-1)?.headers).toMatchObject({
      "content-range": "100000-299999",
      "content-length": "200000",
    });
    await expectStored(opened);
  });

  it.each<[string, Omit<ScriptRule, "path">]>([
    ["503", { answer: { status: 503 } }],
    ["401 of a token that has ended", { answer: { status: 401 } }],
  ])("by %s goes on in the same session", async (_what, action) => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, ...action }]);
    const { open, offsets } = noted();
    await opened.repository.putBlob(descriptor, open);
    expect(offsets).toEqual([0, 0]);
    expect(methods(opened).filter((line) => line.startsWith("POST"))).toHaveLength(1);
    await expectStored(opened);
  });

  it.each<[string, Omit<ScriptRule, "path">]>([
    ["404 of a session that is gone", { answer: { status: 404 } }],
    ["416 where it was right", { answer: { status: 416 } }],
    ["a reset, its session gone (distribution 2.8)", { takeOnly: 1000, answer: { status: 400, body: gone } }],
  ])("by %s begins again in a new session, from the start", async (_what, action) => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, ...action }]);
    const { open, offsets } = noted();
    await opened.repository.putBlob(descriptor, open);
    expect(offsets).toEqual([0, 0]);
    expect(methods(opened).filter((line) => line.startsWith("POST"))).toHaveLength(2);
    await expectStored(opened);
  });

  it("begins again however often its session is lost, as long as any request is repeated", async () => {
    const answer = { status: 404, body: gone };
    await using opened = await openWith([{ method: "PUT", path: session, nth: [1, 2, 3, 4], answer }]);
    expect(await opened.repository.putBlob(descriptor, blob.open)).toBe("uploaded");
    await expectStored(opened);
  });

  it("begins again where the registry claims more than it was sent", async () => {
    await using opened = await openWith([
      { method: "PUT", path: session, nth: 1, takeOnly: 1000 },
      { method: "GET", path: session, headers: { range: "0-399999" } },
    ]);
    const { open, offsets } = noted();
    await opened.repository.putBlob(descriptor, open);
    expect(offsets).toEqual([0, 0]);
    await expectStored(opened);
  });

  it("begins again where the status is that of the first chunk for ever (aws/containers-roadmap#2831)", async () => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, takeOnly: 100_000 }], {
      quirks: { uploadRange: "first-chunk" },
    });
    const { open, offsets } = noted();
    await opened.repository.putBlob(descriptor, open);
    expect(offsets).toEqual([0, 0]);
  });

  it("begins again where one chunk is all that a session takes", async () => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, takeOnly: 100_000 }], {
      quirks: { chunks: "one" },
    });
    const { open, offsets } = noted();
    await opened.repository.putBlob(descriptor, open);
    expect(offsets).toEqual([0, 0]);
  });

  it("goes on more often than any request is repeated, as long as it gets further", async () => {
    const large = createBlob({ size: 8_000_000, seed: 6 });
    const nth = [1, 2, 3, 4, 5, 6];
    await using opened = await openWith([{ method: "PUT", path: session, nth, takeOnly: 1_200_000 }]);
    expect(await opened.repository.putBlob(large.descriptor, large.open)).toBe("uploaded");
    const puts = opened.server.ledger.filter(({ method }) => method === "PUT");
    expect(puts.map(({ received }) => received)).toEqual([...nth.map(() => 1_200_000), 800_000]);
  });

  it("is given up if the registry wants to be left alone for longer than anybody waits", async () => {
    const answer = { status: 429, headers: { "retry-after": "3600" } };
    await using opened = await openWith([{ method: "PUT", path: session, answer }]);
    const error = await errorOf(opened.repository.putBlob(descriptor, blob.open));
    expect(error).toMatchObject({ code: "TOOMANYREQUESTS", retryAfter: 3_600_000 });
    expect(methods(opened)).toEqual(["POST 202", "PUT 429"]);
  });

  it("sends nothing twice if only the last answer was lost", async () => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, reset: true }]);
    const { open, offsets } = noted();
    expect(await opened.repository.putBlob(descriptor, open)).toBe("uploaded");
    expect(offsets).toEqual([0]);
    expect(methods(opened)).toEqual(["POST 202", "PUT 0", "GET 404", "HEAD 200"]);
  });

  it("begins again, verified from the start, if the registry finds wrong what it was sent behind a cut", async () => {
    await using opened = await openWith([{ method: "PUT", path: session, nth: 1, takeOnly: 100_000 }]);
    const offsets: number[] = [];
    const open: OpenBlob = async (offset, options) => {
      offsets.push(offset);
      return offset === 0 ? blob.open(0, options) : bytesOf(new Uint8Array(descriptor.size - offset));
    };
    await opened.repository.putBlob(descriptor, open);
    expect(offsets).toEqual([0, 100_000, 0]);
    await expectStored(opened);
  });

  it("is given up after as many tries as any request", async () => {
    await using opened = await openWith([{ method: "PUT", path: `${uploads}*`, answer: { status: 502 } }]);
    expect(await errorOf(opened.repository.putBlob(descriptor, blob.open))).toMatchObject({
      code: "UNAVAILABLE",
    });
    expect(opened.server.ledger.filter(({ method }) => method === "PUT")).toHaveLength(5);
  });

  it("asks for another session no more often than any request is sent", async () => {
    const rules = [
      { method: "PUT", path: "/v2/*/uploads/*-*", answer: { status: 404, body: gone } },
      { method: "POST", path: uploads, nth: [2, 3, 4, 5, 6, 7, 8, 9], answer: { status: 500 } },
    ];
    await using opened = await openWith(rules);
    expect(await errorOf(opened.repository.putBlob(descriptor, blob.open))).toMatchObject({ status: 500 });
    expect(methods(opened)).toEqual(["POST 202", "PUT 404", ...Array<string>(5).fill("POST 500")]);
  });

  it("sends a chunk that is refused no more often than any request", async () => {
    const refusal = { method: "PATCH", path: "/v2/*/uploads/*-*", answer: { status: 503 } };
    await using opened = await openWith([refusal], { quirks: { maxPut: 1000 } });
    expect(await errorOf(opened.repository.putBlob(descriptor, blob.open))).toMatchObject({ status: 503 });
    expect(methods(opened)).toEqual(["POST 202", ...Array<string>(5).fill("PATCH 503")]);
  });

  it("for good, such as 400, is not repeated", async () => {
    await using opened = await openWith([{ method: "PUT", path: `${uploads}*`, answer: { status: 400 } }]);
    await errorOf(opened.repository.putBlob(descriptor, blob.open));
    expect(opened.server.ledger.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });
});

describe("a source that fails", () => {
  const lost = new OciError("CONNECTION_FAILED", "the source is gone");

  it("at its opening fails the upload with its own error, once", async () => {
    await using opened = await openWith();
    expect(await errorOf(opened.repository.putBlob(descriptor, () => Promise.reject(lost)))).toBe(lost);
    expect(methods(opened)).toEqual(["POST 202"]);
  });

  it("on the way fails the upload with its own error, once", async () => {
    async function* failing() {
      yield new Uint8Array(1000);
      throw lost;
    }
    await using opened = await openWith();
    expect(await errorOf(opened.repository.putBlob(descriptor, async () => failing()))).toBe(lost);
    expect(opened.server.ledger.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("by other content is a DIGEST_MISMATCH, and nothing is stored", async () => {
    const other = createBlob({ size: descriptor.size, seed: 4 });
    await using opened = await openWith();
    const error = await errorOf(opened.repository.putBlob(descriptor, other.open));
    expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await opened.repository.headBlob(digest)).toBeUndefined();
  });

  it("is closed even if the target refuses before reading anything", async () => {
    let closed = 0;
    const open: OpenBlob = async () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: new Uint8Array(1000) }),
        async return() {
          closed++;
          return { done: true, value: undefined };
        },
      }),
    });
    await using opened = await openWith([{ method: "PUT", path: `${uploads}*`, answer: { status: 400 } }]);
    await errorOf(opened.repository.putBlob(descriptor, open));
    await expect.poll(() => closed).toBeGreaterThan(0);
  });
});

it("bytes that have been verified on their way are not hashed again, which leaves it to the registry", async () => {
  const marked = verified(bytesOf(), { digest });
  // Other content under the same mark, which only a second look would notice.
  const wrong = Object.assign(marked, {
    [Symbol.asyncIterator]: () => bytesOf(new Uint8Array(descriptor.size))[Symbol.asyncIterator](),
  });
  await using opened = await openWith();
  const error = await errorOf(opened.repository.putBlob(descriptor, async () => wrong));
  expect(error).toMatchObject({ code: "DIGEST_INVALID", status: 400 });
});

it("C8 upload Location cross-host gets the bytes, but nothing that is private to the registry", async () => {
  await using opened = await openWith([], { headers: { "x-key": "canary" } });
  const { server, repository } = opened;
  const id = server.content.openUpload("library/app");
  const location = `http://${server.host("evil.test")}/v2/library/app/blobs/uploads/${id}`;
  server.script([{ method: "POST", path: uploads, answer: { status: 202, headers: { location } } }]);
  await repository.putBlob(descriptor, blob.open);
  expect(server.ledger.map(({ origin, headers }) => [origin, headers["x-key"]])).toEqual([
    ["registry.test", "canary"],
    ["evil.test", undefined],
  ]);
});

it("an answer about another blob is a DIGEST_MISMATCH", async () => {
  const headers = { "docker-content-digest": createBlob({ size: 1 }).descriptor.digest };
  await using opened = await openWith([{ method: "PUT", path: `${uploads}*`, headers }]);
  const error = await errorOf(opened.repository.putBlob(descriptor, blob.open));
  expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
});

it("a session without a Location is refused", async () => {
  await using opened = await openWith([{ method: "POST", path: uploads, answer: { status: 202 } }]);
  const error = await errorOf(opened.repository.putBlob(descriptor, blob.open));
  expect(error).toMatchObject({ code: "RESPONSE_INVALID" });
});
