import { describe, expect, it } from "vitest";
import { bytesOf, isVerified, readAll } from "./bytes.ts";
import { digestOf } from "./digest.ts";
import { createManifestDocument } from "./manifest.ts";
import { mediaType } from "./media-type.ts";
import { MemoryRegistry } from "./memory.ts";

// That it keeps the promises of the interfaces is what the repository contract tests, over it first of all.
const index = createManifestDocument({ schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] });
const bytes = new TextEncoder().encode("content");
const blob = { mediaType: mediaType.octetStream, digest: digestOf(bytes), size: bytes.byteLength };

describe("MemoryRegistry", () => {
  it("tells when each tag was pushed, by the clock it was given", async () => {
    let time = 1000;
    const repository = new MemoryRegistry({ now: () => time }).repository("a");
    await repository.putManifest(index, { tags: ["old"] });
    time = 2000;
    await repository.putManifest(index, { tags: ["new"] });
    if (repository.inventory === undefined) throw new Error("there is no inventory");
    const records = await listOf(repository.inventory.listTagRecords());
    const { digest, size } = index.descriptor;
    const common = { digest, size, mediaType: mediaType.ociIndex };
    expect(records).toEqual([
      { ...common, tag: "new", pushed: 2000 },
      { ...common, tag: "old", pushed: 1000 },
    ]);
  });

  it("shares content among all objects of one repository, and with no other registry", async () => {
    const registry = new MemoryRegistry();
    await registry.repository("a").putBlob(blob, async () => bytesOf(bytes));
    expect(await registry.repository("a").headBlob(blob.digest)).toEqual(blob);
    expect(await new MemoryRegistry().repository("a").headBlob(blob.digest)).toBeUndefined();
  });

  it("gives whole blobs as verified bytes, so that nobody hashes them again, and parts as they are", async () => {
    const repository = new MemoryRegistry().repository("a");
    await repository.putBlob(blob, async () => bytesOf(bytes));
    expect(isVerified((await repository.getBlob(blob.digest)).body, blob.digest)).toBe(true);
    const part = await repository.getBlob(blob.digest, { range: { start: 0 } });
    expect(isVerified(part.body, blob.digest)).toBe(false);
  });

  it("is not changed by who changes the bytes of a chunk after it was appended", async () => {
    const repository = new MemoryRegistry().repository("a");
    const session = await repository.openUpload();
    const chunk = Uint8Array.from(bytes);
    await session.append(bytesOf(chunk));
    chunk.fill(0);
    await session.commit(blob.digest);
    const { body } = await repository.getBlob(blob.digest);
    expect(await readAll(body, { limit: 100 })).toEqual(Buffer.from(bytes));
  });

  it("does not list a repository in which nothing but an upload was begun", async () => {
    const registry = new MemoryRegistry();
    await registry.repository("a").openUpload();
    expect(await listOf(registry.listRepositories())).toEqual([]);
  });
});

/** The entries of a list, in its order. */
async function listOf<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
}
