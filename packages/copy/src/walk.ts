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
} from "@drayage/oci";
import { onSide } from "./side.ts";

/** A manifest that is to be published. */
export interface PlannedManifest {
  readonly descriptor: Descriptor;
  /** Its bytes; a manifest is JSON, so they are text. */
  readonly content: string;
}

/** All that is below some manifests, those included. */
export interface CopyContent {
  /** Manifests in the order in which they can be published: each stage needs only those before it. */
  readonly stages: readonly (readonly PlannedManifest[])[];
  /** The blobs they name, each digest once, largest first so that none is left over at the end. */
  readonly blobs: readonly Descriptor[];
  /** Manifests that were left out, and all below them, because the target has them. */
  readonly present: readonly Descriptor[];
  /** Layers that are not meant to be distributed; they stay where their `urls` say. */
  readonly foreign: readonly Descriptor[];
}

export interface WalkOptions extends CallOptions {
  /** The manifest of that digest, or `undefined` if it and all below it can be left out. */
  readonly read: (descriptor: Descriptor, options: CallOptions) => Promise<ManifestDocument | undefined>;
  readonly concurrency: number;
}

/** How deep indexes may be nested, and how many bytes of manifests one copy may hold in memory. */
const limits = { depth: 8, bytes: 32 * 1024 * 1024 } as const;

interface Node {
  readonly planned: PlannedManifest;
  readonly manifest: Manifest | Index;
}

/**
 * All content below `start`, level by level; each manifest is read once, wherever it occurs.
 *
 * @throws OciError LIMIT_EXCEEDED for indexes nested too deep or manifests that are too large together
 */
export async function walk(start: readonly Descriptor[], options: WalkOptions): Promise<CopyContent> {
  const { read, concurrency, signal } = options;
  const nodes = new Map<Digest, Node>();
  const present = new Map<Digest, Descriptor>();
  const deepest = new Map<Digest, number>();
  let bytes = 0;

  const visit = async (descriptor: Descriptor, call: CallOptions): Promise<void> => {
    const document = await read(descriptor, call);
    if (document === undefined) {
      present.set(descriptor.digest, descriptor);
      return;
    }
    bytes += document.bytes.byteLength;
    if (bytes > limits.bytes) throw tooLarge(`manifests have more than ${limits.bytes} bytes together`);
    nodes.set(descriptor.digest, await onSide("source", async () => nodeOf(document)));
  };

  let level = distinct(start);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.depth) throw tooLarge(`indexes are nested deeper than ${limits.depth} levels`);
    const unknown = level.filter(({ digest }) => !nodes.has(digest) && !present.has(digest));
    await mapConcurrent(unknown, concurrency, visit, { signal });
    const found = level.flatMap(({ digest }) => nodes.get(digest) ?? []);
    for (const { planned } of found) deepest.set(planned.descriptor.digest, depth);
    level = distinct(found.flatMap(({ manifest }) => childrenOf(manifest).manifests));
  }
  return {
    ...blobsOf(nodes.values()),
    stages: stagesOf(nodes.values(), deepest),
    present: [...present.values()],
  };
}

function nodeOf({ bytes, descriptor }: ManifestDocument): Node {
  const manifest = parseManifest(bytes, descriptor.mediaType);
  // Parsing has refused what is not UTF-8, so the text is the bytes.
  const content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  return { manifest, planned: { descriptor, content } };
}

/** Deepest first: on its lowest level a manifest is below everything that names it. */
function stagesOf(nodes: Iterable<Node>, deepest: ReadonlyMap<Digest, number>): CopyContent["stages"] {
  const byDepth = Map.groupBy(nodes, ({ planned }) => deepest.get(planned.descriptor.digest) ?? 0);
  return [...byDepth].sort(([a], [b]) => b - a).map(([, stage]) => stage.map(({ planned }) => planned));
}

function blobsOf(nodes: Iterable<Node>): Pick<CopyContent, "blobs" | "foreign"> {
  const all = distinct([...nodes].flatMap(({ manifest }) => childrenOf(manifest).blobs));
  return {
    blobs: all.filter((blob) => !isNonDistributable(blob.mediaType)).sort((a, b) => b.size - a.size),
    foreign: all.filter((blob) => isNonDistributable(blob.mediaType)),
  };
}

function distinct(list: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(list.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

function tooLarge(problem: string): OciError {
  return new OciError("LIMIT_EXCEEDED", problem, { side: "source" });
}
