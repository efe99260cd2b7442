import { isDigest, OciError, type Digest } from "@drayage/oci";
import type { Because } from "./live.ts";
import type { CleanupPlan, PlannedManifest, PlannedTag } from "./plan.ts";

/** Why a tag or manifest stays or goes. */
export interface Explanation {
  /** What was asked about. */
  readonly of: string;
  readonly action: "keep" | "delete";
  /** One sentence for each step, from what was asked about to what decides it. */
  readonly chain: readonly string[];
}

/**
 * Why the tag or digest stays or goes under the plan, with everything between it and its cause.
 *
 * @throws OciError MANIFEST_UNKNOWN if the plan does not know it
 * @example
 * for (const line of explain(plan, "v1.2.3").chain) console.log(line);
 */
export function explain(plan: CleanupPlan, at: string): Explanation {
  if (isDigest(at)) return explainManifest(plan, at);
  const tag = plan.tags.find(({ name }) => name === at);
  if (tag === undefined) throw unknown(plan, at);
  const followed = tag.decidedBy.startsWith("linked:") ? tag.decidedBy.slice("linked:".length) : "";
  const rest = isDigest(followed) ? chainOf(plan, followed) : [];
  return { of: at, action: tag.action, chain: [sayTag(tag), ...rest] };
}

function explainManifest(plan: CleanupPlan, digest: Digest): Explanation {
  const manifest = plan.manifests.find((one) => one.digest === digest);
  if (manifest === undefined) throw unknown(plan, digest);
  return { of: digest, action: manifest.action, chain: chainOf(plan, digest) };
}

/** What decides over `digest`, step by step; causes lead away from where they came, so that it ends. */
function chainOf(plan: CleanupPlan, digest: Digest): readonly string[] {
  const manifests = new Map(plan.manifests.map((manifest) => [manifest.digest, manifest]));
  const chain: string[] = [];
  let manifest = manifests.get(digest);
  while (manifest !== undefined && chain.length <= plan.manifests.length) {
    chain.push(sayManifest(manifest));
    const { because } = manifest;
    if (because?.kind === "tag") {
      const tag = plan.tags.find(({ name }) => name === because.tag);
      if (tag !== undefined) chain.push(sayTag(tag));
    }
    manifest = because !== undefined && "of" in because ? manifests.get(because.of) : undefined;
  }
  return chain;
}

function sayTag({ name, action, decidedBy }: PlannedTag): string {
  return `tag ${name} ${action === "keep" ? "stays" : "goes"}: ${decidedBy}`;
}

function sayManifest({ digest, action, because }: PlannedManifest): string {
  return `${digest} ${action === "keep" ? "stays" : "goes"}: ${sayBecause(because, action)}`;
}

function sayBecause(because: Because | undefined, action: "keep" | "delete"): string {
  if (because === undefined) return "the plan is blocked";
  switch (because.kind) {
    case "tag":
      return `tag ${because.tag}`;
    case "protect.digests":
    case "inUse":
      return because.kind;
    case "parent":
      return `index around ${because.of}`;
    case "child":
      return `child of ${because.of}`;
    case "referrer":
      return `referrer of ${because.of}`;
    case "linked":
      return `linked by tag ${because.tag} to ${because.of}`;
    case "untagged":
      return action === "keep" ? "untagged, and no rule takes it" : "untagged, and the rule for it applies";
    case "orphan":
      return action === "keep" ? "its subject is not here, and no rule takes it" : "orphanedReferrers";
    case "alias":
      return "only the tag of its own digest points to it";
    case "circle":
      return "referred to only in a circle";
  }
}

function unknown({ repository }: CleanupPlan, at: string): OciError {
  return new OciError("MANIFEST_UNKNOWN", `the plan for ${repository} does not know ${at}`);
}
