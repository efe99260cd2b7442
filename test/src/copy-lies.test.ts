import { createClient } from "@drayage/client";
import { copy } from "@drayage/copy";
import { MemoryRegistry, trace, type Digest, type Registry } from "@drayage/oci";
import { createHandler, listen } from "@drayage/registry";
import { createImage, pushImage } from "@drayage/testkit";
import { expect, it } from "vitest";

/** `registry`, which says of `lies` that they are there, until it is asked for the manifest that needs them. */
function lying(registry: Registry, lies: readonly Digest[]): Registry {
  const traced = trace(registry, () => undefined);
  return {
    ...traced,
    repository(name, options) {
      const repository = traced.repository(name, options);
      const descriptorOf = (digest: Digest) => ({ mediaType: "application/octet-stream", digest, size: 1 });
      return {
        ...repository,
        headBlob: async (digest, call) =>
          lies.includes(digest) ? descriptorOf(digest) : repository.headBlob(digest, call),
        mountBlob: async (digest, call) =>
          lies.includes(digest) ? descriptorOf(digest) : repository.mountBlob(digest, call),
      };
    },
  };
}

it("sends again every blob that the target names when it refuses the manifest, however many", async () => {
  const image = createImage({ layers: 6 });
  const lies = image.layers.slice(0, 3).map(({ descriptor }) => descriptor.digest);
  const source = new MemoryRegistry();
  const target = new MemoryRegistry();
  await pushImage(source.repository("app"), image, { tags: ["v1"] });
  const server = await listen(createHandler(lying(target, lies)));
  const client = createClient();
  try {
    const repository = client.repository(`${server.host}/app`, { access: ["pull", "push"] });
    const opened: Digest[] = [];
    const { blobs } = await copy(
      { repository: source.repository("app"), at: "v1" },
      { repository, tags: ["v1"] },
      { onProgress: (event) => void (event.kind === "blob-bytes" && opened.push(event.blob.digest)) },
    );
    expect(blobs).toEqual({ uploaded: 7, mounted: 0, present: 0 });
    expect(opened.slice(-3).sort()).toEqual([...lies].sort());
    expect(new Set(opened).size).toBe(opened.length);
    expect(await target.repository("app").headManifest("v1")).toEqual(image.document.descriptor);
  } finally {
    await client.close();
    await server.close();
  }
});
