import {
  applyCopy,
  estimateCopy,
  findMove,
  planCopy,
  type CopyPlan,
  type CopyResult,
  type ForeignLayers,
  type Move,
} from "@drayage/copy";
import { OciError, parsePlatform, type At, type Source, type Tag, type Target } from "@drayage/oci";
import { defineCommand, parseCount, type Command } from "../command.ts";
import { connectionOptions, withClient } from "../connection.ts";
import { exitStatus, type ExitStatus } from "../exit.ts";
import {
  formatEnd,
  mountSource,
  parseEnd,
  registriesOf,
  requireImage,
  uploadsTo,
  withImageName,
  withSource,
  withTarget,
  type End,
} from "../end.ts";
import { createProgress } from "../progress.ts";
import { formatSize } from "../size.ts";

export const copy: Command = defineCommand({
  summary: "Copies an image, an index with all its platforms, or an artifact.",
  operands: ["SRC", "DST"],
  notes: [
    "Both may be oci:DIR[:TAG], an image layout in a directory, or oci-archive:FILE[:TAG], one in a tar archive that is " +
      "written anew. Without a tag it is the only image there.",
    "docker-archive:FILE[:NAME:TAG] is what docker save makes and docker load takes. It holds one platform, whose manifest " +
      "it does not keep: only the configuration and the layers, uncompressed. NAME is that of SRC unless told.",
    "DST without a tag gets the tag of SRC. With a digest, it is only written if SRC is exactly that.",
    "What DST has is not sent again; within one registry blobs are mounted. Nothing partial is ever published. After " +
      "an interruption the same command goes on, also in the middle of a blob where DST lets it.",
    "All platforms are copied. One --platform gives that image itself, several an index of theirs with a digest of " +
      "its own, together with their attestations.",
  ],
  options: {
    platform: {
      type: "string",
      multiple: true,
      value: "P",
      help: "only this platform, such as linux/arm64; may be given again",
    },
    sparse: { type: "boolean", help: "keep the index as it is, without the platforms that are not copied" },
    referrers: { type: "boolean", help: "copy signatures, attestations and SBOMs as well" },
    foreign: {
      type: "string",
      value: "RULE",
      help: "layers that are not meant to be distributed: leave, copy or refuse (leave)",
    },
    repair: { type: "boolean", help: "look below what DST has, too, for content that it has lost" },
    tag: { type: "string", multiple: true, value: "TAG", help: "a further tag for DST; may be given again" },
    recheck: {
      type: "boolean",
      help: "ask again at the end whether the tag of SRC is still the same, and end with 3 if not",
    },
    plan: { type: "boolean", help: "print what would be done, and do nothing" },
    state: {
      type: "string",
      value: "DIR",
      help: "where uploads are remembered, to go on with if the copy is killed",
    },
    concurrency: {
      type: "string",
      value: "N",
      help: "how many things are under way at a time, a quarter of them large (24)",
    },
    ...connectionOptions,
  },
  async run({ operands: [from = "", to = ""], values, print, signal }) {
    const source = parseEnd(from);
    const target = targetFor(source, parseEnd(to), values.tag);
    const concurrency = parseCount(values.concurrency, "concurrency") ?? 24;
    const platforms = values.platform?.map(parsePlatform);
    const { sparse, referrers, repair } = values;
    const foreign = parseForeign(values.foreign);
    const run = async (ends: Ends): Promise<ExitStatus> => {
      const origin = { repository: ends.source, at: ends.at };
      const plan = await planCopy(
        origin,
        { repository: ends.target, tags: tagsOf(target, values.tag) },
        { platforms, sparse, referrers, foreign, repair, concurrency, signal },
      );
      requireDigest(plan, target);
      requireImage(target, plan.root);
      if (values.plan === true) {
        print.result({ ...plan, estimate: estimateCopy(plan) }, planLines(plan, target));
        return exitStatus.done;
      }
      const mountFrom = mountSource(source, target);
      const uploads = uploadsTo(target, values.state);
      const result = await print.during(
        (stream) => createProgress(plan, { stream }),
        (progress) =>
          applyCopy(plan, ends, { concurrency, mountFrom, uploads, onProgress: progress?.add, signal }),
      );
      const moved = values.recheck === true ? await findMove(origin, plan, { signal }) : undefined;
      print.result({ ...result, ...(moved === undefined ? {} : { moved }) }, [
        ...resultLines(result, target),
        ...moveLines(moved),
      ]);
      return moved === undefined ? exitStatus.done : exitStatus.partly;
    };
    const registries = registriesOf(source, target);
    // While one thing is asked for at one side, the other has another one: of each is asked half as much at a time.
    const requests = Math.ceil(concurrency / 2);
    return withClient({ values, print, concurrency: requests, signal, registries }, (client) =>
      withSource(source, { client, side: "source", signal }, (opened) =>
        withTarget(target, { client, signal, isPlan: values.plan === true }, (repository) =>
          run({ ...opened, target: repository }),
        ),
      ),
    );
  },
});

interface Ends {
  readonly source: Source;
  readonly at: At;
  readonly target: Target;
}

/** @throws OciError DIGEST_MISMATCH if what would be published is not what `target` names */
function requireDigest({ root }: CopyPlan, { digest }: End): void {
  if (digest === undefined || digest === root.digest) return;
  throw new OciError("DIGEST_MISMATCH", `source: it would be ${root.digest}, not ${digest}`, {
    side: "source",
  });
}

function parseForeign(rule: string | undefined): ForeignLayers | undefined {
  if (rule === undefined || rule === "leave" || rule === "copy" || rule === "refuse") return rule;
  throw new OciError("OPTION_INVALID", `--foreign is leave, copy or refuse, not "${rule}"`);
}

function tagsOf({ tag }: End, further: readonly Tag[] = []): readonly Tag[] {
  return tag === undefined ? further : [tag, ...further];
}

/** `target` with the tag that it shall have; by digest alone nothing is tagged. */
function targetFor(source: End, target: End, further: readonly Tag[] = []): End {
  const isTagged = target.tag !== undefined || further.length > 0;
  const isNamed = target.tag !== undefined || target.digest !== undefined;
  const tag = source.tag ?? (source.digest === undefined ? "latest" : undefined);
  return withImageName(source, isNamed ? target : { ...target, tag }, isTagged);
}

function planLines(plan: CopyPlan, target: End): readonly string[] {
  const to = formatEnd({ ...target, digest: plan.root.digest });
  const { manifests, blobs, bytes, requests } = estimateCopy(plan);
  if (manifests + blobs === 0) return [`${to} is there already`];
  return [
    `would publish ${to}${partNote(plan)}`,
    `  ${count(manifests, "manifest")}, and ${plan.present.length} that are there already`,
    `  ${count(blobs, "blob")} of ${formatSize(bytes)}, fewer if some are there already`,
    `  at most ${requests.source} requests to the source and ${requests.target} to the target`,
    ...plan.stages
      .flat()
      .map(
        ({ descriptor, tags = [] }) =>
          `  manifest ${[descriptor.digest, descriptor.mediaType, ...tags].join("  ")}`,
      ),
    ...plan.blobs.map(({ digest, size }) => `  blob     ${digest}  ${formatSize(size)}`),
    ...plan.foreign.map(({ digest }) => `  left out ${digest}  not meant to be distributed`),
  ];
}

function partNote({ partOf, omitted }: Pick<CopyPlan, "partOf" | "omitted">): string {
  if (partOf !== undefined) return `, a part of ${partOf.digest}`;
  return omitted === undefined ? "" : `, without ${count(omitted, "manifest")} that it names`;
}

function resultLines(result: CopyResult, target: End): readonly string[] {
  const to = formatEnd({ ...target, digest: result.descriptor.digest });
  if (result.status === "unchanged") return [`${to} is there already`];
  const { uploaded, mounted, present } = result.blobs;
  return [
    `copied ${to}`,
    `  ${count(result.manifests, "manifest")}; blobs: ${uploaded} uploaded (${formatSize(result.bytes)}), ` +
      `${mounted} mounted, ${present} there already`,
  ];
}

function moveLines(moved: Move | undefined): readonly string[] {
  if (moved === undefined) return [];
  const { to } = moved;
  return [`  meanwhile the source's tag ${to === undefined ? "was deleted" : `has moved to ${to.digest}`}`];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
