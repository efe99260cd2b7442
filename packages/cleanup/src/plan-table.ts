import { formatAge } from "./duration.ts";
import type { CleanupPlan, PlannedManifest, PlannedTag } from "./plan.ts";

/** How much of a digest is shown: enough to find it, and what other tools show too. */
const digestLength = "sha256:".length + 12;

/**
 * The plan as lines for people, one for each tag: what becomes of it, its name, digest, age, platforms and reason;
 * then manifests that go without a tag, and what it comes to.
 */
export function formatPlanTable(plan: CleanupPlan): readonly string[] {
  const manifests = new Map(plan.manifests.map((manifest) => [manifest.digest, manifest]));
  const tagged = new Set<string>(plan.tags.map(({ digest }) => digest));
  const rows = [
    ["", "TAG", "DIGEST", "AGE", "PLATFORMS", "REASON"],
    ...plan.tags.map((tag) => tagRow(tag, manifests.get(tag.digest), plan.now)),
    ...plan.manifests
      .filter(({ digest, action }) => action === "delete" && !tagged.has(digest))
      .map(manifestRow),
  ];
  return [...align(rows), ...summary(plan)];
}

function tagRow(
  { name, digest, action, decidedBy, time }: PlannedTag,
  manifest: PlannedManifest | undefined,
  now: number,
): readonly string[] {
  const age = time === undefined ? "?" : formatAge(Math.max(0, now - time));
  return [mark(action), name, digest.slice(0, digestLength), age, platforms(manifest), decidedBy];
}

function manifestRow(manifest: PlannedManifest): readonly string[] {
  const { digest, action, because } = manifest;
  return [mark(action), "-", digest.slice(0, digestLength), "", platforms(manifest), because?.kind ?? ""];
}

function mark(action: "keep" | "delete"): string {
  return action === "delete" ? "-" : " ";
}

function platforms(manifest: PlannedManifest | undefined): string {
  return manifest?.platforms?.join(",") ?? "";
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function summary(plan: CleanupPlan): readonly string[] {
  const tags = plan.tags.filter(({ action }) => action === "delete").length;
  const gone = plan.manifests.filter(({ action }) => action === "delete");
  const blocked = plan.blockedBy.map((block) => `blocked: ${block}`);
  const warnings = plan.warnings.map(
    ({ code, digest }) => `warning: ${[code, digest].filter(Boolean).join(" ")}`,
  );
  const counts = `${tags} of ${plan.tags.length} tags and ${gone.length} of ${plan.manifests.length} manifests go`;
  const size = gone.reduce((sum, manifest) => sum + (manifest.size ?? 0), 0);
  const freed = size === 0 ? [] : [`at most ${formatSize(size)} are freed; what others need stays`];
  return ["", counts, ...freed, ...blocked, ...warnings];
}

function formatSize(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
