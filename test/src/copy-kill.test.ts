import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect, createServer as createWire, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDigest, parseRoute, type Digest, type Registry, type Repository } from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";
import {
  createArtifact,
  createBlob,
  createImage,
  createIndex,
  createRequestLog,
  pushImage,
  type Fixture,
} from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startDrayage, textOf } from "./command-process.ts";

/** 10 are enough to find what breaks often; the figure of docs/benchmarks.md is of 50. */
const kills = Number(process.env["DRAYAGE_KILLS"] ?? 10);

const images = ["amd64", "arm64", "s390x", "ppc64le", "riscv64"].map((architecture, seed) =>
  createImage({
    platform: `linux/${architecture}`,
    seed,
    layers: [50_000, 100_000, 3_000_000].map((size, layer) => ({ size, seed: 10 * seed + layer })),
  }),
);
const index = createIndex({ manifests: images });
const referrers = [index, ...images].map((subject, seed) =>
  createArtifact({
    artifactType: "application/spdx+json",
    blobs: [createBlob({ size: 200_000, seed: 100 + seed })],
    subject: subject.document.descriptor,
  }),
);

interface Side {
  readonly registry: Registry;
  readonly server: Server;
  readonly host: string;
}

const log = createRequestLog();
let source: Side;
let target: Side;
let state: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "drayage-"));
  source = await serve();
  target = await serve();
  log.watch(target.server, "target");
  const repository = source.registry.repository("app");
  await pushImage(repository, index, { tags: ["v1"] });
  for (const referrer of referrers) await pushImage(repository, referrer);
});

afterEach(async () => {
  for (const { server } of [source, target]) server.close();
  await rm(state, { recursive: true });
});

async function serve(): Promise<Side> {
  const registry = createRegistry(createMemoryDriver());
  const handler = createHandler(registry);
  const server = createServer((request, response) => handler(request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { registry, server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function startCopy(to: string) {
  const args = ["copy", "--quiet", "--referrers", `${source.host}/app:v1`, `${to}:v1`];
  return startDrayage(args, { env: { XDG_STATE_HOME: state } });
}

type Copy = ReturnType<typeof startCopy>;

async function ended(copy: Copy): Promise<void> {
  if (copy.exitCode === null && copy.signalCode === null) await once(copy, "close");
}

async function expectSuccess(copy: Copy): Promise<void> {
  const stderr = await textOf(copy.stderr);
  await ended(copy);
  expect([copy.exitCode, stderr]).toEqual([0, ""]);
}

/** Kills the copy a while after its first request, if it is not done by then. Whether it was killed. */
async function killAfter(copy: Copy, milliseconds: number): Promise<boolean> {
  await Promise.race([once(target.server, "request"), ended(copy)]);
  await Promise.race([new Promise((resolve) => setTimeout(resolve, milliseconds)), ended(copy)]);
  copy.kill("SIGKILL");
  await ended(copy);
  while ((await connectionsOf(target.server)) > 0) await new Promise(setImmediate);
  return copy.signalCode === "SIGKILL";
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

function blobsOf({ blobs, manifests }: Fixture): readonly Digest[] {
  return [...blobs.map(({ descriptor }) => descriptor.digest), ...manifests.flatMap(blobsOf)];
}

const everything = {
  blobs: [...new Set([index, ...referrers].flatMap(blobsOf))],
  manifests: [index, ...images, ...referrers].map(({ document }) => document.descriptor.digest),
};

/** What of all that is to be copied is at the target. */
async function completeAt(repository: Repository): Promise<ReadonlySet<Digest>> {
  const found = await Promise.all([
    ...everything.blobs.map((digest) => repository.headBlob(digest)),
    ...everything.manifests.map((digest) => repository.headManifest(digest)),
  ]);
  return new Set(found.flatMap((descriptor) => descriptor?.digest ?? []));
}

/** What was put to the target since the log was cleared: blobs and manifests, by their digests. */
function put(): readonly Digest[] {
  return log.entries
    .flatMap(({ method, url }) => {
      const route = method === "PUT" ? parseRoute(url) : undefined;
      if (route?.kind === "upload") return new URLSearchParams(url.split("?")[1]).get("digest") ?? [];
      return route?.kind === "manifest" ? route.reference : [];
    })
    .filter(isDigest);
}

/** How long a copy takes from its first request on, in milliseconds. */
async function durationOfCopy(): Promise<number> {
  const copy = startCopy(`${target.host}/measured`);
  await once(target.server, "request");
  const start = performance.now();
  await expectSuccess(copy);
  return performance.now() - start;
}

describe("a copy of five platforms with their referrers that is killed over and over", {
  timeout: 300_000,
}, () => {
  it(`ends complete, and sends nothing again that was complete (${kills} kills)`, async () => {
    const duration = await durationOfCopy();
    const figures = { kills: 0, copies: 0, again: 0, tagged: 0, whole: 0 };
    while (figures.kills < kills) {
      const name = `app-${++figures.copies}`;
      const repository = target.registry.repository(name);
      for (let isDone = false; !isDone; ) {
        const complete = await completeAt(repository);
        log.clear();
        const wasKilled = await killAfter(startCopy(`${target.host}/${name}`), Math.random() * duration);
        if (wasKilled) figures.kills++;
        figures.again += put().filter((digest) => complete.has(digest)).length;
        // What is tagged is whole, whenever one looks.
        const isTagged = (await repository.headManifest("v1")) !== undefined;
        if (isTagged) figures.tagged++;
        if (isTagged && (await completeAt(repository)).size === countOfAll()) figures.whole++;
        isDone = !wasKilled || figures.kills >= kills;
      }
      await expectSuccess(startCopy(`${target.host}/${name}`));
      expect(await repository.headManifest("v1")).toEqual(index.document.descriptor);
      expect((await completeAt(repository)).size).toBe(countOfAll());
    }
    expect(figures).toMatchObject({ kills, again: 0, whole: figures.tagged });
  });
});

function countOfAll(): number {
  return everything.blobs.length + everything.manifests.length;
}

describe("a copy that is killed in the middle of a blob", { timeout: 60_000 }, () => {
  const large = createImage({ layers: [{ size: 12_000_000, seed: 1000 }] });

  it("goes on there, and sends the rest of it only", async () => {
    await pushImage(source.registry.repository("app"), large, { tags: ["v1"] });
    await using wire = await openWire(target.host, 8_000_000);
    const copy = startCopy(`${wire.host}/large`);
    await wire.stalled;
    copy.kill("SIGKILL");
    await ended(copy);
    wire.goOn();
    const before = wire.sent();
    await expectSuccess(startCopy(`${wire.host}/large`));
    expect(wire.sent() - before).toBeLessThan(5_000_000);
    const layer = large.layers[0]?.descriptor;
    const repository = target.registry.repository("large");
    expect(await repository.headBlob(layer?.digest ?? index.document.descriptor.digest)).toMatchObject({
      size: layer?.size,
    });
  });
});

interface Wire extends AsyncDisposable {
  readonly host: string;
  /** Resolves when nothing passes any more. */
  readonly stalled: Promise<void>;
  /** Lets pass what was held back. */
  goOn(): void;
  /** Bytes on their way to the registry so far. */
  sent(): number;
}

/** A way to `host` on which a connection stalls once it has carried so many bytes, the first time. */
async function openWire(host: string, most: number): Promise<Wire> {
  const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
  let sent = 0;
  let held: Socket | undefined;
  const [name = "", port = ""] = host.split(":");
  const server = createWire((near) => {
    const far = connect(Number(port), name);
    let carried = 0;
    near.on("data", (bytes) => {
      sent += bytes.byteLength;
      carried += bytes.byteLength;
      far.write(bytes);
      if (carried <= most || held !== undefined) return;
      held = near.pause();
      stall();
    });
    far.pipe(near);
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stalled,
    goOn: () => void held?.resume(),
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
