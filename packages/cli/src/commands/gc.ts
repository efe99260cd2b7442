import {
  collectGarbage,
  expireUploads,
  planGarbage,
  type GarbagePlan,
  type GarbageReport,
} from "@drayage/registry";
import { defineCommand, type Command } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { exitStatus } from "../exit.ts";
import { maintainedOptions, openMaintained } from "../maintained.ts";
import { formatSize } from "../size.ts";

export const gc: Command = defineCommand({
  summary: "Removes what a stored registry does not need any more.",
  operands: [],
  notes: [
    "Pushes and pulls may go on meanwhile. Blobs go that no manifest of their repository has needed for the time of grace; the room they take is given back by a run at least as long after the one that has found them.",
    "It can be interrupted at any moment, and the next run goes on.",
  ],
  options: {
    ...maintainedOptions,
    plan: { type: "boolean", help: "only say what would be removed" },
    grace: { type: "string", value: "TIME", help: "how long nobody must have needed a blob (24h)" },
    untagged: {
      type: "string",
      value: "TIME",
      help: "remove manifests too that no tag leads to and that are older than this; they stay otherwise",
    },
    uploads: {
      type: "string",
      value: "TIME",
      help: "how long nobody must have gone on with an upload (24h)",
    },
  },
  async run({ values, print, signal }) {
    const grace = parseDuration(values.grace, "grace");
    const untagged = parseDuration(values.untagged, "untagged");
    const idle = parseDuration(values.uploads, "uploads");
    const driver = await openMaintained(values, { signal });
    if (values.plan === true) {
      const plan = await planGarbage(driver, { grace, untagged, signal });
      print.result(plan, linesOf(plan));
      return exitStatus.done;
    }
    const expired = await expireUploads(driver, { idle, signal });
    const plan = await planGarbage(driver, { grace, untagged, signal });
    const report = await collectGarbage(driver, plan, { signal });
    print.result({ ...report, ...expired }, [
      `Removed ${count(expired.uploads, "upload")} that nobody goes on with.`,
      ...summaryOf(report),
    ]);
    return exitStatus.done;
  },
});

function linesOf({ manifests, links, blobs }: GarbagePlan): readonly string[] {
  const due = blobs.filter(({ isDue }) => isDue);
  const later = blobs.filter(({ isDue }) => !isDue);
  return [
    ...manifests.map(({ repository, digest }) => `manifest ${repository}@${digest}`),
    ...links.map(({ repository, digest, size }) => `blob ${repository}@${digest} ${formatSize(size)}`),
    ...due.map(({ digest, size }) => `bytes ${digest} ${formatSize(size)}`),
    `${count(manifests.length, "manifest")} and ${count(links.length, "blob")} in repositories would go.`,
    `${formatSize(totalOf(due))} would be given back now, ${formatSize(totalOf(later))} by a later run.`,
  ];
}

function summaryOf({ manifests, links, blobs, freed, condemned, spared }: GarbageReport): readonly string[] {
  return [
    `Removed ${count(manifests, "manifest")} and ${count(links, "blob")} from repositories.`,
    `Gave back ${formatSize(freed)} of ${count(blobs, "blob")}.`,
    ...(condemned === 0
      ? []
      : [`A run after the time of grace gives back ${count(condemned, "blob")} more.`]),
    ...(spared === 0 ? [] : [`Spared ${spared} that are needed again.`]),
  ];
}

function totalOf(blobs: readonly { readonly size: number }[]): number {
  return blobs.reduce((total, { size }) => total + size, 0);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
