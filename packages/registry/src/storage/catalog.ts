import type { CallOptions, ListOptions, DocumentStore } from "@drayage/oci";
import { blobsPrefix, catalogKey, catalogPrefix, manifestsPrefix, repositoriesPrefix } from "./keys.ts";
import { listKeys } from "./list.ts";
import type { Place } from "./place.ts";

/** Every repository that has content, by name. */
export function listRepositories(documents: DocumentStore, options: ListOptions): AsyncIterable<string> {
  return listKeys(documents, catalogPrefix, options);
}

/** Every repository of which anything is stored, also one that a crash has kept out of the catalog. */
export async function* listStoredRepositories(
  documents: DocumentStore,
  { signal }: CallOptions = {},
): AsyncGenerator<string, void, undefined> {
  for (let after: string | undefined; ; ) {
    const page = await documents.list(repositoriesPrefix, { after, limit: 1, signal });
    const [key] = page.keys;
    if (key === undefined) return;
    const name = key.slice(repositoriesPrefix.length, key.indexOf("/_"));
    yield name;
    // Behind all documents of the repository itself, before those of repositories below it.
    after = `${repositoriesPrefix}${name}/_~`;
  }
}

/** Whether the repository has content. */
export async function isEnrolled({ driver, name }: Place, options: CallOptions = {}): Promise<boolean> {
  return (await driver.documents.head(catalogKey(name), options)) !== undefined;
}

/** Lists the repository, which has got content just now. */
export async function enroll(place: Place): Promise<void> {
  if (await isEnrolled(place)) return;
  await place.driver.documents.put(catalogKey(place.name), new Uint8Array(0));
}

/** Lists the repository no longer if it has lost its last content. */
export async function withdrawIfEmpty(place: Place): Promise<void> {
  if (!(await isEmpty(place))) return;
  await place.driver.documents.delete(catalogKey(place.name));
  // Content stored since the look above has found the repository listed, and does not list it again.
  if (!(await isEmpty(place))) await enroll(place);
}

async function isEmpty({ driver, name }: Place): Promise<boolean> {
  for (const prefix of [manifestsPrefix(name), blobsPrefix(name)]) {
    const { keys } = await driver.documents.list(prefix, { limit: 1 });
    if (keys.length > 0) return false;
  }
  return true;
}
