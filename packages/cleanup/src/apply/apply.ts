import {
  createMemoryJournal,
  mapConcurrent,
  OciError,
  type ContentDeleter,
  type Deleter,
  type Journal,
} from "@drayage/oci";
import { createMemoryCache } from "../inventory/cache.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { InventorySource } from "../inventory/source.ts";
import { inventoryWith, type StockOptions } from "../inventory/take.ts";
import type { Block, CleanupPlan, Operation } from "../plan.ts";
import { remainingOf } from "../remaining.ts";
import { isStaying, type CleanupEntry, type Outcome } from "./entry.ts";
import { execute, type Result } from "./execute.ts";
import { resume, type Progress } from "./progress.ts";

/** Where a plan is applied: every `Repository` is one. */
export type CleanupTarget = InventorySource & Pick<Deleter, "deleteManifest" | "deleteTag">;

export interface ApplyCleanupOptions extends Omit<StockOptions, "untagging"> {
  /** Where everything that was done is written down; with the one of an earlier run, the plan goes on from there. */
  readonly journal?: Journal<CleanupEntry> | undefined;
  /** Deletes in place of the target, by an API of the registry's own. */
  readonly deleter?: ContentDeleter | undefined;
  /** How many deletions this run may try; all by default. */
  readonly maxOperations?: number | undefined;
  /** Applies a plan after which no tag would be left, too. */
  readonly allowEmpty?: boolean | undefined;
  /** Called with every entry, once it is in the journal. */
  readonly onEntry?: ((entry: CleanupEntry) => void) | undefined;
  /**
   * How long the target is taken for what it was, in milliseconds, a minute by default; less where a look at it is soon
   * done, and more where that takes longer than half of it.
   */
  readonly freshFor?: number | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** What applying a plan came to. */
export interface CleanupResult {
  /** `partly` if something was refused or has failed, or is left to do; `blocked` if nothing more may be done. */
  readonly status: "done" | "partly" | "blocked";
  readonly blockedBy: readonly (Block | "leaves-nothing")[];
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** How many deletions there are between two looks at whether the plan still holds. */
const batchSize = 64;
/** The least time between two looks, in milliseconds. */
const soonest = 1000;
/** How many failures in a row end a run: the registry is down, and the next run finishes. */
const failureLimit = 16;
const none: CleanupResult["outcomes"] = { done: 0, gone: 0, moved: 0, protected: 0, refused: 0, failed: 0 };

/**
 * Deletes what the plan says, and nothing else: what has moved, what something new needs and what that needs stays.
 *
 * The target is looked at again before the first deletion, every minute or sooner and whenever something is not as
 * planned; each tag and each manifest is asked about once more right before it goes. Killed at any moment, it has broken
 * nothing, and the next run finishes.
 *
 * @throws OciError OPTION_INVALID for a plan of another repository; UNAUTHORIZED, and any code of the target's where
 * not even its first tag can be listed; STORAGE_INVALID for a journal that cannot be written
 * @example
 * const { status, outcomes } = await applyCleanup(plan, repository, { journal: await openJournalFile("plan.journal") });
 */
export async function applyCleanup(
  plan: CleanupPlan,
  target: CleanupTarget,
  options: ApplyCleanupOptions = {},
): Promise<CleanupResult> {
  const { name = target.name } = options;
  if (plan.repository !== name) {
    throw new OciError("OPTION_INVALID", `the plan is for ${plan.repository}, not for ${name}`);
  }
  const refused = refusalsOf(plan, options);
  if (refused.length > 0) return { status: "blocked", blockedBy: refused, outcomes: none };
  const { journal = createMemoryJournal<CleanupEntry>(), now = Date.now, signal } = options;
  // Indexes are read once, however often the target is looked at.
  const { cache = createMemoryCache() } = options;
  const progress = await resume(plan, journal, { now, signal });
  return carryOut(plan, target, { ...options, cache, journal, now, progress });
}

function refusalsOf(
  plan: CleanupPlan,
  { allowEmpty = false }: ApplyCleanupOptions,
): CleanupResult["blockedBy"] {
  const leavesNothing = plan.warnings.some(({ code }) => code === "leaves-nothing");
  if (plan.status === "blocked") return plan.blockedBy;
  return leavesNothing && !allowEmpty ? ["leaves-nothing"] : [];
}

interface Run extends ApplyCleanupOptions {
  readonly journal: Journal<CleanupEntry>;
  readonly progress: Progress;
  readonly now: () => number;
}

/** Judges what may be done, and does it until something is not as planned or some time has passed; over and over. */
async function carryOut(plan: CleanupPlan, target: CleanupTarget, run: Run): Promise<CleanupResult> {
  const { progress, maxOperations = Infinity } = run;
  const look = createLook(target, run);
  const perform = createPerformer(plan, target, run);
  let left = maxOperations;
  for (;;) {
    const { operations, held, blockedBy } = remainingOf(progress.plan(), await look.now());
    if (blockedBy !== undefined) return { ...resultOf(run), status: "blocked", blockedBy: [blockedBy] };
    for (const { operation, why } of held) {
      if (!progress.isSettled(operation)) await settle(operation, { outcome: why }, run);
    }
    let queue = operations.filter((operation) => !progress.isSettled(operation));
    if (queue.length === 0) return resultOf(run);
    for (let isAsPlanned = true; isAsPlanned && queue.length > 0; ) {
      const batch = firstOf(queue, Math.min(batchSize, left));
      if (batch.length === 0) return { ...resultOf(run), status: "partly" };
      left -= batch.length;
      const entries = await perform(batch);
      if (perform.isHopeless()) return resultOf(run);
      if (entries.some(({ outcome }) => outcome === "moved" || outcome === "protected")) look.forget();
      isAsPlanned = !entries.some(isStaying) && !look.isOld();
      queue = queue.slice(batch.length);
    }
  }
}

/** The first operations that may be done at once. */
function firstOf(queue: readonly Operation[], count: number): readonly Operation[] {
  const wave = queue[0]?.wave;
  const end = queue.findIndex((operation) => operation.wave !== wave);
  return queue.slice(0, Math.min(count, end < 0 ? queue.length : end));
}

/** What the target is like, as far as is known. */
interface Look {
  now(): Promise<Inventory>;
  isOld(): boolean;
  forget(): void;
}

function createLook(target: CleanupTarget, run: Run): Look {
  const { now, freshFor = 60_000, progress, deleter } = run;
  let seen: Inventory | undefined;
  let until = 0;
  const isOld = (): boolean => seen === undefined || now() >= until;
  return {
    isOld,
    async now() {
      if (seen !== undefined && !isOld()) return progress.update(seen);
      const start = now();
      progress.renew();
      seen = await inventoryWith(progress.left(), target, { ...run, untagging: deleter?.untagging });
      until = now() + freshnessAfter(now() - start, freshFor);
      return seen;
    },
    forget() {
      seen = undefined;
    },
  };
}

/**
 * How long to go on after a look that took `duration`: the less it takes, the sooner comes the next; but it shall never
 * take longer than what is done in between.
 */
function freshnessAfter(duration: number, freshFor: number): number {
  const soon = Math.max(10 * duration, soonest);
  return Math.max(Math.min(freshFor, soon), 2 * duration);
}

interface Performer {
  (batch: readonly Operation[]): Promise<readonly CleanupEntry[]>;
  /** Whether too much has failed in a row for anything else to be tried. */
  isHopeless(): boolean;
}

function createPerformer(plan: CleanupPlan, target: CleanupTarget, run: Run): Performer {
  const { deleter = deleterOf(target), concurrency = 8 } = run;
  const known = new Set(plan.manifests.map(({ digest }) => digest));
  const isKnown = known.has.bind(known);
  let failures = 0;
  const perform = (batch: readonly Operation[]): Promise<readonly CleanupEntry[]> =>
    mapConcurrent(
      batch,
      concurrency,
      async (operation, options) => {
        const result = await execute(operation, { source: target, deleter, isKnown, ...options });
        failures = result.outcome === "failed" ? failures + 1 : 0;
        return settle(operation, result, run);
      },
      run,
    );
  return Object.assign(perform, { isHopeless: () => failures >= failureLimit });
}

function deleterOf(target: CleanupTarget): ContentDeleter {
  return {
    untagging: "always",
    deleteTag: (tag, options) => target.deleteTag(tag, options),
    deleteManifest: (digest, options) => target.deleteManifest(digest, options),
  };
}

async function settle(
  operation: Operation,
  result: Result,
  { progress, journal, onEntry }: Run,
): Promise<CleanupEntry> {
  const entry = progress.settle(operation, result);
  await journal.append(entry);
  onEntry?.(entry);
  return entry;
}

function resultOf({ progress }: Run): CleanupResult {
  const outcomes = progress.counts();
  const isWhole = outcomes.refused + outcomes.failed === 0;
  return { status: isWhole ? "done" : "partly", blockedBy: [], outcomes };
}
