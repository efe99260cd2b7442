import {
  createMemoryDriver,
  createHandler,
  createRegistry,
  listen,
  type RegistryServer,
} from "@drayage/registry";
import { createImage, createIndex, bytesOfBlob } from "@drayage/testkit";
import { expect, it } from "vitest";
import {
  digestFromManifestStr,
  parseRepoAndRef,
  RegistryClientV2,
  type ManifestOCI,
  type ManifestOCIIndex,
} from "./index.ts";

// What the earlier library's documentation shows, against a registry of ours.

const image = createImage({ layers: 2 });
const index = createIndex({ manifests: [image] });

const serve = (): Promise<RegistryServer> => listen(createHandler(createRegistry(createMemoryDriver())));

async function push(client: RegistryClientV2): Promise<void> {
  for (const { descriptor, open } of image.blobs) {
    const bytes = await bytesOfBlob({ descriptor, open });
    const stream = new Blob([Uint8Array.from(bytes)]).stream();
    await client.blobUpload({ digest: descriptor.digest, contentLength: descriptor.size, stream });
  }
  const { descriptor, bytes } = image.document;
  await client.putManifest({ manifestData: bytes, ref: descriptor.digest, mediaType: descriptor.mediaType });
  await client.putManifest({ manifestData: index.document.bytes, ref: "latest" });
}

it("an image is pushed, found, pulled and deleted", async () => {
  await using server = await serve();
  const { tag, ...repo } = parseRepoAndRef(`${server.host}/library/app`);
  await using client = new RegistryClientV2({ repo, scopes: ["pull", "push"] });
  expect(await client.supportsV2()).toBe(true);
  expect((await client.ping()).status).toBe(200);

  await push(client);
  expect(await client.listTags()).toEqual({ name: "library/app", tags: ["latest"] });

  const ref = tag ?? "";
  const { resp, manifest } = await client.getManifest({ ref, acceptManifestLists: true });
  const text = new TextDecoder().decode(await resp.dockerBody());
  expect(resp.headers.get("docker-content-digest")).toBe(await digestFromManifestStr(text));
  const [child] = isIndex(manifest) ? manifest.manifests : [];
  expect(child?.platform).toEqual({ os: "linux", architecture: "amd64" });

  const { manifest: own } = await client.getManifest({ ref: child?.digest ?? "" });
  const layers = isImage(own) ? own.layers : [];
  expect(layers.map(({ digest }) => digest)).toEqual(image.layers.map(({ descriptor }) => descriptor.digest));
  for (const { digest, size } of layers) {
    const ress = await client.headBlob({ digest });
    expect(ress.at(-1)?.headers.get("content-length")).toBe(String(size));
    const { stream } = await client.createBlobReadStream({ digest });
    expect((await new Response(stream).arrayBuffer()).byteLength).toBe(size);
  }

  await client.deleteManifest({ ref: resp.headers.get("docker-content-digest") ?? "" });
  expect(await client.listAllTags()).toEqual({ name: "library/app", tags: [] });
});

it("a manifest that is not there is an HttpError with the registry's code", async () => {
  await using server = await serve();
  await using client = new RegistryClientV2({ name: `${server.host}/library/app` });
  await expect(client.getManifest({ ref: "nosuchtag" })).rejects.toMatchObject({
    name: "HttpError",
    resp: { status: 404 },
    errors: [{ code: expect.stringMatching(/^(NAME|MANIFEST)_UNKNOWN$/) as unknown }],
  });
});

function isIndex(manifest: object): manifest is ManifestOCIIndex {
  return "manifests" in manifest;
}

function isImage(manifest: object): manifest is ManifestOCI {
  return "layers" in manifest;
}
