import { bytesOf, createManifestDocument, digestOf, mediaType, type DocumentStore } from "@drayage/oci";
import { createImage, pushImage } from "@drayage/testkit";
import { describe, expect, test } from "vitest";
import { ask, serve, speak } from "../fixture/serve.ts";
import { createMemoryDriver } from "./drivers/memory.ts";
import { createRegistry } from "./registry.ts";
import type { Quota, RegistryRules } from "./storage/rules.ts";

const hundred = Buffer.alloc(100, "x");

async function open(rules: RegistryRules, driver = createMemoryDriver()) {
  let time = 0;
  const registry = createRegistry(driver, { rules, now: () => time });
  const server = await serve(registry);
  const push = (name: string, body: Buffer, chunked = false) =>
    ask(server, "POST", `/v2/${name}/blobs/uploads/?digest=${digestOf(body)}`, { body, chunked });
  const wait = (milliseconds: number): void => void (time += milliseconds);
  return { driver, registry, server, push, wait };
}

/** The quota of everything whose name begins with the same component. */
function shared(quota: Omit<Quota, "namespace">): RegistryRules {
  return { quota: (repository) => ({ namespace: repository.split("/")[0] ?? "", ...quota }) };
}

const other = (size: number, fill = "y"): Buffer => Buffer.alloc(size, fill);

const letterOf = (n: number): string => String.fromCharCode(65 + n);

describe("the most that a blob may have", () => {
  test.each([false, true])(
    "is enough, and a byte more is 413 SIZE_INVALID, whether or not its length is said (chunked: %s, S13)",
    async (chunked) => {
      const { push, registry } = await open({ blobBytes: 100 });
      expect((await push("a", hundred, chunked)).status).toBe(201);
      const { status, codes } = await push("a", other(101), chunked);
      expect([status, codes]).toEqual([413, ["SIZE_INVALID"]]);
      expect(await registry.repository("a").headBlob(digestOf(other(101)))).toBeUndefined();
    },
  );

  test("is refused before any of it is read, where its length is said (S13)", async () => {
    const { server } = await open({ blobBytes: 100 });
    const { headers } = await ask(server, "POST", "/v2/a/blobs/uploads/");
    const location = String(headers["location"]);
    const digest = digestOf(other(101));
    for (const line of [
      `POST /v2/a/blobs/uploads/?digest=${digest} HTTP/1.1`,
      `PATCH ${location} HTTP/1.1`,
      `PUT ${location}?digest=${digest} HTTP/1.1`,
    ]) {
      const answer = await speak(server, line, "Host: x", "Content-Length: 101", "Expect: 100-continue");
      expect(answer).toMatch(/^HTTP\/1.1 413 /);
    }
  });

  test("is of all chunks together, and the upload that would exceed it is as it was", async () => {
    const { server } = await open({ blobBytes: 100 });
    const { headers } = await ask(server, "POST", "/v2/a/blobs/uploads/");
    const location = String(headers["location"]);
    expect((await ask(server, "PATCH", location, { body: other(60) })).status).toBe(202);
    expect((await ask(server, "PATCH", location, { body: other(60) })).status).toBe(413);
    expect((await ask(server, "GET", location)).headers["range"]).toBe("0-59");
  });

  test("holds for who embeds the registry too", async () => {
    const { registry } = await open({ blobBytes: 99 });
    const descriptor = { mediaType: mediaType.octetStream, digest: digestOf(hundred), size: 100 };
    const opened = registry.repository("a").putBlob(descriptor, () => Promise.reject(new Error("opened")));
    await expect(opened).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});

describe("a quota of bytes", () => {
  test("is of the repository of its name and all below, and no others (S13)", async () => {
    const { push } = await open(shared({ bytes: 250 }));
    expect((await push("team", hundred)).status).toBe(201);
    expect((await push("team/app", other(100))).status).toBe(201);
    const refused = await push("team/web", other(100, "z"));
    expect([refused.status, refused.codes]).toEqual([403, ["DENIED"]]);
    expect((await push("team-b/app", other(100, "z"))).status).toBe(201);
    expect((await push("team/web", other(50, "z"))).status).toBe(201);
  });

  test("counts what several repositories have once, and what is there already not again", async () => {
    const { push, server } = await open(shared({ bytes: 150 }));
    for (const name of ["team/a", "team/b", "team/a"]) expect((await push(name, hundred)).status).toBe(201);
    const mount = `/v2/team/c/blobs/uploads/?mount=${digestOf(hundred)}&from=team/a`;
    expect((await ask(server, "POST", mount)).status).toBe(201);
    expect((await push("team/c", other(51))).status).toBe(403);
  });

  test("is not gone round by a mount from elsewhere", async () => {
    const { push, server } = await open(shared({ bytes: 150 }));
    await push("rich/a", other(150, "r"));
    await push("team/a", hundred);
    const mount = `/v2/team/a/blobs/uploads/?mount=${digestOf(other(150, "r"))}&from=rich/a`;
    expect((await ask(server, "POST", mount)).status).toBe(202); // to be uploaded, as if it were not there
    expect((await ask(server, "HEAD", `/v2/team/a/blobs/${digestOf(other(150, "r"))}`)).status).toBe(404);
  });

  test("that is used up refuses an upload before it begins, and deleting makes room at once", async () => {
    const { push, server } = await open(shared({ bytes: 100 }));
    await push("team/a", hundred);
    const begin = () => ask(server, "POST", "/v2/team/b/blobs/uploads/");
    expect([(await begin()).status, (await begin()).codes]).toEqual([403, ["DENIED"]]);
    await ask(server, "DELETE", `/v2/team/a/blobs/${digestOf(hundred)}`);
    expect((await begin()).status).toBe(202);
  });

  test("counts manifests, and lets no tag point to one that does not fit", async () => {
    const image = createImage();
    const blobs = image.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    const { registry } = await open(shared({ bytes: blobs + image.document.bytes.byteLength - 1 }));
    const repository = registry.repository("team/a");
    await expect(pushImage(repository, image, { tags: ["v1"] })).rejects.toMatchObject({ code: "DENIED" });
    expect(await repository.headManifest("v1")).toBeUndefined();
  });

  test("is kept by pushes at the same time", async () => {
    const { push, registry } = await open(shared({ bytes: 500 }));
    const pushes = Array.from({ length: 20 }, (_, n) => push(`team/r${n % 3}`, other(100, letterOf(n))));
    const statuses = (await Promise.all(pushes)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(5);
    const kept = Array.from({ length: 20 }, (_, n) =>
      registry.repository(`team/r${n % 3}`).headBlob(digestOf(other(100, letterOf(n)))),
    );
    expect((await Promise.all(kept)).filter((blob) => blob !== undefined)).toHaveLength(5);
  });

  test("knows after half a minute what other instances have pushed", async () => {
    const driver = createMemoryDriver();
    const [one, two] = [
      await open(shared({ bytes: 150 }), driver),
      await open(shared({ bytes: 150 }), driver),
    ];
    await one.push("team/a", other(10));
    await two.push("team/a", hundred);
    one.wait(30_000);
    expect((await one.push("team/a", other(60, "z"))).status).toBe(403);
  });

  test("reads the size of what is stored once, however often it counts", async () => {
    const driver = createMemoryDriver();
    const reads: string[] = [];
    const documents: DocumentStore = {
      ...driver.documents,
      get(key, options) {
        if (key.includes("/_blobs/")) reads.push(key);
        return driver.documents.get(key, options);
      },
    };
    const registry = createRegistry(driver);
    for (let n = 0; n < 50; n++) {
      const bytes = other(10, letterOf(n));
      const descriptor = {
        mediaType: mediaType.octetStream,
        digest: digestOf(bytes),
        size: bytes.byteLength,
      };
      await registry.repository("team/a").putBlob(descriptor, async () => bytesOf(bytes));
    }
    const { push, wait } = await open(shared({ bytes: 10_000 }), { ...driver, documents });
    await push("team/b", hundred);
    expect(reads.length).toBeGreaterThan(40);
    reads.splice(0);
    wait(60_000);
    await push("team/b", other(20));
    expect(reads.length).toBeLessThan(10);
  });
});

describe("a quota of repositories", () => {
  test("refuses one more, and what is there goes on", async () => {
    const { push, server } = await open(shared({ repositories: 2 }));
    for (const name of ["team/a", "team/b"]) expect((await push(name, hundred)).status).toBe(201);
    const refused = await push("team/c", hundred);
    expect([refused.status, refused.codes]).toEqual([403, ["DENIED"]]);
    expect((await push("team/b", other(100))).status).toBe(201);
    await ask(server, "DELETE", `/v2/team/a/blobs/${digestOf(hundred)}`);
    expect((await push("team/c", hundred)).status).toBe(201);
  });

  test("counts one that has nothing but a manifest", async () => {
    const { registry, push } = await open(shared({ repositories: 1 }));
    const empty = createManifestDocument({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] });
    await registry.repository("team/a").putManifest(empty);
    expect((await push("team/b", hundred)).status).toBe(403);
  });
});

test("a quota of everything is of all repositories", async () => {
  const { push } = await open({ quota: () => ({ namespace: "", bytes: 150 }) });
  expect((await push("a", hundred)).status).toBe(201);
  expect((await push("b", other(100))).status).toBe(403);
});
