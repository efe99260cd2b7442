import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  findUntagging,
  formatPlanTable,
  inventory,
  openManifestCache,
  parsePlans,
  planCleanup,
  type CleanupEntry,
  type CleanupPlan,
  type CleanupPolicy,
  type CleanupResult,
  type ManifestCache,
} from "@drayage/cleanup";
import { profileOf, type Client } from "@drayage/client";
import { formatReference, OciError, type CallOptions, type Reference, type Untagging } from "@drayage/oci";
import { exitStatus, type ExitStatus } from "./exit.ts";
import type { Printer } from "./print.ts";

/** What plans and their application both understand. */
export const cleanupOptions = {
  cache: {
    type: "string",
    value: "DIR",
    help: "keep there what manifests say, so that the next run need not ask",
  },
  concurrency: { type: "string", value: "N", help: "how many requests at a time, 8 by default" },
} as const;

interface Planning extends CallOptions {
  readonly client: Client;
  readonly policy: CleanupPolicy;
  readonly cache: string | undefined;
  readonly concurrency: number | undefined;
  readonly print: Printer;
}

/** The plan for one repository; nothing is changed there. */
export async function planFor(reference: Reference, planning: Planning): Promise<CleanupPlan> {
  const { client, policy, concurrency, print, signal } = planning;
  const name = formatReference(reference);
  const now = Date.now();
  const state = await inventory(client.repository(reference, { access: ["pull"] }), {
    name,
    policy,
    now,
    concurrency,
    untagging: await untaggingOf(reference, planning),
    cache: await openCache(name, planning.cache),
    signal,
  });
  for (const { code, message } of state.problems ?? []) print.note(`${name}: ${message} (${code})`);
  return planCleanup(state, policy, { now });
}

/** How tags go there: as the registry shows; as registries of its kind do, where whoever plans may not delete. */
async function untaggingOf(reference: Reference, { client, signal }: Planning): Promise<Untagging> {
  const { quirks } = profileOf(reference.registry);
  if (quirks.deleteTag !== "deleted") return "never";
  const target = client.repository(reference, { access: ["delete"] });
  return (await findUntagging(target, { signal })) ?? "always";
}

/** The cache of one repository, in a file of its own. */
export async function openCache(
  repository: string,
  directory: string | undefined,
): Promise<ManifestCache | undefined> {
  if (directory === undefined) return undefined;
  const name = createHash("sha256").update(repository).digest("hex").slice(0, 32);
  return openManifestCache(join(directory, `${name}.jsonl`));
}

/** The plans in a file. @throws OciError OPTION_INVALID */
export async function readPlans(file: string): Promise<readonly CleanupPlan[]> {
  return parsePlans(await readText(file));
}

/** All of a file. @throws OciError OPTION_INVALID */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new OciError("OPTION_INVALID", `cannot read ${file}`, { cause });
  }
}

/** A plan as a table under the name of its repository. */
export function planLines(plan: CleanupPlan): readonly string[] {
  return [plan.repository, "", ...formatPlanTable(plan), ""];
}

/** What became of one thing. */
export function entryLine({ tag, digest, outcome, reason, message }: CleanupEntry): string {
  const why = [reason, message].filter((text) => text !== undefined).join(": ");
  return `${outcome.padEnd(9)}  ${tag ?? digest}${why === "" ? "" : `  (${why})`}`;
}

/** What applying a plan came to. */
export function resultLines(
  { repository }: CleanupPlan,
  { status, blockedBy, outcomes }: CleanupResult,
): readonly string[] {
  const counts = Object.entries(outcomes).filter(([, count]) => count > 0);
  const text = counts.map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  return [`${repository}: ${[status, ...blockedBy].join(": ")}${text === "" ? "" : `; ${text}`}`];
}

/** Failed if anything has failed, else partly if anything is blocked, refused or left to do. */
export function statusOf(results: readonly CleanupResult[]): ExitStatus {
  if (results.some(({ outcomes }) => outcomes.failed > 0)) return exitStatus.failed;
  return results.every(({ status }) => status === "done") ? exitStatus.done : exitStatus.partly;
}
