import {
  digestMatches,
  isDigest,
  mapConcurrent,
  OciError,
  parseAt,
  type At,
  type CallOptions,
  type Descriptor,
  type ManifestDocument,
  type Source,
  type Tag,
  type Target,
} from "@drayage/oci";
import {
  parseConcurrency,
  parseTags,
  type CopySource,
  type CopyTarget,
  type PlanOptions,
} from "./options.ts";
import { onSide } from "./side.ts";
import { walk, type CopyContent } from "./walk.ts";

/** What a copy would do, as data that can be printed, kept as JSON and applied. */
export interface CopyPlan extends CopyContent {
  /** What the source had at the tag or digest when it was asked; the root of all that is copied. */
  readonly root: Descriptor;
  /** Tags that shall point to the root. */
  readonly tags: readonly Tag[];
}

interface Root {
  readonly descriptor: Descriptor;
  /** Absent when the target has it already, under every tag it shall have. */
  readonly document?: ManifestDocument | undefined;
}

/**
 * What {@link copy} would do; a plan without stages says that there is nothing to do.
 *
 * Which blobs the target has is not asked: that is found out on the way, by the request that would send them.
 *
 * @throws OciError MANIFEST_UNKNOWN, MANIFEST_INVALID, DIGEST_MISMATCH, SIZE_MISMATCH, LIMIT_EXCEEDED, TAG_INVALID
 * @example const plan = await planCopy({ repository: source, at: "v1" }, { repository: target, tags: ["v1"] })
 */
export async function planCopy(
  source: CopySource,
  target: CopyTarget,
  options: PlanOptions = {},
): Promise<CopyPlan> {
  const { expectDigest, signal } = options;
  const concurrency = parseConcurrency(options.concurrency);
  const tags = parseTags(target.tags);
  const root = await findRoot(source, target.repository, { tags, signal });
  if (expectDigest !== undefined && root.descriptor.digest !== expectDigest) {
    throw mismatch("DIGEST_MISMATCH", `${source.at} is ${root.descriptor.digest}, not ${expectDigest}`);
  }
  const read = async (descriptor: Descriptor, call: CallOptions): Promise<ManifestDocument | undefined> => {
    if (descriptor === root.descriptor) return root.document;
    // Asked before the source is: what is there need not be fetched.
    if ((await headManifest(target.repository, descriptor.digest, call)) !== undefined) return undefined;
    return readManifest(source.repository, descriptor, call);
  };
  const content = await walk([root.descriptor], { read, concurrency, signal });
  return { root: root.descriptor, tags, ...content };
}

/** The manifest that `descriptor` names, held against it. @throws OciError DIGEST_MISMATCH, SIZE_MISMATCH */
export async function readManifest(
  source: Source,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  { signal }: CallOptions,
): Promise<ManifestDocument> {
  const document = await getManifest(source, digest, { signal });
  const actual = document.bytes.byteLength;
  if (actual !== size) throw mismatch("SIZE_MISMATCH", `manifest ${digest} has ${actual} bytes, not ${size}`);
  return document;
}

async function findRoot(
  { repository, at }: CopySource,
  target: Target,
  { tags, signal }: CallOptions & { readonly tags: readonly Tag[] },
): Promise<Root> {
  const name = parseAt(at);
  if (isDigest(name)) {
    const there = await headEach(target, tags.length > 0 ? tags : [name], { signal });
    if (there?.digest === name) return { descriptor: there };
    return rootOf(await getManifest(repository, name, { signal }));
  }
  const [document, tagged] = await both(
    (call) => getManifest(repository, name, call),
    (call) => headEach(target, tags, call),
    { signal },
  );
  const { digest } = document.descriptor;
  const there = tags.length > 0 ? tagged : await headManifest(target, digest, { signal });
  return there?.digest === digest ? { descriptor: document.descriptor } : rootOf(document);
}

function rootOf(document: ManifestDocument): Root {
  return { descriptor: document.descriptor, document };
}

/** The manifest at `at`, which is what its descriptor says even if the source should not have looked. */
async function getManifest(source: Source, at: At, { signal }: CallOptions): Promise<ManifestDocument> {
  const document = await onSide("source", () => source.getManifest(at, { signal }));
  const { digest } = document.descriptor;
  const isAsked = !isDigest(at) || at === digest;
  if (!isAsked || !digestMatches(digest, document.bytes)) {
    throw mismatch("DIGEST_MISMATCH", `manifest ${at} is not what its digest says`);
  }
  return document;
}

function headManifest(target: Target, at: At, { signal }: CallOptions): Promise<Descriptor | undefined> {
  return onSide("target", () => target.headManifest(at, { signal }));
}

/** What the target has under all of `names`, if that is one and the same. */
async function headEach(
  target: Target,
  names: readonly At[],
  { signal }: CallOptions,
): Promise<Descriptor | undefined> {
  const [first, ...others] = await mapConcurrent(
    names,
    names.length,
    (name, call) => headManifest(target, name, call),
    { signal },
  );
  return others.every((other) => other?.digest === first?.digest) ? first : undefined;
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

function mismatch(code: "DIGEST_MISMATCH" | "SIZE_MISMATCH", problem: string): OciError {
  return new OciError(code, `source: ${problem}`, { side: "source" });
}
