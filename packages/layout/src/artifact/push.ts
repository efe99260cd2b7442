import {
  bytesOf,
  createManifestDocument,
  documentOf,
  isMediaType,
  mapConcurrent,
  mediaType,
  OciError,
  parseTag,
  type Annotations,
  type CallOptions,
  type Descriptor,
  type Tag,
  type Target,
} from "@drayage/oci";
import { annotation, unknownArtifact } from "./convention.ts";
import { describeLocal, sorted, type LocalFile } from "./local-file.ts";
import { findClash, partsOf } from "./title.ts";

/** A file or directory on this machine. */
export interface PushedFile {
  readonly path: string;
  /** What it will be called where it is pulled: a relative path; `path` unless told. */
  readonly title?: string | undefined;
  /** `application/vnd.oci.image.layer.v1.tar` unless told, and with `+gzip` for a directory. */
  readonly mediaType?: string | undefined;
  readonly annotations?: Annotations | undefined;
}

export interface PushFilesOptions extends CallOptions {
  /** What the artifact is, as a media type; `application/vnd.unknown.artifact.v1` unless told. */
  readonly artifactType?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
  /** Of the manifest. No time is added: whoever wants one says it as `org.opencontainers.image.created`. */
  readonly annotations?: Annotations | undefined;
  /** What the artifact is attached to, in the same repository. */
  readonly subject?: Descriptor | undefined;
}

/** How many files are sent at a time. */
const concurrency = 3;
const empty = documentOf(new TextEncoder().encode("{}"), mediaType.ociEmpty);
const emptyDescriptor = { ...empty.descriptor, data: Buffer.from(empty.bytes).toString("base64") };

/**
 * Stores files and directories as an artifact, a layer each, as ORAS does: its `pull` finds them again.
 *
 * A directory is packed as tar and gzip. The same files are the same artifact, whatever their times and owners.
 *
 * @throws OciError OPTION_INVALID for files that cannot be read, links in directories, and titles that lead elsewhere;
 *   DIGEST_MISMATCH for a file that changes meanwhile; TAG_INVALID
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
 * @example await pushFiles(repository, [{ path: "sbom.json", mediaType: "application/spdx+json" }], { tags: ["v1"] })
 */
export async function pushFiles(
  target: Target,
  files: readonly PushedFile[],
  options: PushFilesOptions = {},
): Promise<Descriptor> {
  const { tags = [], signal } = options;
  const wanted = files.map(parseFile);
  const clash = findClash(wanted.map(({ title }) => title));
  if (clash !== undefined) throw invalid(`more than one file is called ${clash}`);
  checkOptions(options);

  const layers: LocalFile[] = [];
  for (const file of wanted) layers.push(await describeLocal(file.path, { ...file, signal }));
  const document = createManifestDocument({
    schemaVersion: 2,
    mediaType: mediaType.ociManifest,
    ...manifestOf(layers, options),
  });
  await target.putBlob(emptyDescriptor, async () => bytesOf(empty.bytes), { signal });
  await mapConcurrent(
    layers,
    concurrency,
    ({ descriptor, open }, call) => target.putBlob(descriptor, open, call),
    {
      signal,
    },
  );
  return target.putManifest(document, { tags: tags.map(parseTag), signal });
}

/** In the order in which ORAS writes it, so that both give the same artifact the same digest. */
function manifestOf(
  layers: readonly LocalFile[],
  { artifactType = unknownArtifact, annotations = {}, subject }: PushFilesOptions,
): Readonly<Record<string, unknown>> {
  const described = layers.map(({ descriptor }) => descriptor);
  return {
    artifactType,
    config: emptyDescriptor,
    layers: described.length === 0 ? [emptyDescriptor] : described,
    ...(subject === undefined ? {} : { subject: plainOf(subject) }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations: sorted(annotations) }),
  };
}

function plainOf({ mediaType: type, digest, size }: Descriptor): Descriptor {
  return { mediaType: type, digest, size };
}

function parseFile(file: PushedFile): PushedFile & { readonly title: string } {
  const parts = partsOf(file.title ?? file.path);
  if (parts === undefined) {
    throw new OciError(
      "OPTION_INVALID",
      `"${file.title ?? file.path}" cannot be what a file is called elsewhere`,
      {
        hint: "name it relative to the current directory, and below that",
      },
    );
  }
  if (file.mediaType !== undefined) requireMediaType(file.mediaType);
  return { ...file, title: parts.join("/") };
}

function checkOptions({ artifactType, annotations = {}, tags = [] }: PushFilesOptions): void {
  if (artifactType !== undefined) requireMediaType(artifactType);
  for (const tag of tags) parseTag(tag);
  const created = annotations[annotation.created];
  if (created !== undefined && !timeGrammar.test(created))
    throw invalid(`"${created}" is no time of RFC 3339`);
}

const timeGrammar = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function requireMediaType(type: string): void {
  if (!isMediaType(type)) throw invalid(`"${type}" is no media type`);
}

function invalid(problem: string): OciError {
  return new OciError("OPTION_INVALID", problem);
}
