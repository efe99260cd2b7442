import {
  bytesOf,
  isVerified,
  mediaType,
  parseTag,
  verified,
  type CallOptions,
  type DeleteResult,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type OpenBlob,
  type PutBlobOptions,
  type PutBlobResult,
  type PutManifestOptions,
  type Repository,
  type Tag,
  type UploadSession,
} from "@drayage/oci";
import { LayoutDirectory, type DirectoryOptions } from "./directory.ts";
import { findTag, withoutManifest, withoutTag } from "./layout-index.ts";
import { checkManifest, listManifest, moved, requireTags } from "./put-manifest.ts";
import { LayoutReader, type RootLister } from "./reader.ts";
import { beginUpload, resumeUpload } from "./upload.ts";

/**
 * The image layout in a directory, which is made when something is first put; many processes may write to it at
 * the same time.
 *
 * A tag is an entry of `index.json` with that `org.opencontainers.image.ref.name`. Manifests that an index lists
 * are not listed a second time by `index.json`, as other tools expect it.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 * @example const layout = createLayout("images"); await copy({ repository, at: "v1" }, { repository: layout, tags: ["v1"] })
 */
export function createLayout(directory: string, options: DirectoryOptions = {}): Repository & RootLister {
  return new LayoutRepository(directory, new LayoutDirectory(directory, [], options), async () => undefined);
}

/** What can hand a repository the content of another one. */
export type FindSource = (name: string) => Promise<LayoutDirectory | undefined>;

/** An image layout in a directory as a repository. */
export class LayoutRepository extends LayoutReader implements Repository {
  readonly #directory: LayoutDirectory;
  readonly #findSource: FindSource;

  constructor(name: string, directory: LayoutDirectory, findSource: FindSource) {
    super(name, directory);
    this.#directory = directory;
    this.#findSource = findSource;
  }

  async putManifest(document: ManifestDocument, options: PutManifestOptions = {}): Promise<Descriptor> {
    const { signal } = options;
    const checked = await checkManifest(document, this.#directory, options);
    await this.#directory.updateIndex(
      async (index) => {
        requireTags(index, checked.tags, options);
        await this.#directory.putContent(checked.descriptor.digest, bytesOf(document.bytes), { signal });
        return listManifest(checked, index, { reader: this, signal });
      },
      { signal },
    );
    return checked.descriptor;
  }

  async putBlob(
    descriptor: Descriptor,
    open: OpenBlob,
    { mountFrom, force, signal }: PutBlobOptions = {},
  ): Promise<PutBlobResult> {
    signal?.throwIfAborted();
    const { digest, size } = descriptor;
    if (force !== true) {
      if ((await this.#directory.sizeOf(digest)) === size) return "present";
      const mounted = mountFrom && (await this.mountBlob(digest, { from: mountFrom, signal }));
      if (mounted) return "mounted";
    }
    const bytes = await open(0, { signal });
    const checked = isVerified(bytes, digest) ? bytes : verified(bytes, descriptor);
    await this.#directory.putContent(digest, checked, { signal });
    return "uploaded";
  }

  async mountBlob(
    digest: Digest,
    { from, signal }: CallOptions & { readonly from?: string | undefined } = {},
  ): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    const source = from === undefined ? undefined : await this.#findSource(from);
    const size = await source?.sizeOf(digest);
    if (source === undefined || size === undefined) return undefined;
    const bytes = verified(source.read(digest, { start: 0, length: size, signal }), { digest, size });
    await this.#directory.putContent(digest, bytes, { signal });
    return { mediaType: mediaType.octetStream, digest, size };
  }

  async openUpload({
    id,
    signal,
  }: CallOptions & { readonly id?: string | undefined } = {}): Promise<UploadSession> {
    signal?.throwIfAborted();
    return id === undefined ? beginUpload(this.#directory) : resumeUpload(id, this.#directory);
  }

  async deleteManifest(digest: Digest, { signal }: CallOptions = {}): Promise<DeleteResult> {
    if ((await this.headManifest(digest, { signal })) === undefined) return "absent";
    await this.#directory.updateIndex((index) => withoutManifest(index, digest), { signal });
    return (await this.#directory.remove(digest)) ? "deleted" : "absent";
  }

  async deleteTag(
    tag: Tag,
    { ifMatch, signal }: CallOptions & { readonly ifMatch?: Digest | undefined } = {},
  ): Promise<DeleteResult> {
    if ((await this.headManifest(parseTag(tag), { signal })) === undefined) return "absent";
    let result: DeleteResult = "absent";
    await this.#directory.updateIndex(
      (index) => {
        const found = findTag(index, tag);
        if (found === undefined) return index;
        if (ifMatch !== undefined && found.digest !== ifMatch) throw moved(tag);
        result = "deleted";
        return withoutTag(index, tag);
      },
      { signal },
    );
    return result;
  }

  async deleteBlob(digest: Digest, { signal }: CallOptions = {}): Promise<DeleteResult> {
    signal?.throwIfAborted();
    return (await this.#directory.remove(digest)) ? "deleted" : "absent";
  }
}
