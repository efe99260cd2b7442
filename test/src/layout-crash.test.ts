import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLayout, openArchive, type RootLister } from "@drayage/layout";
import { digestOf, MemoryRegistry, readAll, type Source } from "@drayage/oci";
import { createHandler } from "@drayage/registry";
import { createArtifact, createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { expect, onTestFinished, test } from "vitest";
import { drayage, startDrayage } from "./command-process.ts";

const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x"];
const index = createIndex({
  manifests: platforms.map((platform, seed) =>
    createImage({ platform, seed, layers: [{ size: 200_000, seed }] }),
  ),
});
const signature = createArtifact({
  artifactType: "application/vnd.example",
  subject: index.document.descriptor,
});
const blobs = index.manifests.flatMap((image) => image.blobs).map(({ descriptor }) => descriptor.digest);
const kills = Array.from({ length: 10 }, (_, number) => number);

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "drayage-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** A registry that has the index as `app:v1`, and tells of each request to it. */
async function serve() {
  const repository = new MemoryRegistry();
  for (const fixture of [index, signature])
    await pushImage(repository.repository("app"), fixture, { tags: ["v1"] });
  await pushImage(repository.repository("app"), index, { tags: ["v1"] });
  const handler = createHandler(repository);
  const requests: string[] = [];
  let onRequest = (_path: string): void => undefined;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    onRequest(request.url ?? "");
    handler(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  /** Runs the command, and kills it some milliseconds after its request number `count` for something like `kind`. */
  const killedAt = async (
    { kind, count, after = 0 }: { readonly kind: string; readonly count: number; readonly after?: number },
    args: readonly string[],
  ): Promise<NodeJS.Signals | null> => {
    const child = startDrayage(args);
    let seen = 0;
    onRequest = (path) => {
      if (path.includes(kind) && ++seen === count) setTimeout(() => child.kill("SIGKILL"), after);
    };
    await once(child, "close");
    onRequest = () => undefined;
    return child.signalCode;
  };
  return { host, requests, killedAt };
}

async function expectWhole(
  source: Source,
  fixture: Fixture,
  at: string = fixture.document.descriptor.digest,
) {
  const { bytes } = await source.getManifest(at);
  expect(Buffer.from(bytes).equals(fixture.document.bytes)).toBe(true);
  for (const { descriptor } of fixture.blobs) await expectBlob(source, descriptor.digest);
  for (const child of fixture.manifests) await expectWhole(source, child);
}

async function expectBlob(source: Source, digest: (typeof blobs)[number]): Promise<void> {
  const { body } = await source.getBlob(digest);
  expect(digestOf(await readAll(body, { limit: 1_000_000 }))).toBe(digest);
}

/** All that is there is whole: what is listed, and each blob. */
async function expectNothingPartial(layout: Source & RootLister): Promise<void> {
  const known = [index, signature, ...index.manifests];
  for await (const { digest } of layout.listRoots()) {
    const fixture = known.find(({ document }) => document.descriptor.digest === digest);
    if (fixture === undefined) throw new Error(`${digest} was never put`);
    await expectWhole(layout, fixture);
  }
  for (const digest of blobs)
    if ((await layout.headBlob(digest)) !== undefined) await expectBlob(layout, digest);
}

test("a copy into a layout that is killed ten times leaves nothing partial, and what is there is not sent again", async () => {
  const { host, requests, killedAt } = await serve();
  const directory = join(await newDirectory(), "layout");
  const args = ["copy", `${host}/app:v1`, `oci:${directory}`, "--referrers"];
  const layout = createLayout(directory);
  for (const number of kills) {
    expect(await killedAt({ kind: "/blobs/", count: 1 + (number % 2) }, args)).toBe("SIGKILL");
    await expectNothingPartial(layout);
  }
  const heads = await Promise.all(blobs.map(async (digest) => (await layout.headBlob(digest)) === undefined));
  const missing = blobs.filter((_, number) => heads[number]);
  requests.length = 0;
  expect(await drayage(args)).toMatchObject({ status: 0 });
  const sent = blobs.filter((digest) => requests.some((request) => request.endsWith(`/blobs/${digest}`)));
  expect(new Set(sent)).toEqual(new Set(missing));
  await expectWhole(layout, index, "v1");
  await expectWhole(layout, signature);
});

test("copies that are killed while they list what they have put leave an index.json that is whole", async () => {
  const { host, killedAt } = await serve();
  const directory = join(await newDirectory(), "layout");
  const copyTo = (tag: string) => ["copy", `${host}/app:v1`, `oci:${directory}:${tag}`];
  expect(await drayage(copyTo("first"))).toMatchObject({ status: 0 });
  const layout = createLayout(directory);
  for (const number of kills) {
    await killedAt({ kind: "/manifests/", count: 1, after: 2 * number }, copyTo(`tag-${number}`));
    await expectNothingPartial(layout);
    await expectWhole(layout, index, "first");
  }
  expect(await drayage(copyTo("last"))).toMatchObject({ status: 0 });
  await expectWhole(layout, index, "last");
});

test.each([
  ["oci-archive", kills],
  ["docker-archive", kills.slice(0, 3)],
] as const)(
  "a copy into %s: that is killed again and again leaves what was there",
  async (scheme, numbers) => {
    const { host, killedAt } = await serve();
    const path = join(await newDirectory(), "app.tar");
    await writeFile(path, "before");
    const args = ["copy", `${host}/app:v1`, `${scheme}:${path}`, "--platform", "linux/amd64"];
    for (const number of numbers) {
      expect(await killedAt({ kind: "/blobs/", count: 1 + (number % 2) }, args)).toBe("SIGKILL");
      expect(await readFile(path, "utf8")).toBe("before");
    }
    expect(await drayage(args)).toMatchObject({ status: 0 });
    expect(await drayage(["inspect", `${scheme}:${path}`])).toMatchObject({ status: 0 });
  },
);

test("a pull that is killed puts no file in its place, and another one puts all", async () => {
  const { host, killedAt } = await serve();
  const [files, out] = [await newDirectory(), await newDirectory()];
  const names = ["a", "b", "c", "d"];
  await mkdir(join(files, "dir"));
  for (const name of names) await writeFile(join(files, "dir", name), Buffer.alloc(300_000, name));
  await writeFile(join(files, "single"), "single");
  expect(await drayage(["push", `${host}/app:files`, "single", "dir"], { cwd: files })).toMatchObject({
    status: 0,
  });
  const args = ["pull", `${host}/app:files`, "-o", out];
  for (const number of kills.slice(0, 4)) {
    expect(await killedAt({ kind: "/blobs/", count: 1 + (number % 2) }, args)).toBe("SIGKILL");
    const visible = (await readdir(out)).filter((name) => !name.startsWith(".drayage-"));
    expect(visible).toEqual([]);
  }
  expect(await drayage(args)).toMatchObject({ status: 0 });
  expect((await readdir(join(out, "dir"))).toSorted()).toEqual(names);
});

test("copies into one layout by several processes at the same time lose nothing", async () => {
  const { host } = await serve();
  const directory = join(await newDirectory(), "layout");
  const tags = ["one", "two", "three"];
  const ended = await Promise.all(
    tags.map((tag) => drayage(["copy", `${host}/app:v1`, `oci:${directory}:${tag}`])),
  );
  expect(ended.map(({ status }) => status)).toEqual([0, 0, 0]);
  const layout = createLayout(directory);
  for (const tag of tags) await expectWhole(layout, index, tag);
});

test("writers of one archive at the same time leave one of their archives, whole", async () => {
  const { host } = await serve();
  const directory = await newDirectory();
  const path = join(directory, "app.tar");
  const tags = ["one", "two"];
  await Promise.all(tags.map((tag) => drayage(["copy", `${host}/app:v1`, `oci-archive:${path}:${tag}`])));
  const archive = await openArchive(path);
  onTestFinished(() => archive.close());
  const [tag = "", ...others] = await Array.fromAsync(archive.listTags());
  expect([tags.includes(tag), others, await readdir(directory)]).toEqual([true, [], ["app.tar"]]);
  await expectWhole(archive, index, tag);
});
