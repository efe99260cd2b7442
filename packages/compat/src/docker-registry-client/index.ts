// The names of @cloudydeno/docker-registry-client 0.7, its entry points taken together.
export {
  DEFAULT_INDEX_NAME,
  DEFAULT_INDEX_URL,
  DEFAULT_LOGIN_SERVERNAME,
  DEFAULT_TAG,
  isLocalhost,
  MEDIATYPE_MANIFEST_LIST_V2,
  MEDIATYPE_MANIFEST_V2,
  MEDIATYPE_OCI_MANIFEST_INDEX_V1,
  MEDIATYPE_OCI_MANIFEST_V1,
  parseIndex,
  parseRepo,
  parseRepoAndRef,
  parseRepoAndTag,
  splitIntoTwo,
  urlFromIndex,
  type RegistryImage,
  type RegistryIndex,
  type RegistryRepo,
} from "@drayage/oci/migration";
export type { RegistryError } from "@drayage/oci";
export type { AuthInfo } from "./auth.ts";
export type {
  BlobOptions,
  BlobUploadOptions,
  DeleteManifestOptions,
  GetManifestOptions,
  ListAllTagsOptions,
  ListTagsOptions,
  LoginOptions,
  PingOptions,
  PutManifestOptions,
} from "./call-options.ts";
export { RegistryClientV2 } from "./client.ts";
export {
  ApiError,
  BadDigestError,
  DownloadError,
  HttpError,
  InternalError,
  InvalidContentError,
  InvalidManifestError,
  ManifestVerificationError,
  ApiError as RegistryApiError,
  HttpError as RegistryHttpError,
  TooManyRedirectsError,
  UploadError,
} from "./errors.ts";
export {
  digestFromManifestStr,
  type ByteArray,
  type Manifest,
  type ManifestOCI,
  type ManifestOCIDescriptor,
  type ManifestOCIIndex,
  type ManifestV2,
  type ManifestV2Descriptor,
  type ManifestV2List,
} from "./manifest.ts";
export { DEFAULT_USERAGENT, type RegistryClientOpts } from "./options.ts";
export { DockerResponse } from "./response.ts";
export type { TagList, TagListManifest } from "./tags.ts";
