import {
  childrenOf,
  isNonDistributable,
  mapConcurrent,
  OciError,
  parseManifest,
  type CallOptions,
  type Descriptor,
  type Digest,
  type Index,
  type Manifest,
  type ManifestDocument,
  type Tag,
} from "@drayage/oci";
import type { Scheduler } from "./scheduler.ts";
import { onSide } from "./side.ts";
import { stagesOf } from "./stages.ts";

/** A manifest that is to be published. */
export interface PlannedManifest {
  readonly descriptor: Descriptor;
  /** Its bytes; a manifest is JSON, so they are text. */
  readonly content: string;
  /** Tags that shall point to it. */
  readonly tags?: readonly Tag[] | undefined;
}

/** All that is below some manifests, those included. */
export interface CopyContent {
  /** Manifests in the order in which they can be published: each stage needs only those before it. */
  readonly stages: readonly (readonly PlannedManifest[])[];
  /** The blobs they name, each digest once, smallest first. */
  readonly blobs: readonly Descriptor[];
  /** Manifests that need not be published, because the target has them. */
  readonly present: readonly Descriptor[];
  /** Layers that are not meant to be distributed; they stay where their `urls` say. */
  readonly foreign: readonly Descriptor[];
}

/** What is known of a manifest before it is looked into. */
export interface Visit {
  /** What there is to look into; absent if nothing below it can be missing. */
  readonly document?: ManifestDocument | undefined;
  /** Whether the target has it, so that it need not be published. */
  readonly isPresent: boolean;
  /** Tags that it shall get. */
  readonly tags?: readonly Tag[] | undefined;
}

export interface WalkOptions extends CallOptions {
  readonly visit: (descriptor: Descriptor, options: CallOptions) => Promise<Visit>;
  /** What belongs to a manifest without being named by it, such as its signatures. */
  readonly attached?:
    | ((subject: Descriptor, options: CallOptions) => Promise<readonly Descriptor[]>)
    | undefined;
  /** Which of the manifests that an index names are followed; all unless told. */
  readonly isWanted?: ((child: Descriptor) => boolean) | undefined;
  /** Lists the blobs of manifests that are present as well: the target may lack them all the same. */
  readonly includePresent?: boolean | undefined;
  /** Lists layers that are not meant to be distributed among the blobs. */
  readonly includeForeign?: boolean | undefined;
  readonly scheduler: Scheduler;
}

/** How deep indexes and referrers may be nested, and how much one copy may hold in memory. */
const limits = { depth: 8, bytes: 32 * 1024 * 1024, manifests: 50_000 } as const;

/** A manifest that has been looked into. */
export interface Node extends PlannedManifest {
  readonly manifest: Manifest | Index;
  readonly isPresent: boolean;
}

/**
 * All content below `start`, level by level; each manifest is read once, wherever it occurs.
 *
 * @throws OciError LIMIT_EXCEEDED for indexes nested too deep or manifests that are too many or too large together
 */
export async function walk(start: readonly Descriptor[], options: WalkOptions): Promise<CopyContent> {
  const { attached, isWanted = () => true, scheduler, signal } = options;
  const nodes = new Map<Digest, Node>();
  const present = new Map<Digest, Descriptor>();
  const seen = new Set<Digest>();
  let bytes = 0;

  /** Resolves to what is to be visited next. */
  const enter = async (descriptor: Descriptor, call: CallOptions): Promise<readonly Descriptor[]> => {
    const { document, isPresent, tags } = await options.visit(descriptor, call);
    if (isPresent) present.set(descriptor.digest, descriptor);
    const around = (await attached?.(descriptor, call)) ?? [];
    if (document === undefined) return around;
    bytes += document.bytes.byteLength;
    if (bytes > limits.bytes) throw tooLarge(`manifests have more than ${limits.bytes} bytes together`);
    const node = await onSide("source", async () => nodeOf(document, { isPresent, tags }));
    nodes.set(descriptor.digest, node);
    return [...childrenOf(node.manifest).manifests.filter(isWanted), ...around];
  };

  let level = start;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.depth) throw tooLarge(`manifests are nested deeper than ${limits.depth} levels`);
    const unseen = distinct(level).filter(({ digest }) => !seen.has(digest));
    for (const { digest } of unseen) seen.add(digest);
    if (seen.size > limits.manifests) throw tooLarge(`more than ${limits.manifests} manifests`);
    const visits = await mapConcurrent(
      unseen,
      unseen.length,
      (descriptor, call) => scheduler.run(descriptor.size, () => enter(descriptor, call), call),
      { signal },
    );
    level = visits.flat();
  }

  const missing = [...nodes.values()].filter(({ isPresent }) => !isPresent);
  const last = start.length === 1 ? start[0]?.digest : undefined;
  return {
    ...blobsOf(options.includePresent === true ? nodes.values() : missing, options),
    stages: stagesOf(missing, { last }),
    present: [...present.values()],
  };
}

function nodeOf({ bytes, descriptor }: ManifestDocument, { isPresent, tags = [] }: Visit): Node {
  const manifest = parseManifest(bytes, descriptor.mediaType);
  // Parsing has refused what is not UTF-8, so the text is the bytes.
  const content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  return { descriptor, content, ...(tags.length === 0 ? {} : { tags }), manifest, isPresent };
}

/** Small blobs first: many of them pass while a large one is under way, and what fails fails early. */
function blobsOf(
  nodes: Iterable<Node>,
  { includeForeign = false }: Pick<WalkOptions, "includeForeign">,
): Pick<CopyContent, "blobs" | "foreign"> {
  const all = distinct([...nodes].flatMap(({ manifest }) => childrenOf(manifest).blobs));
  const isLeftOut = ({ mediaType }: Descriptor) => !includeForeign && isNonDistributable(mediaType);
  return {
    blobs: all.filter((blob) => !isLeftOut(blob)).sort((a, b) => a.size - b.size),
    foreign: all.filter(isLeftOut),
  };
}

function distinct(list: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(list.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

function tooLarge(problem: string): OciError {
  return new OciError("LIMIT_EXCEEDED", problem, { side: "source" });
}
