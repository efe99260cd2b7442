import { scrub as scrubStorage, type DamagedContent } from "@drayage/registry";
import { defineCommand, type Command } from "../command.ts";
import { exitStatus } from "../exit.ts";
import { maintainedOptions, openMaintained } from "../maintained.ts";
import { formatSize } from "../size.ts";

export const scrub: Command = defineCommand({
  summary: "Reads all that a stored registry has, and holds it against its digests.",
  operands: [],
  notes: [
    "What is damaged goes into quarantine: it is said to be absent, and a new push replaces it. The exit status is 1 if something is damaged.",
  ],
  options: {
    ...maintainedOptions,
    "dry-run": { type: "boolean", help: "leave what is damaged where it is" },
  },
  async run({ values, print, signal }) {
    const driver = await openMaintained(values, { signal });
    const report = await scrubStorage(driver, { quarantine: values["dry-run"] !== true, signal });
    const { blobs, bytes, manifests, damaged, healed } = report;
    print.result(report, [
      ...damaged.map(lineOf),
      `Read ${blobs} blobs of ${formatSize(bytes)} and ${manifests} manifests; ${damaged.length} damaged, ${healed} healed.`,
    ]);
    return damaged.length === 0 ? exitStatus.done : exitStatus.failed;
  },
});

const problems: Readonly<Record<DamagedContent["problem"], string>> = {
  digest: "is something else",
  size: "is cut short",
  missing: "is missing",
};

function lineOf({ kind, digest, problem, repository }: DamagedContent): string {
  const name = repository === undefined ? digest : `${repository}@${digest}`;
  return `${kind} ${name} ${problems[problem]}`;
}
