import {
  isDigest,
  isIndexType,
  OciError,
  parseAt,
  type At,
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type Tag,
} from "@drayage/oci";
import { parseTags, type CopySource, type CopyTarget, type PlanOptions } from "./options.ts";
import { choosePlatforms } from "./platform.ts";
import { getManifest, headEach, headManifest, mismatch, readManifest } from "./read.ts";
import { createAttachments, type Attachments } from "./referrers.ts";
import { createScheduler } from "./scheduler.ts";
import { walk, type CopyContent, type Visit, type WalkOptions } from "./walk.ts";

/** What a copy would do, as data that can be printed, kept as JSON and applied. */
export interface CopyPlan extends CopyContent {
  /** What shall be at the target; the root of all that is copied. */
  readonly root: Descriptor;
  /** Tags that shall point to the root. */
  readonly tags: readonly Tag[];
  /** What the source had at the tag, if the root is not that but a part of it, because platforms were chosen. */
  readonly partOf?: Descriptor | undefined;
  /** How many manifests the root names that are not copied. */
  readonly omitted?: number | undefined;
}

/** What is to be copied, before anything below it has been looked at. */
interface Root {
  readonly descriptor: Descriptor;
  /** Absent when it was not read because the target has it. */
  readonly document?: ManifestDocument | undefined;
  /** Whether the target has it already, under every tag it shall have. */
  readonly isPresent: boolean;
  readonly partOf?: Descriptor | undefined;
  /** Manifests that the root names and that are not wanted. */
  readonly omitted?: ReadonlySet<Digest> | undefined;
  /** Indexes below the root that the source does not have as they shall be. */
  readonly inner?: readonly ManifestDocument[] | undefined;
}

interface RootOptions extends PlanOptions {
  readonly tags: readonly Tag[];
}

/**
 * What {@link copy} would do; a plan without stages and blobs says that there is nothing to do.
 *
 * Which blobs the target has is not asked: that is found out on the way, by the request that would send them.
 *
 * @throws OciError MANIFEST_UNKNOWN, MANIFEST_INVALID, PLATFORM_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH,
 *   LIMIT_EXCEEDED, TAG_INVALID; UNSUPPORTED if foreign layers shall be refused and there are some
 * @example const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] })
 */
export async function planCopy(
  source: CopySource,
  target: CopyTarget,
  options: PlanOptions = {},
): Promise<CopyPlan> {
  const { foreign = "leave", repair, signal } = options;
  const scheduler = options.scheduler ?? createScheduler(options);
  const tags = parseTags(target.tags);
  const root = await findRoot(source, target, { ...options, tags });
  const attachments = options.referrers === true ? createAttachments(source.repository) : undefined;
  const content = await walk([root.descriptor], {
    visit: visitorOf(root, { source, target, tags, attachments, repair }),
    attached: attachments && ((subject, call) => attachments.of(subject, call)),
    isWanted: ({ digest }) => root.omitted?.has(digest) !== true,
    includePresent: repair,
    includeForeign: foreign === "copy",
    scheduler,
    signal,
  });
  if (foreign === "refuse" && content.foreign.length > 0) throw refused(content.foreign);
  const { descriptor, partOf, omitted } = root;
  return {
    root: descriptor,
    tags,
    ...(partOf === undefined ? {} : { partOf }),
    ...(omitted === undefined ? {} : { omitted: omitted.size }),
    ...content,
  };
}

interface Looking {
  readonly source: CopySource;
  readonly target: CopyTarget;
  readonly tags: readonly Tag[];
  readonly attachments: Attachments | undefined;
  readonly repair: boolean | undefined;
}

function visitorOf(
  root: Root,
  { source, target, tags, attachments, repair = false }: Looking,
): WalkOptions["visit"] {
  const inner = new Map(root.inner?.map((document) => [document.descriptor.digest, document]));
  // Of an image the target has everything, or said so; to see what refers to the images of an index it must be read.
  const isClosed = ({ mediaType }: Descriptor) =>
    !repair && !(attachments !== undefined && isIndexType(mediaType));
  const look = async (descriptor: Descriptor, call: CallOptions): Promise<Visit> => {
    const tagged = attachments?.tagged(descriptor.digest);
    // Asked before the source is: what is there need not be fetched.
    const there = await headEach(target.repository, tagged?.tags ?? [descriptor.digest], call);
    const isPresent = there?.digest === descriptor.digest;
    return { isPresent, document: tagged?.document ?? inner.get(descriptor.digest), tags: tagged?.tags };
  };
  return async (descriptor, call): Promise<Visit> => {
    const isRoot = descriptor.digest === root.descriptor.digest;
    const { isPresent, ...known } = isRoot ? { ...root, tags } : await look(descriptor, call);
    if (isPresent && isClosed(descriptor)) return { isPresent };
    const document = known.document ?? (await readManifest(source.repository, descriptor, call));
    return { document, isPresent, tags: known.tags };
  };
}

/** What `at` is at the source, or the wanted part of it, and whether the target has that. */
async function findRoot(
  { repository, at }: CopySource,
  { repository: target }: CopyTarget,
  { tags, platforms = [], sparse, expectDigest, signal }: RootOptions,
): Promise<Root> {
  const name = parseAt(at);
  if (isDigest(name)) requireDigest(at, name, expectDigest);
  if (isDigest(name) && platforms.length === 0) {
    const there = await headEach(target, tags.length > 0 ? tags : [name], { signal });
    if (there?.digest === name) return { descriptor: there, isPresent: true };
    const document = await getManifest(repository, name, { signal });
    return { descriptor: document.descriptor, document, isPresent: false };
  }
  const [found, tagged] = await both(
    (call) => getManifest(repository, name, call),
    (call) => headEach(target, tags, call),
    { signal },
  );
  requireDigest(at, found.descriptor.digest, expectDigest);
  const { root: document, ...chosen } =
    platforms.length === 0
      ? { root: found }
      : await choosePlatforms(found, repository, { platforms, sparse, signal });
  const { descriptor } = document;
  const there = tags.length > 0 ? tagged : await headManifest(target, descriptor.digest, { signal });
  const isPresent = there?.digest === descriptor.digest;
  const partOf = document === found ? undefined : found.descriptor;
  return { descriptor, document, isPresent, partOf, ...chosen };
}

function requireDigest(at: At, digest: Digest, expected: Digest | undefined): void {
  if (expected === undefined || digest === expected) return;
  throw mismatch("DIGEST_MISMATCH", `${at} is ${digest}, not ${expected}`);
}

/** The results of both, asked at the same time; when one fails the other is aborted. */
async function both<A, B>(
  first: (call: CallOptions) => Promise<A>,
  second: (call: CallOptions) => Promise<B>,
  { signal }: CallOptions,
): Promise<[A, B]> {
  const done = new AbortController();
  const call = { signal: signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]) };
  try {
    return await Promise.all([first(call), second(call)]);
  } finally {
    done.abort();
  }
}

function refused(layers: readonly Descriptor[]): OciError {
  const digests = layers.map(({ digest }) => digest).join(", ");
  return new OciError("UNSUPPORTED", `source: layers that are not meant to be distributed: ${digests}`, {
    side: "source",
  });
}
