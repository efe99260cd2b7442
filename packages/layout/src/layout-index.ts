import {
  isTag,
  mediaType,
  OciError,
  ownValue,
  parseDescriptor,
  parseJson,
  parseObject,
  type Descriptor,
  type Digest,
  type JsonObject,
  type Tag,
} from "@drayage/oci";

/** The annotation that names an entry of `index.json`. */
const refName = "org.opencontainers.image.ref.name";

/** The most bytes that `index.json` may have. */
export const indexLimit: number = 32 * 1024 * 1024;

/** One manifest that `index.json` lists. */
export interface IndexEntry {
  readonly descriptor: Descriptor;
  /** Its `org.opencontainers.image.ref.name`; other tools than ours also put there what is no tag. */
  readonly name?: string | undefined;
  /** As it stands there, with what is known to other tools only. */
  readonly raw: JsonObject;
}

/** What `index.json` of an image layout says. */
export interface LayoutIndex {
  readonly entries: readonly IndexEntry[];
  /** As it stands there. */
  readonly raw: JsonObject;
}

/** The index of a layout that nothing has been put into. */
export const emptyIndex: LayoutIndex = {
  entries: [],
  raw: { schemaVersion: 2, mediaType: mediaType.ociIndex },
};

/**
 * The index that the bytes of an `index.json` spell.
 *
 * @throws OciError STORAGE_INVALID
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md#indexjson-file
 */
export function parseLayoutIndex(bytes: Uint8Array): LayoutIndex {
  const raw = parseObject(parseJson(bytes, "STORAGE_INVALID"));
  const manifests = raw === undefined ? undefined : (ownValue(raw, "manifests") ?? []);
  if (raw === undefined || !Array.isArray(manifests)) throw invalid("index.json is not an image index");
  return { entries: manifests.map(parseEntry), raw };
}

/** The bytes of an `index.json` that says `index`. */
export function formatLayoutIndex({ entries, raw }: LayoutIndex): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ...raw, manifests: entries.map((entry) => entry.raw) }));
}

/** Checks the content of an `oci-layout` file. @throws OciError STORAGE_INVALID */
export function requireLayoutVersion(bytes: Uint8Array): void {
  const version = ownValue(parseObject(parseJson(bytes, "STORAGE_INVALID")) ?? {}, "imageLayoutVersion");
  if (typeof version === "string" && version.startsWith("1.")) return;
  throw invalid("oci-layout names no version of the image layout that is known here");
}

/** The content of an `oci-layout` file. */
export const layoutVersion: Uint8Array = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');

/** The first entry with that name, as other tools read it too. */
export function findTag({ entries }: LayoutIndex, tag: Tag): Descriptor | undefined {
  return entries.find(({ name }) => name === tag)?.descriptor;
}

/** The first entry of that digest. */
export function findDigest({ entries }: LayoutIndex, digest: Digest): Descriptor | undefined {
  return entries.find(({ descriptor }) => descriptor.digest === digest)?.descriptor;
}

/** Every tag with what it points to, in byte order; names that are no tags are left out. */
export function tagsOf({ entries }: LayoutIndex): readonly (readonly [Tag, Descriptor])[] {
  const tags = new Map<Tag, Descriptor>();
  for (const { name, descriptor } of entries) {
    if (name !== undefined && isTag(name) && !tags.has(name)) tags.set(name, descriptor);
  }
  return [...tags].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** `index` with the manifest listed, under these tags if there are any, which point to nothing else any more. */
export function withManifest(
  index: LayoutIndex,
  { mediaType, digest, size }: Descriptor,
  tags: readonly Tag[],
): LayoutIndex {
  const untagged = tags.reduce(withoutTag, index);
  if (tags.length === 0 && findDigest(index, digest) !== undefined) return index;
  const descriptor = { mediaType, digest, size };
  const kept = untagged.entries.filter((entry) => entry.name !== undefined || !isOf(entry, digest));
  const added = tags.map((tag) => entryOf(descriptor, tag));
  return { ...index, entries: [...kept, ...(added.length === 0 ? [entryOf(descriptor)] : added)] };
}

/** `index` without the tag; what it pointed to stays listed. */
export function withoutTag(index: LayoutIndex, tag: Tag): LayoutIndex {
  return index.entries.filter(({ name }) => name === tag).reduce(withoutName, index);
}

/** `index` without the manifest and all its tags. */
export function withoutManifest(index: LayoutIndex, digest: Digest): LayoutIndex {
  return { ...index, entries: index.entries.filter((entry) => !isOf(entry, digest)) };
}

/** `index` without the entries of these digests that have no name. */
export function withoutUnnamed(index: LayoutIndex, digests: ReadonlySet<Digest>): LayoutIndex {
  const isLeft = ({ name, descriptor }: IndexEntry): boolean =>
    name !== undefined || !digests.has(descriptor.digest);
  return { ...index, entries: index.entries.filter(isLeft) };
}

function withoutName(index: LayoutIndex, entry: IndexEntry): LayoutIndex {
  const isListedElsewhere = index.entries.some(
    (other) => other !== entry && isOf(other, entry.descriptor.digest),
  );
  const unnamed = isListedElsewhere ? [] : [unnamedOf(entry)];
  return { ...index, entries: index.entries.flatMap((other) => (other === entry ? unnamed : [other])) };
}

/** The same entry without its name, and with all else that other tools have put there. */
function unnamedOf({ raw, descriptor }: IndexEntry): IndexEntry {
  const { annotations, ...rest } = raw;
  const kept = Object.entries(parseObject(annotations) ?? {}).filter(([key]) => key !== refName);
  return { descriptor, raw: kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) } };
}

function entryOf(descriptor: Descriptor, name?: Tag): IndexEntry {
  const raw = name === undefined ? { ...descriptor } : { ...descriptor, annotations: { [refName]: name } };
  return { descriptor, name, raw };
}

function parseEntry(value: unknown): IndexEntry {
  const raw = parseObject(value);
  if (raw === undefined) throw invalid("index.json lists what is no descriptor");
  const descriptor = parseListed(raw);
  return { descriptor, name: descriptor.annotations?.[refName], raw };
}

function parseListed(raw: JsonObject): Descriptor {
  try {
    return parseDescriptor(raw);
  } catch (cause) {
    throw new OciError("STORAGE_INVALID", "index.json lists what is no descriptor", { cause });
  }
}

function isOf({ descriptor }: IndexEntry, digest: Digest): boolean {
  return descriptor.digest === digest;
}

function invalid(problem: string): OciError {
  return new OciError("STORAGE_INVALID", problem);
}
