export {
  abortable,
  createSingleFlight,
  mapConcurrent,
  sleep,
  type SingleFlight,
} from "./async.ts";
export { decodeBase64 } from "./base64.ts";
export {
  createMemoryBudget,
  type Budget,
  type BudgetKind,
  type MemoryBudgetOptions,
  type Rate,
} from "./budget.ts";
export {
  bytesOf,
  closing,
  isVerified,
  observed,
  readAll,
  verified,
  type Bytes,
  type BytesObserver,
} from "./bytes.ts";
export type { ContentDeleter, Refusal, RefusalReason, Untagging } from "./content-deleter.ts";
export {
  anonymous,
  chain,
  forRegistry,
  fromStatic,
  isSameCredential,
  Secret,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
  type Resource,
  type StaticCredential,
} from "./credential.ts";
export { annotationsOf, parseDescriptor, type Annotations, type Descriptor } from "./descriptor.ts";
export {
  algorithmOf,
  createDigester,
  digestMatches,
  digestOf,
  hexOf,
  isDigest,
  isDigestAlgorithm,
  parseDigest,
  type Digest,
  type DigestAlgorithm,
  type Digester,
} from "./digest.ts";
export {
  atSide,
  bareCause,
  escapeControls,
  isOciError,
  OciError,
  statusOfCode,
  type OciErrorCode,
  type OciErrorOptions,
  type Side,
} from "./errors.ts";
export {
  answerWith,
  headerOf,
  type Answer,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
  type HttpSend,
} from "./http.ts";
export { parseImageConfig, type ImageConfig } from "./image-config.ts";
export type {
  ManifestInventory,
  StoredManifest,
  StoredTag,
  TagInventory,
  TagRecord,
} from "./inventory.ts";
export { createMemoryJournal, type Journal } from "./journal.ts";
export { ownValue, parseJson, parseJsonObject, parseObject, type JsonObject } from "./json.ts";
export {
  artifactTypeOf,
  childrenOf,
  createManifestDocument,
  documentOf,
  parseManifest,
  referrerOf,
  requiredContent,
  type Children,
  type Index,
  type Manifest,
  type ManifestDocument,
} from "./manifest.ts";
export {
  isIndexType,
  isManifestType,
  isMediaType,
  isNonDistributable,
  manifestMediaTypes,
  mediaType,
  parseContentType,
} from "./media-type.ts";
export { memoize, type MemoizeOptions } from "./memoize.ts";
export { MemoryRegistry } from "./memory.ts";
export {
  isRepositoryName,
  isTag,
  parseAt,
  parseRepositoryName,
  parseTag,
  type At,
  type Tag,
} from "./name.ts";
export { formatPlatform, matchesPlatform, parsePlatform, platformToJson, type Platform } from "./platform.ts";
export { putBlobStream, type PutBlobStreamOptions } from "./put-blob-stream.ts";
export {
  standardQuirks,
  type AuthQuirks,
  type BlobQuirks,
  type DeleteQuirks,
  type ListQuirks,
  type ManifestQuirks,
  type Quirks,
} from "./quirks.ts";
export { resolveRange, type Range } from "./range.ts";
export type {
  Action,
  BlobContent,
  BlobLocator,
  BlobReader,
  BlobWriter,
  CallOptions,
  Deleter,
  DeleteResult,
  GetBlobOptions,
  GetManifestOptions,
  ListOptions,
  ManifestReader,
  ManifestWriter,
  OpenBlob,
  PutBlobOptions,
  PutBlobResult,
  UploadMemory,
  PutManifestOptions,
  ReferrerLister,
  Registry,
  Repository,
  RepositoryOptions,
  Source,
  TagLister,
  Target,
  AppendToUploadOptions,
  UploadSession,
} from "./repository.ts";
export { createMemoryStateStore, type StateEntry, type StateStore } from "./state-store.ts";
export { readOnly } from "./wrap/read-only.ts";
export { sub } from "./wrap/sub.ts";
export { trace, type CallEvent, type TraceOptions } from "./wrap/trace.ts";

// References, and the wire formats that client and server share.
export {
  dockerHub,
  familiarReference,
  formatReference,
  isLoopback,
  parseReference,
  parseRegistry,
  pullReference,
  type ParseReferenceOptions,
  type Reference,
  type RegistryAddress,
  type Scheme,
} from "./reference.ts";
export type { NamedReference, ReferenceReason } from "./reference-grammar.ts";
export type {
  AppendOptions,
  Appended,
  BlobPage,
  BlobStat,
  BlobStore,
  CommitOptions,
  DocumentPage,
  DocumentStat,
  DocumentStore,
  ListBlobsOptions,
  ListDocumentsOptions,
  NewUpload,
  PutDocumentOptions,
  ReadPart,
  ReapOptions,
  RemoveBlobOptions,
  RemoveResult,
  StorageDriver,
  StoredDocument,
  UploadToken,
} from "./storage.ts";
export { formatAuthorization, parseAuthorization, type Authorization } from "./wire/authorization.ts";
export {
  formatChallenge,
  parseChallenges,
  selectChallenge,
  type BasicChallenge,
  type BearerChallenge,
  type Challenge,
  type Challenges,
  type ChallengeWarning,
} from "./wire/challenge.ts";
export {
  codeOfErrors,
  formatErrorBody,
  parseErrorBody,
  type ErrorBody,
  type FormatErrorOptions,
  type RegistryError,
} from "./wire/error-body.ts";
export { formatEntityTag, includesEntityTag, parseEntityTags, type EntityTags } from "./wire/entity-tag.ts";
export {
  formatNextLink,
  nextLink,
  parseLink,
  type Link,
  type Links,
  type LinkWarning,
  type NextLink,
  type NextLinkReason,
} from "./wire/link.ts";
export {
  formatCatalogPage,
  formatTagPage,
  parseCatalogPage,
  parseTagPage,
  type CatalogPage,
  type ListedManifest,
  type TagPage,
} from "./wire/listing.ts";
export {
  formatChunkRange,
  formatContentRange,
  formatRange,
  formatUploadRange,
  parseChunkRange,
  parseContentRange,
  parseRange,
  parseUploadRange,
  type ContentRange,
  type UnsatisfiedRange,
} from "./wire/range.ts";
export { formatRetryAfter, parseRetryAfter } from "./wire/retry-after.ts";
export { formatRateLimit, parseRateLimit, type RateLimit } from "./wire/rate-limit.ts";
export {
  formatRoute,
  parseRoute,
  type ManifestRoute,
  type PageQuery,
  type ReferrersRoute,
  type Route,
  type UploadRoute,
  type UploadsRoute,
} from "./wire/route.ts";
export { isVisibleAscii } from "./wire/scan.ts";
export { coversScope, formatScope, mergeScopes, parseScope, parseScopes, type Scope } from "./wire/scope.ts";
export {
  formatToken,
  formatTokenForm,
  formatTokenQuery,
  parseToken,
  parseTokenForm,
  parseTokenQuery,
  type FormatTokenOptions,
  type Token,
  type TokenGrant,
  type TokenRequest,
} from "./wire/token.ts";
export { formatWarning, parseWarnings } from "./wire/warning.ts";
