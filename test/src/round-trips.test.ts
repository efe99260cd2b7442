import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@drayage/client";
import { copy } from "@drayage/copy";
import { createLayout, openArchive, writeArchive } from "@drayage/layout";
import { digestOf, readAll, type Source, type Target } from "@drayage/oci";
import { createFilesystemDriver, createHandler, createRegistry, listen } from "@drayage/registry";
import {
  createArtifact,
  createBlob,
  createImage,
  createIndex,
  pushImage,
  type Fixture,
} from "@drayage/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startDistribution, withoutDistribution, type DistributionRegistry } from "./distribution.ts";
import { skopeo, withoutSkopeo } from "./skopeo.ts";

const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x"];
const index = createIndex({
  manifests: platforms.map((platform, seed) => createImage({ platform, seed, layers: 2 })),
  annotations: { "com.example.made": "here" },
});
const signature = createArtifact({
  artifactType: "application/vnd.example.signature",
  blobs: [createBlob({ size: 300, seed: 7 })],
  subject: index.document.descriptor,
});
const digestsOf = { root: index.document.descriptor.digest, signature: signature.document.descriptor.digest };

/** Where content can be, and what skopeo calls it. */
interface Place {
  readonly repository: Target;
  readonly name: string;
}

const lenient = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const skopeoCopy = (from: string, to: string): Promise<string> =>
  skopeo("copy", "--quiet", "--all", ...lenient, from, to);

let client: Client;
let distribution: DistributionRegistry;
let ours: Awaited<ReturnType<typeof listen>>;
let directory: string;
let count = 0;
/** Places that have the index, by their kind. */
const filled = new Map<string, Promise<Place>>();

beforeAll(async () => {
  if (without !== "") return;
  directory = await mkdtemp(join(tmpdir(), "drayage-"));
  client = createClient();
  distribution = await startDistribution();
  const driver = createFilesystemDriver(join(directory, "ours"), { durability: "relaxed" });
  ours = await listen(createHandler(createRegistry(driver)));
});

afterAll(async () => {
  if (without !== "") return;
  await client.close();
  await distribution.close();
  await ours.close();
  await rm(directory, { recursive: true });
});

/** A new repository in the registry at `host`. */
async function inRegistry(host: string): Promise<Place> {
  const name = `team/place-${++count}`;
  return { repository: client.registry(host).repository(name), name: `docker://${host}/${name}` };
}

/** A layout that skopeo has made for some image, so that it is not ours in any detail. */
async function inLayout(): Promise<Place> {
  const path = join(directory, `layout-${++count}`);
  const other = await inRegistry(ours.host);
  await pushImage(other.repository, createImage({ seed: 99 }), { tags: ["v1"] });
  await skopeoCopy(`${other.name}:v1`, `oci:${path}:other`);
  return { repository: createLayout(path, { durability: "relaxed" }), name: `oci:${path}` };
}

const places = [
  ["the distribution registry", () => inRegistry(distribution.host)],
  ["our registry", () => inRegistry(ours.host)],
  ["a layout made by skopeo", inLayout],
] as const;

const without = withoutSkopeo ?? withoutDistribution ?? "";

/** A place of that kind that has the index, put there by skopeo, and what skopeo does not copy, by us. */
function sourceIn(kind: string, open: () => Promise<Place>): Promise<Place> {
  const place = filled.get(kind) ?? open().then(fill);
  filled.set(kind, place);
  return place;
}

async function fill(place: Place): Promise<Place> {
  const { repository, name } = place;
  const origin = await inRegistry(ours.host);
  await pushImage(origin.repository, index, { tags: ["v1"] });
  await skopeoCopy(`${origin.name}:v1`, `${name}:v1`);
  await pushImage(repository, signature);
  return place;
}

async function expectWhole(
  source: Source,
  fixture: Fixture,
  at: string = fixture.document.descriptor.digest,
) {
  const { bytes } = await source.getManifest(at);
  expect(Buffer.from(bytes).equals(fixture.document.bytes)).toBe(true);
  for (const { descriptor } of fixture.blobs) {
    const { body } = await source.getBlob(descriptor.digest);
    expect(digestOf(await readAll(body, { limit: descriptor.size }))).toBe(descriptor.digest);
  }
  for (const child of fixture.manifests) await expectWhole(source, child);
}

/** The same index, the same signature, and skopeo sees it no other way. */
async function expectSame({ repository, name }: Place): Promise<void> {
  await expectWhole(repository, index, "v1");
  await expectWhole(repository, signature);
  const referrers = await Array.fromAsync(repository.listReferrers(digestsOf.root));
  expect(referrers.map(({ digest }) => digest)).toEqual([digestsOf.signature]);
  if (!name.startsWith("docker:")) return;
  expect(digestOf(Buffer.from(await skopeo("inspect", "--raw", "--tls-verify=false", `${name}:v1`)))).toBe(
    digestsOf.root,
  );
}

const pairs = places.flatMap(([from, open]) => places.map(([to, create]) => ({ from, open, to, create })));

describe.skipIf(without !== "")(`between registries and layouts${without}`, () => {
  test.each(pairs)("from $from to $to every digest is kept", async ({ from, open, create }) => {
    const [source, target] = [await sourceIn(from, open), await create()];
    const options = { referrers: true };
    await copy(
      { repository: source.repository, at: "v1" },
      { repository: target.repository, tags: ["v1"] },
      options,
    );
    await expectSame(target);
    // What is there is right for skopeo as a whole, too: it can go on from there.
    const further = await inRegistry(ours.host);
    await skopeoCopy(`${target.name}:v1`, `${further.name}:v1`);
    await expectWhole(further.repository, index, "v1");
  });

  test("from a registry over a layout and an archive back every digest is kept, as in skopeo's copies", async () => {
    const [origin, layout, back] = [
      await sourceIn(...places[0]),
      await inLayout(),
      await inRegistry(distribution.host),
    ];
    const options = { referrers: true };
    await copy(
      { repository: origin.repository, at: "v1" },
      { repository: layout.repository, tags: ["v1"] },
      options,
    );
    const path = join(directory, "app.tar");
    await writeArchive(path, (target) =>
      copy({ repository: layout.repository, at: "v1" }, { repository: target, tags: ["v1"] }, options),
    );
    const archive = await openArchive(path);
    onTestFinished(() => archive.close());
    await copy({ repository: archive, at: "v1" }, { repository: back.repository, tags: ["v1"] }, options);
    await expectSame(back);

    const theirs = await inRegistry(distribution.host);
    await skopeoCopy(`oci-archive:${path}:v1`, `${theirs.name}:v1`);
    await expectWhole(theirs.repository, index, "v1");
  });
});
