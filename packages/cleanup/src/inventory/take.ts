import {
  isOciError,
  mediaType,
  type CallOptions,
  type Digest,
  type ManifestInventory,
  type Untagging,
} from "@drayage/oci";
import { condemnedBy, planCleanup, type PlannedManifest } from "../plan.ts";
import type { CleanupPolicy } from "../policy.ts";
import { createMemoryCache, type ManifestCache } from "./cache.ts";
import type { Inventory } from "./inventory.ts";
import { listTagsInto } from "./listing.ts";
import { contentNeeds, createdNeeds, keepsEnough, leftovers, spareNeeds } from "./needs.ts";
import { readCreated, readItems } from "./read.ts";
import { readTies, type Candidates } from "./referrers.ts";
import type { Asking, InventorySource } from "./source.ts";
import { createStock, isOpen, type Stock } from "./stock.ts";

/** How a repository is asked about its state. */
export interface StockOptions extends CallOptions {
  /** How many requests may be under way at once, 8 by default; how fast they go is up to the source. */
  readonly concurrency?: number | undefined;
  /** What is known from earlier runs, so that only what is new is read. */
  readonly cache?: ManifestCache | undefined;
  /** Lists tags and manifests in place of the source, by an API of the registry's own. */
  readonly listing?: ManifestInventory | undefined;
  /** What the registry can do; `always` by default. */
  readonly untagging?: Untagging | undefined;
  /** Digests that are running somewhere. */
  readonly inUse?: readonly Digest[] | undefined;
  /** What the repository is called in plans; its own name by default. */
  readonly name?: string | undefined;
}

export interface InventoryOptions extends StockOptions {
  /** What the inventory is for: only what it asks about is looked for, and nothing that is going to stay is examined. */
  readonly policy?: CleanupPolicy | undefined;
  /** The moment that ages are counted at, in milliseconds since 1970; the time of the call by default. */
  readonly now?: number | undefined;
}

/**
 * The state of a repository: its tags, the manifests they lead to, and what refers to those.
 *
 * Where the registry fails half way, the answer says that it is not complete, and why; a plan that rests on it is
 * blocked. Nothing is written to the registry.
 *
 * @throws OciError NAME_UNKNOWN, UNAUTHORIZED, DENIED, CONNECTION_FAILED, … if not even the first tag can be listed;
 * STORAGE_INVALID for a cache that cannot be written
 * @example
 * const state = await inventory(repository, { policy, cache: await openManifestCache(".cache/team-app.jsonl") });
 * const plan = planCleanup(state, policy, { now: Date.now() });
 */
export function inventory(source: InventorySource, options: InventoryOptions = {}): Promise<Inventory> {
  const { policy, now = Date.now() } = options;
  const candidates: Candidates =
    policy === undefined
      ? (stock) => new Set(stock.items.keys())
      : (stock) => condemnedBy(inventoryOf(stock, source, options), policy, { now });
  return takeStock(source, options, async (stock, asking) => {
    await readItems(stock, leftovers(stock), asking);
    if (policy !== undefined) await readForPolicy(stock, policy, { ...asking, source, options, now });
    await readTies(stock, candidates, asking);
  });
}

/**
 * The state of a repository as far as it matters to those who carry out a plan: `present` is taken to be there, whether
 * or not anything leads to it. What it refers to is known from the plan, since content never changes.
 */
export function inventoryWith(
  present: readonly PlannedManifest[],
  source: InventorySource,
  options: StockOptions,
): Promise<Inventory> {
  return takeStock(source, options, async (stock, asking) => {
    const items = present.map(({ digest, kind, subject }) => {
      const type = kind === "index" ? mediaType.ociIndex : mediaType.ociManifest;
      return stock.addTied({ digest, mediaType: type }, subject);
    });
    await readItems(stock, items.filter(isOpen), asking);
  });
}

/** Lists all tags, reads all indexes, and then what `examine` wants to know besides. */
async function takeStock(
  source: InventorySource,
  options: StockOptions,
  examine: (stock: Stock, asking: Asking) => Promise<void>,
): Promise<Inventory> {
  const { concurrency = 8, cache = createMemoryCache(), listing, signal } = options;
  const asking: Asking = { source, cache, concurrency, signal };
  const stock = createStock();
  try {
    await listTagsInto(stock, { ...asking, listing });
    await readItems(stock, [...stock.items.values()].filter(isOpen), asking);
    await examine(stock, asking);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isOciError(error) || stock.items.size === 0) throw error;
    await cache.save({ signal });
    const { code, message } = error;
    return { ...inventoryOf(stock, source, options), complete: false, problems: [{ code, message }] };
  }
  await cache.save({ keep: new Set(stock.items.keys()), signal });
  return inventoryOf(stock, source, options);
}

async function readForPolicy(
  stock: Stock,
  policy: CleanupPolicy,
  { now, options, ...asking }: Asking & { readonly options: StockOptions; readonly now: number },
): Promise<void> {
  await readItems(stock, contentNeeds(stock, policy), asking);
  await readCreated(stock, createdNeeds(stock, policy), asking);
  if (keepsEnough(stock, policy)) return;
  const draft = planCleanup(inventoryOf(stock, asking.source, options), policy, { now });
  await readCreated(stock, spareNeeds(stock, policy, draft), asking);
}

function inventoryOf(stock: Stock, source: InventorySource, options: StockOptions): Inventory {
  const { untagging = "always", inUse = [], name = source.name } = options;
  return {
    repository: name,
    complete: true,
    manifests: stock.manifests(),
    tags: [...stock.tags.values()],
    inUse,
    capabilities: { untag: untagging !== "never", lastTagTakesManifest: untagging === "unless-last" },
  };
}
