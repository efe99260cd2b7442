import {
  isDigest,
  isTag,
  ownValue,
  parseObject,
  type Digest,
  type OciErrorCode,
  type RefusalReason,
  type Tag,
} from "@drayage/oci";

const outcomes = ["done", "gone", "moved", "protected", "refused", "failed"] as const;

/**
 * What became of one deletion of a plan.
 *
 * - `done`, `gone`: it was deleted, or was not there any more
 * - `moved`: the tag points elsewhere by now, and stays
 * - `protected`: something outside the plan needs it by now, and it stays
 * - `refused`: the registry keeps it for good
 * - `failed`: the registry could not do it; another run may
 */
export type Outcome = (typeof outcomes)[number];

/** A line of the journal. */
export interface CleanupEntry {
  /** The plan's `basis`. */
  readonly plan: Digest;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** The tag that was to be removed; without one, the manifest itself. */
  readonly tag?: Tag | undefined;
  readonly digest: Digest;
  readonly outcome: Outcome;
  /** Why it was refused, or what failed. */
  readonly reason?: RefusalReason | OciErrorCode | undefined;
  /** In the words of the registry or of the failure. */
  readonly message?: string | undefined;
}

/** Whether what an entry is about is not there any more. */
export function isDeleted({ outcome }: Pick<CleanupEntry, "outcome">): boolean {
  return outcome === "done" || outcome === "gone";
}

/**
 * Whether what an entry is about stays, and with it all that it needs. A tag that cannot be removed alone does not: it
 * goes together with its manifest.
 */
export function isStaying(entry: Pick<CleanupEntry, "outcome" | "reason" | "tag">): boolean {
  return !isDeleted(entry) && !(entry.tag !== undefined && entry.reason === "unsupported");
}

/** The entry that a line of a journal spells, or nothing if it is none. */
export function parseEntry(value: unknown): CleanupEntry | undefined {
  const object = parseObject(value);
  if (object === undefined) return undefined;
  const [plan, digest, tag] = ["plan", "digest", "tag"].map((key) => ownValue(object, key));
  const isNamed =
    typeof plan === "string" && isDigest(plan) && typeof digest === "string" && isDigest(digest);
  const isTagged = tag === undefined || (typeof tag === "string" && isTag(tag));
  const isOutcome = outcomes.some((outcome) => outcome === ownValue(object, "outcome"));
  return isNamed && isTagged && isOutcome ? (object as unknown as CleanupEntry) : undefined;
}
