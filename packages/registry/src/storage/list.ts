import type { CallOptions, DocumentStore } from "@drayage/oci";

const defaultPage = 1000;

/** The rest of every key that begins with `prefix`, in byte order, a page at a time. */
export async function* listKeys(
  documents: DocumentStore,
  prefix: string,
  options: CallOptions & { readonly after?: string | undefined; readonly pageSize?: number | undefined } = {},
): AsyncGenerator<string, void, undefined> {
  const { signal, pageSize = defaultPage } = options;
  const limit = Math.min(Math.max(pageSize, 1), defaultPage);
  let after = options.after === undefined ? undefined : prefix + options.after;
  for (let more = true; more; ) {
    const page = await documents.list(prefix, { after, limit, signal });
    for (const key of page.keys) {
      signal?.throwIfAborted();
      yield key.slice(prefix.length);
    }
    after = page.keys.at(-1);
    more = page.more && after !== undefined;
  }
}

/** `items` in groups, for who works on several at a time. */
export async function* inGroups<Item>(
  items: AsyncIterable<Item>,
  size: number,
): AsyncGenerator<readonly Item[], void, undefined> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
