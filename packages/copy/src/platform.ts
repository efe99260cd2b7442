import {
  createManifestDocument,
  formatPlatform,
  isIndexType,
  matchesPlatform,
  OciError,
  ownValue,
  parseImageConfig,
  parseJson,
  parseManifest,
  parseObject,
  readAll,
  type CallOptions,
  type Descriptor,
  type Digest,
  type Index,
  type Manifest,
  type ManifestDocument,
  type Platform,
  type Source,
} from "@drayage/oci";
import { readManifest } from "./read.ts";
import { onSide } from "./side.ts";

/** What is left of an image when platforms have been chosen. */
export interface Chosen {
  /** What shall be published as the root. */
  readonly root: ManifestDocument;
  /** The manifests that it names and that are not wanted. */
  readonly omitted?: ReadonlySet<Digest> | undefined;
  /** Indexes below it that the source does not have as they shall be. */
  readonly inner?: readonly ManifestDocument[] | undefined;
}

export interface ChooseOptions extends CallOptions {
  readonly platforms: readonly Platform[];
  /** Leaves the index as it is, with names of manifests that are not copied. */
  readonly sparse?: boolean | undefined;
}

/** The largest configuration that is read to see what an image runs on, in bytes. */
const configLimit = 8 * 1024 * 1024;
/** How many indexes may be in an index, and how large they may be together, in bytes. */
const limits = { indexes: 1000, bytes: 32 * 1024 * 1024 } as const;

/**
 * The part of `document` for `platforms`: for one platform the image itself, for several an index of theirs and of
 * their attestations, or with `sparse` the index as it is.
 *
 * @throws OciError PLATFORM_UNKNOWN if there is nothing for one of them
 */
export async function choosePlatforms(
  document: ManifestDocument,
  source: Source,
  { platforms, sparse = false, signal }: ChooseOptions,
): Promise<Chosen> {
  const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
  if (manifest.kind === "manifest") {
    await requirePlatform(manifest, source, { platforms, signal });
    return { root: document };
  }
  const tree = await readTree(document, source, { signal });
  for (const platform of platforms) requireMatch(platform, tree);
  const [only] = platforms;
  if (platforms.length === 1 && !sparse && only !== undefined) {
    return { root: await readManifest(source, bestMatch(only, tree), { signal }) };
  }
  const wanted = wantedIn(tree, platforms);
  if (sparse) return { root: document, omitted: omittedIn(tree, wanted) };
  const [root = document, ...inner] = strip(tree, wanted);
  return { root, inner };
}

/** An index and all indexes below it, each once. */
interface Tree {
  readonly root: Node;
  readonly nodes: ReadonlyMap<Digest, Node>;
}

interface Node {
  readonly document: ManifestDocument;
  readonly index: Index;
}

async function readTree(root: ManifestDocument, source: Source, { signal }: CallOptions): Promise<Tree> {
  const nodes = new Map<Digest, Node>();
  const found = [nodeOf(root)];
  let bytes = 0;
  for (const node of found) {
    nodes.set(node.document.descriptor.digest, node);
    bytes += node.document.bytes.byteLength;
    if (bytes > limits.bytes || found.length > limits.indexes) {
      throw new OciError("LIMIT_EXCEEDED", "source: the indexes are too many, or too large together", {
        side: "source",
      });
    }
    const known = new Set(found.map(({ document }) => document.descriptor.digest));
    const nested = node.index.manifests.filter(({ mediaType }) => isIndexType(mediaType));
    for (const [digest, entry] of new Map(nested.map((inner) => [inner.digest, inner]))) {
      if (!known.has(digest)) found.push(nodeOf(await readManifest(source, entry, { signal })));
    }
  }
  return { root: nodeOf(root), nodes };
}

function nodeOf(document: ManifestDocument): Node {
  const index = parseManifest(document.bytes, document.descriptor.mediaType);
  if (index.kind === "index") return { document, index };
  throw new OciError("MANIFEST_INVALID", `source: ${document.descriptor.digest} is not an index`, {
    side: "source",
  });
}

/** The images of all the indexes, without attestations. */
function imagesIn({ nodes }: Tree): readonly Descriptor[] {
  const entries = [...nodes.values()].flatMap(({ index }) => index.manifests);
  return entries.filter(
    (entry) => entry.platform !== undefined && !nodes.has(entry.digest) && attestedBy(entry) === undefined,
  );
}

function matchesIn(tree: Tree, wanted: Platform): readonly Descriptor[] {
  return imagesIn(tree).filter(({ platform }) => platform !== undefined && matchesPlatform(wanted, platform));
}

/** What says nothing of a variant comes first, then the newest variant, as container engines choose. */
function bestMatch(wanted: Platform, tree: Tree): Descriptor {
  const rank = ({ platform }: Descriptor) => platform?.variant ?? "\uffff";
  const [best] = [...matchesIn(tree, wanted)].sort((a, b) =>
    rank(a) < rank(b) ? 1 : rank(a) > rank(b) ? -1 : 0,
  );
  return best ?? requireMatch(wanted, tree);
}

function requireMatch(wanted: Platform, tree: Tree): Descriptor {
  const [match] = matchesIn(tree, wanted);
  if (match !== undefined) return match;
  const there = imagesIn(tree).flatMap(({ platform }) =>
    platform === undefined ? [] : [formatPlatform(platform)],
  );
  throw unknown(wanted, there);
}

/** Every digest in the tree that is for one of `platforms`, or attests something that is, or contains such. */
function wantedIn(tree: Tree, platforms: readonly Platform[]): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const platform of platforms) for (const { digest } of matchesIn(tree, platform)) wanted.add(digest);
  const attestations = [...tree.nodes.values()]
    .flatMap(({ index }) => index.manifests)
    .filter((entry) => wanted.has(attestedBy(entry) ?? ""));
  for (const { digest } of attestations) wanted.add(digest);
  const isWanted = ({ index }: Node) => index.manifests.some(({ digest }) => wanted.has(digest));
  for (let before = -1; before < wanted.size; ) {
    before = wanted.size;
    for (const [digest, node] of tree.nodes) if (isWanted(node)) wanted.add(digest);
  }
  return wanted;
}

function omittedIn({ nodes }: Tree, wanted: ReadonlySet<string>): ReadonlySet<Digest> {
  const all = [...nodes.values()].flatMap(({ index }) => index.manifests.map(({ digest }) => digest));
  return new Set(all.filter((digest) => !wanted.has(digest)));
}

/** The root with nothing in it but what is wanted; itself if that is all of it. */
function strip({ root, nodes }: Tree, wanted: ReadonlySet<string>): readonly ManifestDocument[] {
  const stripped = new Map<Digest, ManifestDocument>();
  const stripNode = ({ document, index }: Node): ManifestDocument => {
    const raw = parseObject(parseJson(document.bytes, "MANIFEST_INVALID")) ?? {};
    const entries = ownValue(raw, "manifests");
    const list: readonly unknown[] = Array.isArray(entries) ? entries : [];
    const kept = index.manifests.flatMap((entry, position) => {
      const nested = nodes.get(entry.digest);
      if (!wanted.has(entry.digest)) return [];
      const { digest, size } = nested === undefined ? entry : strippedOf(nested).descriptor;
      // What we do not know of an entry stays in it.
      return [{ ...parseObject(list[position]), digest, size }];
    });
    const isWhole =
      kept.length === index.manifests.length &&
      kept.every(({ digest }, position) => digest === index.manifests[position]?.digest);
    if (isWhole) return document;
    return createManifestDocument({ ...raw, mediaType: document.descriptor.mediaType, manifests: kept });
  };
  const strippedOf = (node: Node): ManifestDocument => {
    const { digest } = node.document.descriptor;
    const result = stripped.get(digest) ?? stripNode(node);
    stripped.set(digest, result);
    return result;
  };
  const top = strippedOf(root);
  return [top, ...[...stripped.values()].filter((document) => document !== top)];
}

/**
 * What an entry attests, in the way that BuildKit says it.
 *
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
function attestedBy({ annotations }: Descriptor): string | undefined {
  return annotations?.["vnd.docker.reference.digest"];
}

/** An image that is in no index says in its configuration what it runs on. */
async function requirePlatform(
  { config }: Manifest,
  source: Source,
  { platforms, signal }: ChooseOptions,
): Promise<void> {
  const platform = await onSide("source", async () => {
    const { body } = await source.getBlob(config.digest, { signal });
    return parseImageConfig(await readAll(body, { limit: configLimit })).platform;
  });
  for (const wanted of platforms) {
    if (!matchesPlatform(wanted, platform)) throw unknown(wanted, [formatPlatform(platform)]);
  }
}

function unknown(wanted: Platform, there: readonly string[]): OciError {
  const found = there.length === 0 ? "nothing for any platform" : [...new Set(there)].join(", ");
  return new OciError("PLATFORM_UNKNOWN", `source: there is no ${formatPlatform(wanted)}, but ${found}`, {
    side: "source",
  });
}
