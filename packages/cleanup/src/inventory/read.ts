import {
  isOciError,
  mapConcurrent,
  parseImageConfig,
  readAll,
  type CallOptions,
  type Digest,
} from "@drayage/oci";
import { factsOf, withCreated, type ManifestFacts } from "./facts.ts";
import type { Asking } from "./source.ts";
import { isOpen, type Item, type Stock } from "./stock.ts";

/** How large a configuration may be, in bytes. */
const configLimit = 8 * 1024 * 1024;

/** Reads the manifests `items`, and all indexes below them; what the cache knows is not asked for. */
export async function readItems(stock: Stock, items: Iterable<Item>, asking: Asking): Promise<void> {
  const { concurrency, signal } = asking;
  let level = [...items].filter(isUnread);
  while (level.length > 0) {
    await mapConcurrent(level, concurrency, (item, options) => readItem(item, { ...asking, ...options }), {
      signal,
    });
    const children = level.flatMap(({ facts }) => facts?.children ?? []).map((child) => stock.addTied(child));
    level = [...new Set(children)].filter(isOpen);
  }
}

/** Finds out when the images `items` were made; of an index that does not say so, those in it. */
export async function readCreated(stock: Stock, items: Iterable<Item>, asking: Asking): Promise<void> {
  const { concurrency, signal } = asking;
  let level = [...new Set(items)];
  const seen = new Set<Item>();
  while (level.length > 0) {
    for (const item of level) seen.add(item);
    await readItems(stock, level, asking);
    await mapConcurrent(level, concurrency, (item, options) => dateItem(item, { ...asking, ...options }), {
      signal,
    });
    const undated = level.filter(({ facts }) => facts?.kind === "index" && facts.created === "unknown");
    const children = undated.flatMap(({ facts }) => facts?.children ?? []);
    level = children.map((child) => stock.addTied(child)).filter((item) => !seen.has(item));
    level = [...new Set(level)];
  }
}

function isUnread({ facts, failure }: Item): boolean {
  return facts === undefined && failure === undefined;
}

async function readItem(item: Item, asking: Asking): Promise<void> {
  const { cache, source, signal } = asking;
  const known = cache.get(item.digest);
  if (known !== undefined) {
    item.facts = known;
    return;
  }
  try {
    item.facts = factsOf(await source.getManifest(item.digest, { signal }));
    cache.set(item.facts);
  } catch (error) {
    item.failure = failureOf(error);
  }
}

/** What is wrong with the content itself; what is wrong with the asking is thrown, since asking again may help. */
function failureOf(error: unknown): NonNullable<Item["failure"]> {
  if (isOciError(error, "MANIFEST_UNKNOWN")) return "absent";
  const isContent = isOciError(
    error,
    "MANIFEST_INVALID",
    "DIGEST_MISMATCH",
    "SIZE_MISMATCH",
    "LIMIT_EXCEEDED",
  );
  if (isContent) return "unreadable";
  throw error;
}

async function dateItem(item: Item, asking: Asking): Promise<void> {
  const { facts } = item;
  if (facts?.config === undefined || facts.created !== undefined) return;
  const dated = withCreated(facts, await createdOf(facts.config, asking));
  item.facts = dated;
  asking.cache.set(dated);
}

async function createdOf(
  config: NonNullable<ManifestFacts["config"]>,
  { source, signal }: Asking,
): Promise<string | undefined> {
  try {
    return parseImageConfig(await readBlob(source, config, { signal })).created;
  } catch (error) {
    const isContent = isOciError(
      error,
      "BLOB_UNKNOWN",
      "MANIFEST_INVALID",
      "DIGEST_MISMATCH",
      "LIMIT_EXCEEDED",
    );
    if (isContent) return undefined;
    throw error;
  }
}

async function readBlob(source: Asking["source"], digest: Digest, options: CallOptions): Promise<Uint8Array> {
  const { body } = await source.getBlob(digest, options);
  return readAll(body, { limit: configLimit });
}
