import {
  isOciError,
  type CallOptions,
  type ContentDeleter,
  type DeleteResult,
  type Digest,
  type OciErrorCode,
  type ReferrerLister,
  type Refusal,
  type RefusalReason,
} from "@drayage/oci";
import type { InventorySource } from "../inventory/source.ts";
import type { Operation } from "../plan.ts";
import type { CleanupEntry } from "./entry.ts";

/** What became of an operation. */
export type Result = Pick<CleanupEntry, "outcome" | "reason" | "message">;

/** What an operation is done with. */
export interface Tools extends CallOptions {
  readonly source: ReferrerLister & Pick<InventorySource, "listsReferrers">;
  readonly deleter: ContentDeleter;
  /** Whether the plan knows a manifest, be it to keep or to delete it. */
  readonly isKnown: (digest: Digest) => boolean;
}

/** What a registry's refusals mean that it gives as errors. */
const refusals: ReadonlyMap<OciErrorCode, RefusalReason> = new Map([
  ["UNSUPPORTED", "unsupported"],
  ["DENIED", "denied"],
]);

/**
 * Does one operation, if what it deletes is still what was planned at this very moment.
 *
 * @throws OciError UNAUTHORIZED, after which nothing else would be allowed either
 */
export async function execute(operation: Operation, tools: Tools): Promise<Result> {
  try {
    const answer = await perform(operation, tools);
    if (typeof answer === "object") return answer;
    return { outcome: answer === "deleted" ? "done" : "gone" };
  } catch (error) {
    tools.signal?.throwIfAborted();
    if (!isOciError(error) || error.code === "UNAUTHORIZED") throw error;
    return resultOf(error.code, error.message);
  }
}

async function perform(
  { tag, digest }: Operation,
  { source, deleter, isKnown, signal }: Tools,
): Promise<DeleteResult | Result> {
  if (tag !== undefined && deleter.untagging === "never")
    return { outcome: "refused", reason: "unsupported" };
  if (tag !== undefined) return asResult(await deleter.deleteTag(tag, { ifMatch: digest, signal }));
  if (source.listsReferrers !== false) {
    for await (const referrer of source.listReferrers(digest, { signal })) {
      if (isKnown(referrer.digest)) continue;
      return { outcome: "protected", message: `${referrer.digest} refers to it by now` };
    }
  }
  return asResult(await deleter.deleteManifest(digest, { signal }));
}

function asResult(answer: DeleteResult | Refusal): DeleteResult | Result {
  if (typeof answer === "string") return answer;
  return { outcome: "refused", reason: answer.refused, message: answer.message };
}

function resultOf(code: OciErrorCode, message: string): Result {
  if (code === "PRECONDITION_FAILED") return { outcome: "moved" };
  if (code === "MANIFEST_UNKNOWN" || code === "NAME_UNKNOWN") return { outcome: "gone" };
  const reason = refusals.get(code);
  if (reason !== undefined) return { outcome: "refused", reason, message };
  return { outcome: "failed", reason: code, message };
}
