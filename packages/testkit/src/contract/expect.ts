import { readAll, type BlobContent, type OciErrorCode, type Repository } from "@drayage/oci";
import { expect } from "vitest";
import type { FixtureBlob } from "../fixture/blob.ts";

/** Passes if `call` rejects with an OciError of that code. */
export async function expectCode(call: Promise<unknown>, code: OciErrorCode): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: "OciError", code });
}

/** All bytes of what was got, at most 16 MiB. */
export function contentOf(content: BlobContent): Promise<Uint8Array> {
  return readAll(content.body, { limit: 16 * 1024 * 1024 });
}

/** Passes if both have the same bytes; unlike `toEqual` it stays fast for megabytes. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.byteLength).toBe(expected.byteLength);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** The entries of a list, in its order. */
export async function listOf<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
}

/** The tags of a repository, apart from those under which a registry without a list of referrers has them kept. */
export async function tagsOf(repository: Repository): Promise<string[]> {
  const tags = await listOf(repository.listTags());
  return tags.filter((tag) => !/^sha(?:256|512)-[0-9a-f]{64}$/.test(tag));
}

/** Puts `blob` and expects that this was necessary. */
export async function upload(repository: Repository, blob: FixtureBlob): Promise<void> {
  expect(await repository.putBlob(blob.descriptor, blob.open)).toBe("uploaded");
}

/** An opener that fails the case if it is called. */
export function unopened(): Promise<never> {
  throw new Error("the bytes were opened, but not needed");
}
