import { bytesOf, fromStatic, type Quirks, type UploadSession } from "@drayage/oci";
import { bytesOfBlob, createBlob, createImage, createIndex, pushImage } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { errorOf, openScripted, type Opened } from "../../fixture/scripted.ts";
import { profiles } from "./index.ts";

const mebibyte = 1024 * 1024;
const blob = createBlob({ size: 10_000 });
const image = createImage({ layers: 1 });

/** A registry with quirks, and a client that knows of them; a password is wanted where `isOpen` is not said. */
async function openWith(
  quirks: Quirks,
  { isOpen = false }: { readonly isOpen?: boolean } = {},
): Promise<Opened> {
  const users = { user: "secret" };
  const auth = quirks.challenge.startsWith("Bearer") ? { bearer: { users } } : { basic: users };
  const origins = ["registry.test", "auth.test", "storage.test"];
  return openScripted({ quirks, origins, auth: isOpen ? "none" : auth }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true, quirks } },
    credentials: fromStatic(server.host(), { username: "user", password: "secret" }),
    trustedTokenServers: { [server.host()]: [server.host("auth.test")] },
  }));
}

async function listOf<Item>(list: AsyncIterable<Item>): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
}

const chunksOf = ({ server }: Opened): (string | undefined)[] =>
  server.ledger.filter(({ method }) => method === "PATCH").map(({ headers }) => headers["content-range"]);

const scopesOf = ({ server }: Opened): string[] =>
  server.ledger
    .filter(({ url }) => url.startsWith("/token"))
    .flatMap(({ url }) => new URL(url, "http://auth.test").searchParams.getAll("scope"));

describe.each(Object.values(profiles))("$quirks.name", ({ quirks }) => {
  it("a mount from a repository that does not exist becomes an upload", async () => {
    await using opened = await openWith(quirks);
    const put = opened.repository.putBlob(blob.descriptor, blob.open, { mountFrom: "not/there" });
    expect(await put).toBe("uploaded");
  });
});

describe("deletes", () => {
  it("that are answered 404 because nothing is ever deleted are UNSUPPORTED, not done", async () => {
    await using opened = await openWith(profiles.ecr.quirks);
    const { repository } = opened;
    const { digest } = await pushImage(repository, image, { tags: ["v1"] });
    expect(await errorOf(repository.deleteTag("v1"))).toMatchObject({ code: "UNSUPPORTED", status: 404 });
    expect(await errorOf(repository.deleteManifest(digest))).toMatchObject({ code: "UNSUPPORTED" });
    const config = image.config.descriptor.digest;
    expect(await errorOf(repository.deleteBlob(config))).toMatchObject({ code: "UNSUPPORTED" });
  });

  it("ask for what the token server understands, whatever access was announced", async () => {
    await using opened = await openWith(profiles.quay.quirks);
    const { client, server } = opened;
    const repository = client
      .registry(server.host())
      .repository("a/b", { access: ["pull", "push", "delete"] });
    await pushImage(repository, image, { tags: ["v1"] });
    expect(await repository.deleteTag("v1")).toBe("deleted");
    expect(scopesOf(opened)).toEqual(["repository:a/b:pull,push"]);
  });
});

describe("uploads", () => {
  const inPieces = async (session: UploadSession, ...sizes: readonly number[]): Promise<void> => {
    for (const size of sizes) await session.append(bytesOf(new Uint8Array(size)));
  };

  it("are cut into chunks that the registry takes", async () => {
    await using opened = await openWith(profiles.ghcr.quirks, { isOpen: true });
    await inPieces(await opened.repository.openUpload(), 5 * mebibyte);
    expect(chunksOf(opened)).toEqual([`0-${4 * mebibyte - 1}`, `${4 * mebibyte}-${5 * mebibyte - 1}`]);
  });

  it("are as far as we know, where the registry reports the first chunk for ever", async () => {
    await using opened = await openWith({ ...profiles.ecr.quirks, minChunk: 0 }, { isOpen: true });
    const session = await opened.repository.openUpload();
    await inPieces(session, 100, 100, 50);
    expect(await session.status()).toBe(250);
    await inPieces(session, 10);
    expect(chunksOf(opened).at(-1)).toBe("250-259");
  });

  it("go on where each answer says, even if a chunk is answered 201", async () => {
    const quirks = { ...profiles.distribution.quirks, chunkStatus: 201 } as const;
    await using opened = await openWith(quirks, { isOpen: true });
    const session = await opened.repository.openUpload();
    await inPieces(session, 100, 50);
    expect(await session.status()).toBe(150);
  });

  it("in more than one chunk are refused before a byte is sent, where one is all there is", async () => {
    await using opened = await openWith(profiles.gar.quirks, { isOpen: true });
    const session = await opened.repository.openUpload();
    await inPieces(session, 100);
    expect(await errorOf(inPieces(session, 1))).toMatchObject({ code: "UNSUPPORTED" });
    expect(chunksOf(opened)).toHaveLength(1);
  });

  it("of more than the closing PUT may carry go in chunks", async () => {
    const quirks = { ...profiles.quay.quirks, maxPut: 9999, maxChunk: 4000 };
    await using opened = await openWith(quirks, { isOpen: true });
    expect(await opened.repository.putBlob(blob.descriptor, blob.open)).toBe("uploaded");
    expect(chunksOf(opened)).toEqual(["0-3999", "4000-7999", "8000-9999"]);
    const [stored] = opened.server.content.repository("library/app").blobs.values();
    expect(stored).toEqual(await bytesOfBlob(blob));
  });

  it("are not begun by a mount, where nothing is mounted", async () => {
    await using opened = await openWith(profiles.ecrPublic.quirks, { isOpen: true });
    await opened.repository.putBlob(blob.descriptor, blob.open, { mountFrom: "other/app" });
    expect(opened.requests().filter((line) => line.includes("mount="))).toEqual([]);
  });

  it("are not begun by a mount without a source, where that is refused anyway", async () => {
    await using opened = await openWith(profiles.quay.quirks, { isOpen: true });
    expect(await opened.repository.mountBlob(blob.descriptor.digest)).toBeUndefined();
    expect(opened.requests()).toEqual([]);
  });
});

describe("lists", () => {
  const tagged = async (quirks: Quirks, options?: { readonly isOpen: boolean }): Promise<Opened> => {
    const opened = await openWith(quirks, options);
    await opened.server.content.add("library/app", image, { tags: ["a", "b", "c", "d"] });
    return opened;
  };

  it("of tags cost one token that allows them", async () => {
    await using opened = await tagged(profiles.acr.quirks);
    expect(await listOf(opened.repository.listTags())).toEqual(["a", "b", "c", "d"]);
    const list = "GET /v2/library/app/tags/list?n=1000";
    expect(opened.requests()).toEqual([list, expect.stringMatching(/^auth\.test GET \/token/), list]);
  });

  it("of tags do not try a token that is good for other things first", async () => {
    await using opened = await tagged(profiles.acr.quirks);
    await opened.repository.headManifest("a");
    opened.server.clearLedger();
    await listOf(opened.repository.listTags());
    const list = "GET /v2/library/app/tags/list?n=1000";
    expect(opened.requests()).toEqual([expect.stringMatching(/^auth\.test GET \/token/), list]);
  });

  it("go on behind a full page that has no Link, and end with one that is not full", async () => {
    await using opened = await tagged(profiles.nexus.quirks, { isOpen: true });
    expect(await listOf(opened.repository.listTags({ pageSize: 3 }))).toEqual(["a", "b", "c", "d"]);
    expect(opened.requests()).toEqual([
      "GET /v2/library/app/tags/list?n=3",
      "GET /v2/library/app/tags/list?n=3&last=b",
    ]);
  });

  it.each(["quay", "distribution"] as const)(
    "of %s start where they are told to all the same",
    async (key) => {
      await using opened = await tagged(profiles[key].quirks, { isOpen: true });
      expect(new Set(await listOf(opened.repository.listTags({ after: "b" })))).toEqual(new Set(["c", "d"]));
    },
  );

  it("of repositories that nobody gets are UNSUPPORTED", async () => {
    await using opened = await tagged(profiles.dockerHub.quirks);
    const list = listOf(opened.client.registry(opened.server.host()).listRepositories());
    expect(await errorOf(list)).toMatchObject({ code: "UNSUPPORTED", status: 401 });
  });
});

describe("referrers", () => {
  it("are asked of a registry once that says 406", async () => {
    await using opened = await openWith(profiles.artifactory.quirks, { isOpen: true });
    const { digest } = await pushImage(opened.repository, image);
    opened.server.clearLedger();
    await listOf(opened.repository.listReferrers(digest));
    await listOf(opened.repository.listReferrers(digest));
    expect(opened.requests().filter((line) => line.includes("/referrers/"))).toHaveLength(1);
  });

  it("of an index are not its own manifests, where its digest is a tag (oras-project/oras-go#1396)", async () => {
    await using opened = await openWith(profiles.gitlab.quirks, { isOpen: true });
    const { digest } = await pushImage(opened.repository, createIndex({ manifests: [image] }));
    expect(await listOf(opened.repository.listReferrers(digest))).toEqual([]);
  });
});

it.each(["dockerHub", "ecr", "gcr"] as const)("%s: an object store sees no credential", async (key) => {
  await using opened = await openWith(profiles[key].quirks);
  const { digest } = blob.descriptor;
  await opened.repository.putBlob(blob.descriptor, blob.open);
  const { body } = await opened.repository.getBlob(digest);
  expect(await listOf(body)).not.toHaveLength(0);
  const asked = opened.server.ledger.filter(({ origin }) => origin === "storage.test");
  expect(asked.length).toBeGreaterThan(0);
  for (const { headers } of asked) expect(headers).not.toHaveProperty("authorization");
});
