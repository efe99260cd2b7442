import type { Journal } from "@drayage/oci";
import type { Inventory } from "../inventory/inventory.ts";
import type { CleanupPlan, Operation, PlannedManifest } from "../plan.ts";
import { isDeleted, isStaying, type CleanupEntry, type Outcome } from "./entry.ts";
import type { Result } from "./execute.ts";

/** How far the operations of a plan are. */
export interface Progress {
  /** What the plan comes to by now: it deletes no more what is to stay after all. */
  plan(): CleanupPlan;
  /** The manifests of the plan's deletions that nobody has deleted yet. */
  left(): readonly PlannedManifest[];
  isSettled(operation: Operation): boolean;
  settle(operation: Operation, result: Result): CleanupEntry;
  /** `state` without what has been deleted since {@link renew}. */
  update(state: Inventory): Inventory;
  /** From now on, what was deleted and is there is something new. */
  renew(): void;
  counts(): Readonly<Record<Outcome, number>>;
}

/**
 * The progress of `plan` as its journal tells it.
 *
 * What was deleted once is not deleted again: if it is back, somebody wants it.
 */
export async function resume(
  plan: CleanupPlan,
  journal: Journal<CleanupEntry>,
  { now, signal }: { readonly now: () => number; readonly signal?: AbortSignal | undefined },
): Promise<Progress> {
  const progress = createProgress(plan, now);
  for await (const entry of journal.read({ signal })) {
    if (entry.plan === plan.basis && isDeleted(entry)) progress.recall(entry);
  }
  return progress;
}

interface Recalling extends Progress {
  /** Takes an operation as settled by an earlier run. */
  recall(operation: Pick<Operation, "tag" | "digest">): void;
}

function createProgress(plan: CleanupPlan, now: () => number): Recalling {
  const settled = new Set<string>();
  const deleted = new Set<string>();
  const staying = new Set<string>();
  const gone = new Set<string>();
  const condemned = plan.manifests.filter(({ action }) => action === "delete");
  const counts = { done: 0, gone: 0, moved: 0, protected: 0, refused: 0, failed: 0 };
  return {
    recall(operation) {
      settled.add(keyOf(operation));
      staying.add(keyOf(operation));
      gone.add(keyOf(operation));
    },
    plan: () => sparing(plan, staying),
    left: () => condemned.filter(({ digest }) => !gone.has(digest)),
    isSettled: (operation) => settled.has(keyOf(operation)),
    settle(operation, result) {
      const { tag, digest } = operation;
      settled.add(keyOf(operation));
      counts[result.outcome]++;
      if (isDeleted(result)) deleted.add(keyOf(operation));
      if (isStaying({ tag, ...result })) staying.add(keyOf(operation));
      return { plan: plan.basis, at: now(), tag, digest, ...result };
    },
    update: (state) => ({
      ...state,
      manifests: state.manifests.filter(({ digest }) => !deleted.has(digest)),
      tags: state.tags.filter(({ name, digest }) => !deleted.has(name) && !deleted.has(digest)),
    }),
    renew() {
      for (const key of deleted) {
        staying.add(key);
        gone.add(key);
      }
      deleted.clear();
    },
    counts: () => ({ ...counts }),
  };
}

/** A tag has no colon, and a digest has one. */
function keyOf({ tag, digest }: Pick<Operation, "tag" | "digest">): string {
  return tag ?? digest;
}

function sparing(plan: CleanupPlan, staying: ReadonlySet<string>): CleanupPlan {
  const keep = "keep" as const;
  return {
    ...plan,
    tags: plan.tags.map((tag) => (staying.has(tag.name) ? { ...tag, action: keep } : tag)),
    manifests: plan.manifests.map((one) => (staying.has(one.digest) ? { ...one, action: keep } : one)),
    operations: plan.operations.filter((operation) => !staying.has(keyOf(operation))),
  };
}
