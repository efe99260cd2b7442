import {
  mapConcurrent,
  type CallOptions,
  type ListedManifest,
  type ManifestInventory,
  type Tag,
  type TagPage,
} from "@drayage/oci";
import type { Asking, InventorySource } from "./source.ts";
import type { Stock } from "./stock.ts";

/**
 * Lists all tags with their digests into `stock`, in the way that takes the fewest requests: by an API of the
 * registry's own, in pages that name digests, or else with a `HEAD` for each tag.
 */
export async function listTagsInto(
  stock: Stock,
  { listing, ...asking }: Asking & { readonly listing?: ManifestInventory | undefined },
): Promise<void> {
  const { source, signal } = asking;
  if (listing !== undefined) {
    for await (const manifest of listing.listStoredManifests({ signal })) stock.addStored(manifest);
    return;
  }
  if (source.inventory !== undefined) {
    for await (const record of source.inventory.listTagRecords({ signal })) stock.addTag(record);
    return;
  }
  for await (const page of pagesOf(source, { signal })) {
    for (const manifest of page.manifests ?? []) addListed(stock, manifest);
    const unknown = page.tags.filter((tag) => !stock.tags.has(tag));
    await headTags(stock, unknown, asking);
  }
}

type Page = Pick<TagPage, "tags" | "manifests">;

/** How many tags are asked for at once where pages are hidden. */
const pageSize = 1000;

function pagesOf(source: InventorySource, { signal }: CallOptions): AsyncIterable<Page> {
  const { listTagPages } = source;
  return listTagPages === undefined
    ? chunksOf(source, { signal })
    : listTagPages({ manifests: true, signal });
}

async function* chunksOf(
  source: InventorySource,
  options: CallOptions,
): AsyncGenerator<Page, void, undefined> {
  let tags: Tag[] = [];
  for await (const tag of source.listTags(options)) {
    if (tags.push(tag) < pageSize) continue;
    yield { tags };
    tags = [];
  }
  if (tags.length > 0) yield { tags };
}

function addListed(stock: Stock, { tags, uploaded, ...manifest }: ListedManifest): void {
  stock.addStored({ ...manifest, pushed: uploaded, tags: tags.map((name) => ({ name })) });
}

async function headTags(stock: Stock, tags: readonly Tag[], asking: Asking): Promise<void> {
  const { source, concurrency, signal } = asking;
  await mapConcurrent(
    tags,
    concurrency,
    async (tag, options) => {
      const descriptor = await source.headManifest(tag, options);
      // A tag that is listed and leads nowhere has just been deleted, or never led anywhere.
      if (descriptor !== undefined) stock.addTag({ ...descriptor, tag, size: undefined });
    },
    { signal },
  );
}
