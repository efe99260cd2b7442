// The peer of cleanup-inventory.ts, in a process of its own: our registry with a repository of that many tags, an index
// of five platforms each, that waits 20 ms before it answers. Prints its port, and at every empty line what it was asked.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import {
  bytesOf,
  createManifestDocument,
  digestOf,
  mediaType,
  parseRoute,
  type Descriptor,
} from "@drayage/oci";
import { createHandler, createMemoryDriver, createRegistry } from "@drayage/registry";

const [tags = 0] = process.argv.slice(2).map(Number);
const architectures = ["amd64", "arm64", "s390x", "ppc64le", "riscv64"];
const delay = 20;

const registry = createRegistry(createMemoryDriver());
const repository = registry.repository("team/app");
const created = new Date(Date.now() - 90 * 86_400_000).toISOString();
const layer = await put(mediaType.ociLayerGzip, "a layer that all of them share");
for (let index = 0; index < tags; index++) await pushIndex(index);

/** Every twentieth tag is that of a pull request. */
async function pushIndex(index: number): Promise<void> {
  const manifests: object[] = [];
  for (const architecture of architectures) {
    const platform = { os: "linux", architecture };
    const config = await put(mediaType.ociConfig, JSON.stringify({ created, ...platform, index }));
    const image = { schemaVersion: 2, mediaType: mediaType.ociManifest, config, layers: [layer] };
    const document = createManifestDocument(image);
    await repository.putManifest(document);
    manifests.push({ ...document.descriptor, platform });
  }
  const document = createManifestDocument({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests });
  const name = String(index).padStart(6, "0");
  await repository.putManifest(document, { tags: [index % 20 === 0 ? `pr-${name}` : `v-${name}`] });
}

async function put(type: string, text: string): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(text);
  const descriptor = { mediaType: type, digest: digestOf(bytes), size: bytes.byteLength };
  await repository.putBlob(descriptor, async () => bytesOf(bytes));
  return descriptor;
}

let asked: Record<string, number> = {};
const handler = createHandler(registry);
const server = createServer((request, response) => {
  const kind = parseRoute(request.url ?? "")?.kind ?? "other";
  asked[kind] = (asked[kind] ?? 0) + 1;
  setTimeout(() => handler(request, response), delay);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
createInterface(process.stdin).on("line", () => {
  console.log(JSON.stringify(asked));
  asked = {};
});
