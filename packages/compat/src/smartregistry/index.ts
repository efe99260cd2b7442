// The names of @push.rocks/smartregistry, as its first version had them.
export type {
  LoginCredentials,
  IRegistryConfig,
  S3Settings,
  TAuthCallback,
  TLoginCallback,
} from "./config.ts";
export type { Content, RangeLike } from "./content.ts";
export type { Pagination } from "./manifests.ts";
export type {
  BlobInfo,
  BlobPart,
  Deleted,
  Failure,
  ManifestContent,
  ManifestInfo,
  ReferrerList,
  Stored,
  TagList,
  Upload,
} from "./results.ts";
export { SmartRegistry } from "./smart-registry.ts";
