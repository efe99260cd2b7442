import {
  isIndexType,
  OciError,
  parseImageConfig,
  parseReference,
  readAll,
  formatReference,
  type CallOptions,
  type Descriptor,
  type Digest,
  type Manifest,
  type ManifestDocument,
  type OpenBlob,
  type PutBlobOptions,
  type PutBlobResult,
  type PutManifestOptions,
  type Target,
  type UploadSession,
} from "@drayage/oci";
import { DockerDraft, isImageConfig, type SavedBlob, type SavedImage } from "./docker-draft.ts";
import { tagsOf, withManifest, type LayoutIndex } from "./layout-index.ts";
import { checkManifest, requireTags } from "./put-manifest.ts";
import { LayoutReader } from "./reader.ts";
import { replaceFile } from "./replace-file.ts";

/** What is known of an archive for docker besides what is put into it. */
export interface DockerArchiveOptions extends CallOptions {
  /** The name that the images have before their tags, such as `example.com/app`; without it they have none. */
  readonly name?: string | undefined;
}

const configLimit = 4 * 1024 * 1024;

/**
 * What `fill` results in, once the images that it has put are in an archive at `path` as `docker save` makes it.
 *
 * Configurations stay what they are, and with them the images' ids. Layers are kept without their compression, so that
 * manifests are not: only `manifest.json` tells what belongs together. Whatever else is put is refused, indexes too: one
 * platform has to be chosen.
 *
 * The archive replaces what was there, as a whole and only if `fill` succeeds.
 *
 * @throws OciError UNSUPPORTED for what is no image, DIGEST_MISMATCH for a layer that its configuration does not know,
 *   LIMIT_EXCEEDED for one that expands beyond measure, REFERENCE_INVALID, STORAGE_FULL, UNAVAILABLE, and what `fill` throws
 * @example
 * const name = "example.com/app";
 * await writeDockerArchive("app.tar", (target) => copy({ repository, at: "v1" }, { repository: target, tags: ["v1"] }), { name })
 */
export async function writeDockerArchive<Result>(
  path: string,
  fill: (target: Target & { readonly name: string }) => Promise<Result>,
  { name, signal }: DockerArchiveOptions = {},
): Promise<Result> {
  const prefix = name === undefined ? undefined : parsePrefix(name);
  return replaceFile(
    path,
    async (file) => {
      const draft = new DockerDraft(file);
      const target = new DockerTarget(path, { draft, prefix });
      const result = await fill(target);
      await draft.end((index) => target.images(index));
      return result;
    },
    { signal },
  );
}

/** The name in full. @throws OciError REFERENCE_INVALID */
function parsePrefix(name: string): string {
  const reference = parseReference(name);
  if (reference.tag === undefined && reference.digest === undefined) return formatReference(reference);
  throw new OciError("REFERENCE_INVALID", `the name of an image has neither tag nor digest here: "${name}"`);
}

/** An archive for docker that is being written. */
class DockerTarget extends LayoutReader implements Target {
  readonly #draft: DockerDraft;
  readonly #prefix: string | undefined;
  readonly #images = new Map<Digest, Omit<SavedImage, "names">>();

  constructor(
    path: string,
    { draft, prefix }: { readonly draft: DockerDraft; readonly prefix: string | undefined },
  ) {
    super(path, draft);
    this.#draft = draft;
    this.#prefix = prefix;
  }

  async putManifest(document: ManifestDocument, options: PutManifestOptions = {}): Promise<Descriptor> {
    const { manifest, descriptor, tags } = await checkManifest(document, this.#draft, options);
    if (manifest.kind === "index") throw notAnImage(descriptor.mediaType);
    const image = await this.#imageOf(manifest, options);
    const stored = { descriptor, bytes: document.bytes };
    await this.#draft.list(stored, (index) => {
      requireTags(index, tags, options);
      return withManifest(index, descriptor, tags);
    });
    this.#images.set(descriptor.digest, image);
    return descriptor;
  }

  /** What is in the archive, under the names that it has in `index`. */
  images(index: LayoutIndex): readonly SavedImage[] {
    const prefix = this.#prefix;
    return [...this.#images].map(([digest, image]) => {
      const tags = tagsOf(index).filter(([, descriptor]) => descriptor.digest === digest);
      return { ...image, names: prefix === undefined ? [] : tags.map(([tag]) => [prefix, tag] as const) };
    });
  }

  async putBlob(
    descriptor: Descriptor,
    open: OpenBlob,
    { signal }: PutBlobOptions = {},
  ): Promise<PutBlobResult> {
    signal?.throwIfAborted();
    return this.#draft.put(descriptor, open, { signal });
  }

  async mountBlob(_digest: Digest, { signal }: CallOptions = {}): Promise<undefined> {
    signal?.throwIfAborted();
    return undefined;
  }

  async openUpload({ signal }: CallOptions = {}): Promise<UploadSession> {
    signal?.throwIfAborted();
    throw new OciError("UNSUPPORTED", "an archive takes content whose size is known only", {
      hint: "use putBlob",
    });
  }

  /** Where the image is in the archive; its layers must be what its configuration says. */
  async #imageOf({ config, layers }: Manifest, { signal }: CallOptions): Promise<Omit<SavedImage, "names">> {
    if (!isImageConfig(config.mediaType)) throw notAnImage(config.mediaType);
    const { body } = await this.getBlob(config.digest, { signal });
    const { diffIds } = parseImageConfig(await readAll(body, { limit: configLimit }));
    if (diffIds.length !== layers.length) {
      throw new OciError(
        "MANIFEST_INVALID",
        `${config.digest} is the configuration of another number of layers`,
      );
    }
    return {
      config: this.#blob(config.digest).path,
      layers: layers.map(({ digest }, number) => {
        const { diffId, path } = this.#blob(digest);
        if (diffId === diffIds[number]) return path;
        throw new OciError(
          "DIGEST_MISMATCH",
          `layer ${digest} expands to ${diffId}, not to ${diffIds[number]}`,
        );
      }),
    };
  }

  /** @throws OciError UNSUPPORTED for a layer that is not meant to be distributed */
  #blob(digest: Digest): SavedBlob {
    const blob = this.#draft.blob(digest);
    if (blob !== undefined) return blob;
    throw new OciError(
      "UNSUPPORTED",
      `layer ${digest} is not here, and docker would not look for it elsewhere`,
    );
  }
}

function notAnImage(type: string): OciError {
  const hint = isIndexType(type) ? "choose one platform of it" : undefined;
  return new OciError("UNSUPPORTED", `an archive for docker holds images only, and no ${type}`, { hint });
}
