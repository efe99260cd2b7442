import {
  parseDigest,
  parseManifest,
  type At,
  type BlobContent,
  type CallOptions,
  type DeleteResult,
  type Descriptor,
  type Digest,
  type ManifestDocument,
  type Repository,
  type Tag,
  type TagPage,
} from "@drayage/oci";
import { deleteBlob } from "./blobs.ts";
import { deleteTag, type DeleteTagOptions } from "./delete-tag.ts";
import type { Endpoint } from "./endpoint.ts";
import { getForeignBlob } from "./foreign.ts";
import type { Send } from "./http/message.ts";
import { deleteManifest, findManifest, putManifest, type FetchManifestOptions } from "./manifests.ts";
import { createMirroredReader } from "./mirrored.ts";
import { addReferrer, removeReferrer } from "./referrers-index.ts";
import { hasReferrersApi, listReferrers } from "./referrers.ts";
import { listTagPages, listTags, type ListTagPagesOptions } from "./tags.ts";
import { mountBlob } from "./upload/mount.ts";
import { openUpload } from "./upload/session.ts";
import { putBlob } from "./upload/put-blob.ts";

/** A repository over HTTP. */
export interface RepositoryClient extends Repository {
  getManifest(at: At, options?: FetchManifestOptions): Promise<ManifestDocument>;
  /** The tags page by page as the registry sends them, with what it tells besides. @throws OciError NAME_UNKNOWN */
  listTagPages(options?: ListTagPagesOptions): AsyncIterable<TagPage>;
  /**
   * Whether the registry lists referrers itself, once it has been asked; where it does not, they are kept under tags
   * like `sha256-<hex>`, which `listReferrers` reads.
   */
  readonly listsReferrers: boolean | undefined;
  /**
   * Removes a tag and nothing else.
   *
   * @throws OciError UNSUPPORTED, DENIED, PRECONDITION_FAILED
   * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#deleting-tags
   */
  deleteTag(tag: Tag, options?: DeleteTagOptions): Promise<DeleteResult>;
  /**
   * A blob from where its descriptor says that it is kept too, tried one after the other: without any credential,
   * verified, and once each. Nothing else looks at `urls`, for whoever wrote the manifest wrote them as well.
   *
   * @throws OciError BLOB_UNKNOWN, URL_REFUSED, ADDRESS_REFUSED, SIZE_MISMATCH, CONNECTION_FAILED
   * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#properties
   */
  getForeignBlob(descriptor: Descriptor, options?: CallOptions): Promise<BlobContent>;
}

export interface RepositoryOptions {
  /** Where it is read from, if they have what is asked for. */
  readonly mirrors: readonly Endpoint[];
  /** A way that proves nothing to anybody. */
  readonly plain: Send;
}

export function createRepository(
  endpoint: Endpoint,
  { mirrors, plain }: RepositoryOptions,
): RepositoryClient {
  return {
    name: endpoint.name,
    ...createMirroredReader(endpoint, mirrors),
    getForeignBlob: (descriptor, { signal } = {}) =>
      getForeignBlob(descriptor, { host: endpoint.host, send: plain, signal }),
    putBlob: (descriptor, open, options) => putBlob(endpoint, descriptor, open, options),
    mountBlob: (digest, options) => mountBlob(endpoint, digest, options),
    openUpload: (options) => openUpload(endpoint, options),
    listTags: (options) => listTags(endpoint, options),
    listTagPages: (options) => listTagPages(endpoint, options),
    listReferrers: (subject, options) => listReferrers(endpoint, subject, options),
    get listsReferrers() {
      return endpoint.host.learned.referrersApi;
    },
    deleteTag: (tag, options) => deleteTag(endpoint, tag, options),
    deleteBlob: (digest, options) => deleteBlob(endpoint, digest, options),

    async putManifest(document, options = {}) {
      const { descriptor, unnoted } = await putManifest(endpoint, document, options);
      if (unnoted !== undefined) {
        const { subject, referrer } = unnoted;
        await addReferrer(endpoint, subject, { referrer, signal: options.signal });
      }
      return descriptor;
    },
    async deleteManifest(digest, options = {}) {
      parseDigest(digest); // by a tag, some registries would delete what it points to
      const subject = await subjectByTag(endpoint, digest, options);
      const result = await deleteManifest(endpoint, digest, options);
      if (subject !== undefined) await removeReferrer(endpoint, subject, { ...options, referrer: digest });
      return result;
    },
  };
}

/** What the manifest refers to, if it is up to us to keep the list of that. */
async function subjectByTag(
  endpoint: Endpoint,
  digest: Digest,
  options: CallOptions,
): Promise<Digest | undefined> {
  if (await hasReferrersApi(endpoint, digest, options)) return undefined;
  const document = await findManifest(endpoint, digest, options);
  if (document === undefined) return undefined;
  return parseManifest(document.bytes, document.descriptor.mediaType).subject?.digest;
}
