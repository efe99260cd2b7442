import { mapConcurrent, type DocumentStore } from "@drayage/oci";
import { blobsPrefix, catalogKey, catalogPrefix, manifestsPrefix } from "./keys.ts";
import { listKeys } from "./list.ts";
import { numberOf, parseRecord } from "./record.ts";

const concurrentReads = 16;

export interface CountedContent {
  readonly repository: string;
  /** The last segment of its keys. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** What the repositories of a namespace hold, each content once however many have it. */
export class Usage {
  /** By the last segment of their keys, in bytes. */
  readonly sizes: Map<string, number>;
  readonly repositories: Set<string>;
  bytes: number;
  /** In milliseconds since 1970. */
  readonly countedAt: number;

  constructor(sizes: Map<string, number>, repositories: Set<string>, countedAt: number) {
    this.sizes = sizes;
    this.repositories = repositories;
    this.bytes = Array.from(sizes.values()).reduce((sum, size) => sum + size, 0);
    this.countedAt = countedAt;
  }

  add({ repository, name, size }: CountedContent): void {
    this.repositories.add(repository);
    if (this.sizes.has(name)) return;
    this.sizes.set(name, size);
    this.bytes += size;
  }
}

/**
 * Counts a namespace: `""` has all repositories, any other one that of its name and those below.
 *
 * Content never changes its size, so that only what `known` lacks has to be read.
 */
export async function countUsage(
  documents: DocumentStore,
  namespace: string,
  { known, countedAt }: { readonly known: Usage | undefined; readonly countedAt: number },
): Promise<Usage> {
  const sizes = new Map<string, number>();
  const repositories = new Set<string>();
  for await (const name of repositoriesOf(documents, namespace)) {
    repositories.add(name);
    for (const [prefix, sizeAt] of [
      [blobsPrefix(name), blobSizeAt],
      [manifestsPrefix(name), manifestSizeAt],
    ] as const) {
      const keys = await Array.fromAsync(listKeys(documents, prefix));
      const isNew = (key: string): boolean => !sizes.has(key) && !(known?.sizes.has(key) ?? false);
      const read = await mapConcurrent(keys.filter(isNew), concurrentReads, async (key) => {
        return [key, await sizeAt(documents, prefix + key)] as const;
      });
      for (const key of keys) sizes.set(key, sizes.get(key) ?? known?.sizes.get(key) ?? 0);
      for (const [key, size] of read) sizes.set(key, size);
    }
  }
  return new Usage(sizes, repositories, countedAt);
}

async function* repositoriesOf(
  documents: DocumentStore,
  namespace: string,
): AsyncGenerator<string, void, undefined> {
  if (namespace === "") {
    yield* listKeys(documents, catalogPrefix);
    return;
  }
  if ((await documents.head(catalogKey(namespace))) !== undefined) yield namespace;
  for await (const name of listKeys(documents, catalogKey(`${namespace}/`))) yield `${namespace}/${name}`;
}

async function blobSizeAt(documents: DocumentStore, key: string): Promise<number> {
  const link = await documents.get(key);
  return link === undefined ? 0 : numberOf(parseRecord(link.bytes), "size");
}

async function manifestSizeAt(documents: DocumentStore, key: string): Promise<number> {
  return (await documents.head(key))?.size ?? 0;
}
