import type { FileHandle } from "node:fs/promises";
import {
  bytesOf,
  createDigester,
  createManifestDocument,
  digestOf,
  isTag,
  mediaType,
  OciError,
  ownValue,
  parseImageConfig,
  parseJson,
  parseObject,
  readAll,
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestDocument,
} from "@drayage/oci";
import type { OpenedArchive } from "./archive.ts";
import type { Content } from "./content.ts";
import { openGiven, readPart, type ReadPart } from "./disk.ts";
import { emptyIndex, formatLayoutIndex, withManifest, type LayoutIndex } from "./layout-index.ts";
import { LayoutReader } from "./reader.ts";
import { scanTar, type TarEntry } from "./tar/scan.ts";

/** An archive as `docker save` makes it, as a source of OCI manifests. */
export interface OpenedDockerArchive extends OpenedArchive {
  /** The manifest of each image that has a name, by that name in full, such as `example.com/app:v1`. */
  readonly names: ReadonlyMap<string, Digest>;
}

const manifestLimit = 4 * 1024 * 1024;
const imageLimit = 1000;
const layerLimit = 1000;
const linkLimit = 8;

/**
 * The images in an archive of `docker save`, read where they are: nothing is unpacked or decompressed.
 *
 * Configurations and layers stay what they are. The manifests are made here, for such an archive has none: they are
 * not those under which the images were once pushed. A tag that two repositories of the archive have is not listed.
 *
 * @throws OciError STORAGE_INVALID, LIMIT_EXCEEDED for an archive that is broken or hostile, UNAVAILABLE
 */
export async function openDockerArchive(
  path: string,
  { signal }: CallOptions = {},
): Promise<OpenedDockerArchive> {
  const file = await openGiven(path);
  try {
    const entries = await scanTar(file, { links: "keep", signal });
    const content = new DockerContent(file);
    const names = await addImages(content, { file, entries, signal });
    return new DockerArchive(path, content, names);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class DockerArchive extends LayoutReader implements OpenedDockerArchive {
  readonly names: ReadonlyMap<string, Digest>;
  readonly #content: DockerContent;

  constructor(name: string, content: DockerContent, names: ReadonlyMap<string, Digest>) {
    super(name, content);
    this.#content = content;
    this.names = names;
  }

  close(): Promise<void> {
    return this.#content.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Where in the archive content is, and the manifests that were made for it. */
class DockerContent implements Content {
  readonly file: FileHandle;
  readonly #places = new Map<Digest, TarEntry>();
  readonly #manifests = new Map<Digest, Uint8Array>();
  index: LayoutIndex = emptyIndex;

  constructor(file: FileHandle) {
    this.file = file;
  }

  place(digest: Digest, entry: TarEntry): void {
    this.#places.set(digest, entry);
  }

  keep({ descriptor, bytes }: ManifestDocument): void {
    this.#manifests.set(descriptor.digest, bytes);
  }

  async readIndex(): Promise<Uint8Array> {
    return formatLayoutIndex(this.index);
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return this.#manifests.get(digest)?.byteLength ?? this.#places.get(digest)?.size;
  }

  async *read(
    digest: Digest,
    { start, length, signal }: ReadPart,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    signal?.throwIfAborted();
    const manifest = this.#manifests.get(digest);
    if (manifest !== undefined) return yield* bytesOf(manifest.subarray(start, start + length));
    const place = this.#places.get(digest);
    if (place === undefined) throw new OciError("BLOB_UNKNOWN", `the archive has no content ${digest}`);
    yield* readPart(this.file, { start: place.offset + start, length, signal });
  }
}

interface Archive extends CallOptions {
  readonly file: FileHandle;
  readonly entries: ReadonlyMap<string, TarEntry>;
}

/** One entry of `manifest.json`. */
interface SavedImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

/** Puts every image of the archive into `content`. Resolves to their names. */
async function addImages(content: DockerContent, archive: Archive): Promise<ReadonlyMap<string, Digest>> {
  const names = new Map<string, Digest>();
  const documents: ManifestDocument[] = [];
  for (const image of parseSaved(await readWhole(archive, "manifest.json"))) {
    const document = await manifestOf(image, { content, archive });
    documents.push(document);
    content.keep(document);
    for (const name of image.names) names.set(name, document.descriptor.digest);
  }
  content.index = indexOf(documents, names);
  return names;
}

/** The images under their tags, as far as a tag alone tells which is meant. */
function indexOf(documents: readonly ManifestDocument[], names: ReadonlyMap<string, Digest>): LayoutIndex {
  const owners = new Map<string, Set<Digest>>();
  for (const [name, digest] of names) {
    const tag = name.slice(name.lastIndexOf(":") + 1);
    if (isTag(tag)) owners.set(tag, (owners.get(tag) ?? new Set<Digest>()).add(digest));
  }
  const clear = [...owners].filter(([, digests]) => digests.size === 1);
  return documents.reduce((index, { descriptor }) => {
    const tags = clear.filter(([, digests]) => digests.has(descriptor.digest)).map(([tag]) => tag);
    return withManifest(index, descriptor, tags);
  }, emptyIndex);
}

async function manifestOf(
  { config, layers }: SavedImage,
  { content, archive }: { readonly content: DockerContent; readonly archive: Archive },
): Promise<ManifestDocument> {
  const bytes = await readWhole(archive, config);
  const { diffIds } = parseImageConfig(bytes);
  if (diffIds.length !== layers.length)
    throw invalid(`${config} has another number of layers than manifest.json`);
  const digest = digestOf(bytes);
  content.place(digest, entryAt(archive, config));
  const described: Descriptor[] = [];
  for (const [number, path] of layers.entries()) {
    const entry = entryAt(archive, path);
    const layer = await describeLayer(entry, { archive, diffId: diffIds[number] });
    content.place(layer.digest, entry);
    described.push(layer);
  }
  return createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    config: { mediaType: mediaType.ociConfig, digest, size: bytes.byteLength },
    layers: described,
  });
}

/** A layer as it stands in the archive: as a rule a tar archive, whose digest its configuration tells. */
async function describeLayer(
  entry: TarEntry,
  { archive, diffId }: { readonly archive: Archive; readonly diffId: Digest | undefined },
): Promise<Descriptor> {
  const { file, signal } = archive;
  const { offset: start, size } = entry;
  const magic = await readAll(readPart(file, { start, length: Math.min(size, 4), signal }), { limit: 4 });
  const type = layerTypes.find(({ bytes }) => bytes.every((byte, index) => magic[index] === byte))?.type;
  if (type === undefined && diffId !== undefined)
    return { mediaType: mediaType.ociLayer, digest: diffId, size };
  const digester = createDigester();
  for await (const chunk of readPart(file, { start, length: size, signal })) digester.update(chunk);
  return { mediaType: type ?? mediaType.ociLayer, digest: digester.digest(), size };
}

/** How compressed content begins; some tools save layers as they were pulled. */
const layerTypes = [
  { type: mediaType.ociLayerGzip, bytes: [0x1f, 0x8b] },
  { type: mediaType.ociLayerZstd, bytes: [0x28, 0xb5, 0x2f, 0xfd] },
] as const;

/** The file at `path`; a layer that several images have is saved once, and a link for each of the others. */
function entryAt({ entries }: Archive, path: string): TarEntry {
  let entry = entries.get(path);
  for (let links = 0; entry?.link !== undefined && links < linkLimit; links++)
    entry = entries.get(entry.link);
  if (entry !== undefined && entry.link === undefined) return entry;
  throw invalid(`it has no file "${path}"`);
}

async function readWhole(archive: Archive, path: string): Promise<Uint8Array> {
  const { offset: start, size: length } = entryAt(archive, path);
  return readAll(readPart(archive.file, { start, length, signal: archive.signal }), { limit: manifestLimit });
}

/** @see https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format */
function parseSaved(bytes: Uint8Array): readonly SavedImage[] {
  const list = parseJson(bytes, "STORAGE_INVALID");
  if (!Array.isArray(list)) throw invalid("manifest.json is not a list");
  if (list.length > imageLimit) throw limit(`more than ${imageLimit} images`);
  return list.map((value: unknown) => {
    const object = parseObject(value) ?? {};
    const config = ownValue(object, "Config");
    if (typeof config !== "string") throw invalid("manifest.json names no configuration");
    const layers = texts(ownValue(object, "Layers"));
    if (layers.length > layerLimit) throw limit(`an image with more than ${layerLimit} layers`);
    return { config, layers, names: texts(ownValue(object, "RepoTags")) };
  });
}

function texts(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  throw invalid("manifest.json has something else where a list of texts belongs");
}

function invalid(problem: string): OciError {
  return new OciError("STORAGE_INVALID", `not an archive of docker save: ${problem}`);
}

function limit(what: string): OciError {
  return new OciError("LIMIT_EXCEEDED", `the archive has ${what}`);
}
