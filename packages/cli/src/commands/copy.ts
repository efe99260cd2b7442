import { applyCopy, planCopy, type CopyPlan, type CopyResult } from "@drayage/copy";
import { formatReference, type Reference } from "@drayage/oci";
import { defineCommand, parseCount, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus } from "../exit.ts";
import { atOf, parseLocation } from "../location.ts";
import { createProgress } from "../progress.ts";
import { formatSize } from "../size.ts";

export const copy: Command = defineCommand({
  summary: "Copies an image, an index with all its platforms, or an artifact.",
  operands: ["SRC", "DST"],
  notes: [
    "DST without a tag gets the tag of SRC. With a digest, it is only written if SRC is exactly that.",
    "What DST has is not sent again; within one registry blobs are mounted. Nothing partial is ever published.",
  ],
  options: {
    plan: { type: "boolean", help: "print what would be done, and do nothing" },
    concurrency: { type: "string", value: "N", help: "how many blobs are under way at a time (6)" },
    ...connectionOptions,
  },
  async run({ operands: [from = "", to = ""], values, print, signal }) {
    const source = parseLocation(from);
    const target = targetFor(source, parseLocation(to));
    const concurrency = parseCount(values.concurrency, "concurrency");
    const registries = [source.registry, target.registry];
    return withClient({ values, print, signal, registries }, async (client) => {
      const ends = {
        source: client.repository(source, { access: ["pull"] }),
        target: client.repository(target, { access: ["pull", "push"] }),
      };
      const plan = await planCopy(
        { repository: ends.source, at: atOf(source) },
        { repository: ends.target, tags: target.tag === undefined ? [] : [target.tag] },
        { expectDigest: target.digest, concurrency, signal },
      );
      if (values.plan === true) {
        print.result(plan, planLines(plan, target));
        return exitStatus.done;
      }
      const mountFrom = source.registry === target.registry ? source.repository : undefined;
      const result = await print.during(
        (stream) => createProgress(plan, { stream }),
        (progress) => applyCopy(plan, ends, { concurrency, mountFrom, onProgress: progress?.add, signal }),
      );
      print.result(result, resultLines(result, target));
      return exitStatus.done;
    });
  },
});

/** `target` with the tag that it shall have; by digest alone nothing is tagged. */
function targetFor(source: Reference, target: Reference): Reference {
  if (target.tag !== undefined || target.digest !== undefined) return target;
  const tag = source.tag ?? (source.digest === undefined ? "latest" : undefined);
  return { ...target, tag };
}

function planLines(plan: CopyPlan, target: Reference): readonly string[] {
  const to = formatReference({ ...target, digest: plan.root.digest });
  if (plan.stages.length === 0) return [`${to} is there already`];
  const manifests = plan.stages.flat();
  const bytes = plan.blobs.reduce((sum, { size }) => sum + size, 0);
  return [
    `would publish ${to}`,
    `  ${count(manifests.length, "manifest")}, and ${plan.present.length} that are there already`,
    `  ${count(plan.blobs.length, "blob")} of ${formatSize(bytes)}, fewer if some are there already`,
    ...manifests.map(({ descriptor }) => `  manifest ${descriptor.digest}  ${descriptor.mediaType}`),
    ...plan.blobs.map(({ digest, size }) => `  blob     ${digest}  ${formatSize(size)}`),
    ...plan.foreign.map(({ digest }) => `  left out ${digest}  not meant to be distributed`),
  ];
}

function resultLines(result: CopyResult, target: Reference): readonly string[] {
  const to = formatReference({ ...target, digest: result.descriptor.digest });
  if (result.status === "unchanged") return [`${to} is there already`];
  const { uploaded, mounted, present } = result.blobs;
  return [
    `copied ${to}`,
    `  ${count(result.manifests, "manifest")}; blobs: ${uploaded} uploaded (${formatSize(result.bytes)}), ` +
      `${mounted} mounted, ${present} there already`,
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
