import { bytesOf, type Digest, type OpenBlob, type UploadMemory } from "@drayage/oci";
import { bytesOfBlob, createBlob, type ScriptedRegistry, type ScriptRule } from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";
import { createClient } from "../client.ts";
import type { HostOptions } from "../options.ts";

const size = 1_200_000;
const blob = createBlob({ size, seed: 5 });
const { descriptor } = blob;
const { digest } = descriptor;
const uploads = "/v2/library/app/blobs/uploads/";
const session = `${uploads}*`;

let opened: Opened;
let memory: UploadMemory & { readonly ids: ReadonlyMap<Digest, string> };

beforeEach(async () => {
  opened = await openScripted();
  memory = createMemory();
});

afterEach(() => opened[Symbol.asyncDispose]());

function createMemory(): typeof memory {
  const ids = new Map<Digest, string>();
  return {
    ids,
    get: (key) => Promise.resolve(ids.get(key)),
    set: async (key, id) => void ids.set(key, id),
    delete: async (key) => void ids.delete(key),
  };
}

/** What another process does that knows nothing but `memory`; what the registry is asked meanwhile. */
async function putElsewhere(open: OpenBlob = blob.open, host: HostOptions = {}): Promise<readonly string[]> {
  const { server } = opened;
  server.clearLedger();
  await using client = clientOf(server, host);
  await client
    .registry(server.host())
    .repository("library/app")
    .putBlob(descriptor, open, { uploads: memory });
  return methods();
}

function clientOf(server: ScriptedRegistry, host: HostOptions = {}) {
  return createClient({
    hosts: { [server.host()]: { plainHttp: true, ...host } },
    network: { lookup: server.lookup },
    retry: { attempts: 1 },
  });
}

function methods(): readonly string[] {
  return opened.server.ledger.map(({ method, status }) => `${method} ${status}`);
}

/** An upload that ends when the registry has so much of it, as does its process. */
async function putHalf(rule: Partial<ScriptRule> = { takeOnly: 1_000_000 }): Promise<void> {
  opened.server.script([{ method: "PUT", path: session, nth: 1, ...rule }]);
  await using client = clientOf(opened.server);
  const repository = client.registry(opened.server.host()).repository("library/app");
  expect(await errorOf(repository.putBlob(descriptor, blob.open, { uploads: memory }))).toMatchObject({
    code: "CONNECTION_FAILED",
  });
}

async function expectStored(): Promise<void> {
  const stored = opened.server.content.repository("library/app").blobs.get(digest);
  expect(Buffer.compare(stored ?? new Uint8Array(), await bytesOfBlob(blob))).toBe(0);
}

describe("an upload of an earlier process", () => {
  it("is remembered before it gets its first byte, and forgotten when it has become the blob", async () => {
    const seen: (string | undefined)[] = [];
    const open: OpenBlob = (offset, options) => {
      seen.push(memory.ids.get(digest));
      return blob.open(offset, options);
    };
    expect(await opened.repository.putBlob(descriptor, open, { uploads: memory })).toBe("uploaded");
    expect(seen).toEqual([expect.stringContaining(uploads)]);
    expect(memory.ids.size).toBe(0);
  });

  it("goes on where the registry has it, only the rest being sent", async () => {
    await putHalf();
    const offsets: number[] = [];
    const open: OpenBlob = (offset, options) => {
      offsets.push(offset);
      return blob.open(offset, options);
    };
    expect(await putElsewhere(open)).toEqual(["GET 204", "PUT 201"]);
    expect(offsets).toEqual([1_000_000]);
    expect(opened.server.ledger.at(-1)?.headers).toMatchObject({
      "content-length": "200000",
      "content-range": "1000000-1199999",
    });
    expect(memory.ids.size).toBe(0);
    await expectStored();
  });

  it("that has all of the blob only needs to be ended", async () => {
    await putHalf();
    const { uploads: sessions } = opened.server.content.repository("library/app");
    for (const id of sessions.keys()) sessions.set(id, await bytesOfBlob(blob));
    expect(await putElsewhere()).toEqual(["GET 204", "PUT 201"]);
    expect(opened.server.ledger.at(-1)?.headers["content-length"]).toBe("0");
    await expectStored();
  });

  it("goes on although the registry is busy at first", async () => {
    await putHalf();
    opened.server.script([{ method: "PUT", path: session, nth: 1, answer: { status: 503 } }]);
    opened.server.clearLedger();
    await opened.repository.putBlob(descriptor, blob.open, { uploads: memory });
    expect(methods()).toEqual(["GET 204", "PUT 503", "GET 204", "PUT 201"]);
    await expectStored();
  });

  it.each<[string, Partial<ScriptRule>, number]>([
    ["that the registry has forgotten", { answer: { status: 404 } }, 404],
    ["that the registry says nothing sensible of", { answer: { status: 400, body: "{" } }, 400],
    ["of which the registry claims more than there is", { headers: { range: "0-9999999" } }, 204],
    ["of which the registry has nothing", { headers: { range: "0-0" } }, 204],
  ])("%s is left, and the blob asked for and sent anew", async (_what, answer, status) => {
    await putHalf();
    opened.server.script([{ method: "GET", path: session, ...answer }]);
    expect(await putElsewhere()).toEqual([`GET ${status}`, "POST 202", "PUT 201"]);
    expect(memory.ids.size).toBe(0);
    await expectStored();
  });

  it("that holds other bytes is refused when it ends, and all of the blob sent anew", async () => {
    await putHalf();
    const { uploads: sessions } = opened.server.content.repository("library/app");
    for (const [id, bytes] of sessions) sessions.set(id, new Uint8Array(bytes.byteLength));
    opened.server.clearLedger();
    await opened.repository.putBlob(descriptor, blob.open, { uploads: memory });
    expect(methods()).toEqual(["GET 204", "PUT 400", "POST 202", "PUT 201"]);
    await expectStored();
  });

  it("is not asked for where the blob has come there by another way", async () => {
    await putHalf({ takeOnly: 0 });
    opened.server.content.repository("library/app").blobs.set(digest, await bytesOfBlob(blob));
    expect(await putElsewhere()).toEqual(["GET 204", "POST 201", "HEAD 200"]);
    expect(memory.ids.size).toBe(0);
  });

  it.each<[string, HostOptions["quirks"]]>([
    ["that takes an upload in one piece", { chunks: "one" }],
    ["that does not tell what it has (aws/containers-roadmap#2831)", { uploadRange: "first-chunk" }],
  ])("is left at a registry %s", async (_what, quirks) => {
    await putHalf();
    expect(await putElsewhere(blob.open, { quirks })).toEqual(["POST 202", "PUT 201"]);
  });

  it("follows where the registry moves it with every chunk (distribution's _state)", async () => {
    let moves = 0;
    const move: ScriptRule = {
      method: "PATCH",
      path: session,
      change: (answer) => {
        const location = `${String(answer.headers?.["location"])}?_state=${++moves}`;
        return { ...answer, headers: { ...answer.headers, location } };
      },
    };
    opened.server.script([move, { method: "PUT", path: session, answer: { status: 500 } }]);
    await using client = clientOf(opened.server, { quirks: { upload: "patch" } });
    const repository = client.registry(opened.server.host()).repository("library/app");
    await errorOf(repository.putBlob(descriptor, blob.open, { uploads: memory }));
    expect(moves).toBeGreaterThan(0);
    expect(memory.ids.get(digest)).toMatch(new RegExp(`_state=${moves}$`));
  });

  it("is forgotten when its source was not the blob: nothing of it is worth going on with", async () => {
    const open: OpenBlob = () => Promise.resolve(bytesOf(new Uint8Array(size)));
    const put = opened.repository.putBlob(descriptor, open, { uploads: memory });
    expect(await errorOf(put)).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(memory.ids.size).toBe(0);
  });

  it("is nothing to remember for a small blob", async () => {
    const small = createBlob({ size: 1000 });
    const set: UploadMemory["set"] = () => Promise.reject(new Error("it is small"));
    const put = opened.repository.putBlob(small.descriptor, small.open, { uploads: { ...memory, set } });
    expect(await put).toBe("uploaded");
  });
});
