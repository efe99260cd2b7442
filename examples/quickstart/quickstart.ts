// Two registries of our own, an image made by hand, and a copy of it from one registry to the other.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createClient } from "@drayage/client";
import { copy } from "@drayage/copy";
import {
  bytesOf,
  createManifestDocument,
  digestOf,
  documentOf,
  mediaType,
  parseManifest,
} from "@drayage/oci";
import type { Descriptor, Repository } from "@drayage/oci";
import {
  createFilesystemDriver,
  createHandler,
  createMemoryDriver,
  createRegistry,
  listen,
} from "@drayage/registry";

// A registry is a driver that stores, the rules of a registry over it, and a handler that speaks HTTP for them.
const directory = await mkdtemp(join(tmpdir(), "drayage-quickstart-"));
const onDisk = await listen(createHandler(createRegistry(createFilesystemDriver(directory))));
const inMemory = await listen(createHandler(createRegistry(createMemoryDriver())));

let requests = 0;
const client = createClient({
  trace: ({ type }) => {
    if (type === "request") requests++;
  },
});

try {
  const source = client.repository(`${onDisk.host}/hello`, { access: ["pull", "push"] });
  const target = client.repository(`${inMemory.host}/mirror/hello`, { access: ["pull", "push"] });

  await step("pushed", async () => {
    const { digest } = await pushHello(source, ["amd64", "arm64"]);
    return [`${onDisk.host}/hello:v1`, digest];
  });

  for (const verb of ["copied", "again"]) {
    await step(verb, async () => {
      const result = await copy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] });
      const { status, descriptor, manifests, blobs, bytes } = result;
      const sent = `${manifests} manifests and ${blobs.uploaded} blobs of ${bytes} bytes`;
      return [`${inMemory.host}/mirror/hello:v1`, descriptor.digest, `${status}, sent ${sent}`];
    });
  }

  await step("listed", () => Array.fromAsync(target.listTags()));

  await step("inspected", async () => {
    const { bytes, descriptor } = await target.getManifest("v1");
    const index = parseManifest(bytes, descriptor.mediaType);
    const entries = index.kind === "index" ? index.manifests : [];
    return entries.map(({ digest, platform }) => `${digest}  ${platform?.os}/${platform?.architecture}`);
  });
} finally {
  await client.close();
  await Promise.all([onDisk.close(), inMemory.close()]);
  await rm(directory, { recursive: true });
}

/** An image with one layer for each architecture, all of them under one tag. */
async function pushHello(repository: Repository, architectures: readonly string[]): Promise<Descriptor> {
  const tar = Buffer.alloc(1024); // an archive of no files
  const layer = await pushBlob(repository, gzipSync(tar), mediaType.ociLayerGzip);
  const manifests: Descriptor[] = [];
  for (const architecture of architectures) {
    const platform = { os: "linux", architecture };
    const image = { ...platform, config: {}, rootfs: { type: "layers", diff_ids: [digestOf(tar)] } };
    const config = await pushBlob(repository, Buffer.from(JSON.stringify(image)), mediaType.ociConfig);
    const manifest = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers: [layer] };
    manifests.push({ ...(await repository.putManifest(createManifestDocument(manifest))), platform });
  }
  const index = { schemaVersion: 2, mediaType: mediaType.ociIndex, manifests };
  return repository.putManifest(createManifestDocument(index), { tags: ["v1"] });
}

async function pushBlob(repository: Repository, content: Uint8Array, type: string): Promise<Descriptor> {
  const { descriptor } = documentOf(content, type);
  // Content is passed as a function that opens it, which is called only if the registry needs it.
  await repository.putBlob(descriptor, async (offset) => bytesOf(content.subarray(offset)));
  return descriptor;
}

/** Prints what was done, and what it took. */
async function step(verb: string, work: () => Promise<readonly string[]>): Promise<void> {
  const before = { requests, time: performance.now() };
  const lines = await work();
  const count = requests - before.requests;
  const took = `${count} ${count === 1 ? "request" : "requests"}, ${Math.round(performance.now() - before.time)} ms`;
  console.log([...lines, took].map((line, index) => (index === 0 ? verb : "").padEnd(12) + line).join("\n"));
}
