import { createServer, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf, isVerified, readAll, sleep } from "@drayage/oci";
import { bytesOfBlob, createBlob, type ScriptRule } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { errorOf, openScripted, type Opened } from "../fixture/scripted.ts";

const blob = createBlob({ size: 300_000, seed: 7 });
const { digest, size } = blob.descriptor;
const path = `/v2/library/app/blobs/${digest}`;

async function openWith(...rules: readonly Omit<ScriptRule, "path">[]): Promise<Opened> {
  const opened = await openScripted();
  const bytes = await bytesOfBlob(blob);
  opened.server.content.repository("library/app").blobs.set(digest, bytes);
  opened.server.script(rules.map((rule) => ({ path, ...rule })));
  return opened;
}

async function read({ repository }: Opened): Promise<Uint8Array> {
  const { body } = await repository.getBlob(digest);
  return readAll(body, { limit: size });
}

const ranges = ({ server }: Opened): (string | undefined)[] =>
  server.ledger.map(({ headers }) => headers["range"]);

describe("getBlob", () => {
  it("is one request, and its body needs no hashing again", async () => {
    await using opened = await openWith();
    const { body, descriptor } = await opened.repository.getBlob(digest);
    expect(descriptor).toMatchObject({ digest, size });
    expect(isVerified(body, digest)).toBe(true);
    expect(digestOf(await readAll(body, { limit: size }))).toBe(digest);
    expect(opened.requests()).toHaveLength(1);
  });

  it("goes on where it was cut, as often as it takes, and verifies the whole", async () => {
    await using opened = await openWith({ nth: 1, cutAfter: 100_000 }, { nth: 2, cutAfter: 50_000 });
    expect(digestOf(await read(opened))).toBe(digest);
    const [first, second, third] = ranges(opened);
    expect(first).toBeUndefined();
    expect(second).toMatch(/^bytes=\d+-299999$/);
    expect(third).toMatch(/^bytes=\d+-299999$/);
    expect(opened.requests()).toHaveLength(3);
  });

  it("gives up on a registry that never comes to an end", async () => {
    await using opened = await openWith({ cutAfter: 10 });
    expect(await errorOf(read(opened))).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(opened.requests()).toHaveLength(5);
  });

  it("skips what it has when the registry knows no ranges", async () => {
    const bytes = await bytesOfBlob(blob);
    await using opened = await openWith(
      { nth: 1, cutAfter: 100_000 },
      { nth: 2, answer: { status: 200, body: bytes } },
    );
    expect(digestOf(await read(opened))).toBe(digest);
  });

  it("asks again for a part that begins elsewhere, and never takes it", async () => {
    const headers = { "content-range": `bytes 0-9/${size}` };
    const answer = { status: 206, headers, body: new Uint8Array(10) };
    await using opened = await openWith({ nth: 1, cutAfter: 100_000 }, { nth: 2, answer });
    expect(digestOf(await read(opened))).toBe(digest);
    expect(opened.requests()).toHaveLength(3);
    opened.server.script([
      { path: "*", nth: 1, cutAfter: 100_000 },
      { path: "*", answer },
    ]);
    expect(await errorOf(read(opened))).toMatchObject({ code: "RESPONSE_INVALID" });
  });

  it("C15 throws before the last chunk of what is not the blob, whatever the header says", async () => {
    const wrong = await bytesOfBlob(createBlob({ size, seed: 8 }));
    const headers = { "docker-content-digest": digest };
    await using opened = await openWith({ answer: { status: 200, headers, body: wrong } });
    let received = 0;
    const { body } = await opened.repository.getBlob(digest);
    const reading = async (): Promise<void> => {
      for await (const chunk of body) received += chunk.byteLength;
    };
    expect(await errorOf(reading())).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(received).toBeLessThan(size);
    expect(opened.requests()).toHaveLength(1);
  });

  it.each([-1, 1])("C15 throws if the blob is longer or shorter by one (%d)", async (difference) => {
    const other = await bytesOfBlob(createBlob({ size: size + difference, seed: 7 }));
    await using opened = await openWith({ answer: { status: 200, body: other } });
    expect(await errorOf(read(opened))).toMatchObject({
      code: expect.stringMatching(/_MISMATCH|LIMIT/) as unknown,
    });
  });

  it("C13 refuses an encoded body", async () => {
    await using opened = await openWith({ headers: { "content-encoding": "gzip" } });
    expect(await errorOf(read(opened))).toMatchObject({ code: "RESPONSE_INVALID" });
  });

  it.each<[string, OutgoingHttpHeaders]>([
    ["is encoded", { "content-length": size, "content-encoding": "gzip" }],
    ["has no known size", {}],
  ])("leaves no connection behind with an answer that %s", async (_what, headers) => {
    const answers: ServerResponse[] = [];
    const server = createServer(({ method }, response) => {
      if (method === "HEAD") return void response.writeHead(404).end();
      answers.push(response);
      return void response.writeHead(200, headers).write("it never ends");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using client = createClient();
    const { port } = server.address() as AddressInfo;
    const repository = client.registry(`127.0.0.1:${port}`).repository("a");
    expect(await errorOf(repository.getBlob(digest))).toMatchObject({
      code: expect.stringMatching("RESPONSE_INVALID|BLOB_UNKNOWN") as unknown,
    });
    await expect.poll(() => answers.map(({ destroyed }) => destroyed), { interval: 1 }).toEqual([true]);
    server.close();
  });

  it("is not read ahead of its reader by more than connections hold", async () => {
    const [chunk, count] = [new Uint8Array(1024 * 1024), 64];
    let written = 0;
    const server = createServer((_request, response) => {
      response.setHeader("content-length", chunk.byteLength * count);
      const write = (): void => {
        while (written < count && response.write(chunk)) written++;
      };
      response.on("drain", () => {
        written++;
        write();
      });
      write();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using client = createClient();
    const { port } = server.address() as AddressInfo;
    const { body } = await client.registry(`127.0.0.1:${port}`).repository("a").getBlob(digest);
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    const isAtRest = async (): Promise<boolean> => {
      const before = written;
      await sleep(30);
      return written === before;
    };
    await expect.poll(isAtRest, { interval: 1 }).toBe(true);
    expect(written).toBeLessThan(count / 2);
    await chunks.return?.();
    server.closeAllConnections();
    server.close();
  });

  it("asks for the size where the answer does not tell it", async () => {
    const bytes = await bytesOfBlob(blob);
    const methods: unknown[] = [];
    const server = createServer(({ method }, response) => {
      methods.push(method);
      if (method === "HEAD") response.setHeader("content-length", size).end();
      else response.write(bytes, () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using client = createClient();
    const { port } = server.address() as AddressInfo;
    const { body } = await client.registry(`127.0.0.1:${port}`).repository("a").getBlob(digest);
    expect(digestOf(await readAll(body, { limit: size }))).toBe(digest);
    expect(methods).toEqual(["GET", "HEAD"]);
    server.close();
  });

  it("stops with the reason of its signal, in the midst of the body", async () => {
    await using opened = await openWith();
    const controller = new AbortController();
    const reason = new Error("enough");
    const { body } = await opened.repository.getBlob(digest, { signal: controller.signal });
    const reading = async (): Promise<void> => {
      for await (const chunk of body) if (chunk.byteLength > 0) controller.abort(reason);
    };
    expect(await errorOf(reading())).toBe(reason);
  });
});

describe("getBlob of a range", () => {
  it("goes on where it was cut", async () => {
    await using opened = await openWith({ nth: 1, cutAfter: 20_000 });
    const { body, range } = await opened.repository.getBlob(digest, { range: { start: 1000, end: 99_999 } });
    expect(range).toEqual({ start: 1000, end: 99_999 });
    const bytes = await readAll(body, { limit: 99_000 });
    expect(digestOf(bytes)).toBe(digestOf((await bytesOfBlob(blob)).subarray(1000, 100_000)));
    expect(ranges(opened)[1]).toMatch(/^bytes=\d{4,}-99999$/);
  });

  it.each([{ start: 1000, end: 1009 }, { start: 299_990 }, { suffix: 10 }])(
    "%j is cut out by us where the registry sends everything",
    async (range) => {
      const bytes = await bytesOfBlob(blob);
      await using opened = await openWith({ answer: { status: 200, body: bytes } });
      const part = await opened.repository.getBlob(digest, { range });
      const { start = 0, end = 0 } = part.range ?? {};
      const received = await readAll(part.body, { limit: 10 });
      expect(Buffer.compare(received, bytes.subarray(start, end + 1))).toBe(0);
      expect(end - start).toBe(9);
    },
  );
});

describe("headBlob", () => {
  it.each([403, 405])("asks by GET where HEAD is answered %d", async (status) => {
    await using opened = await openWith({ method: "HEAD", answer: { status } });
    expect(await opened.repository.headBlob(digest)).toMatchObject({ digest, size });
    expect(ranges(opened)).toEqual([undefined, "bytes=0-0"]);
  });

  it("asks by GET at once where the quirks say so", async () => {
    await using opened = await openScripted({}, (server) => ({
      hosts: { [server.host()]: { plainHttp: true, quirks: { existence: "get" } } },
    }));
    expect(await opened.repository.headBlob(digest)).toBeUndefined();
    expect(opened.server.ledger.map(({ method }) => method)).toEqual(["GET"]);
  });
});
