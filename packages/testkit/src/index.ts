export {
  conformanceContract,
  type ConformanceSubject,
  type OpenedConformance,
} from "./conformance/conformance.ts";
export { credentialProviderContract } from "./contract/credential-provider.ts";
export type {
  CredentialClock,
  CredentialProviderSubject,
  CredentialWorld,
} from "./contract/credential/case.ts";
export { createArtifact, type ArtifactOptions } from "./fixture/artifact.ts";
export { bytesOfBlob, createBlob, type BlobOptions, type FixtureBlob } from "./fixture/blob.ts";
export {
  createImage,
  type Fixture,
  type FixtureImage,
  type ImageOptions,
  type ManifestOptions,
} from "./fixture/image.ts";
export { createIndex, type IndexOptions } from "./fixture/image-index.ts";
export { createLayer, type FixtureLayer, type LayerOptions } from "./fixture/layer.ts";
export { pushImage } from "./fixture/push.ts";
export { leaksOf, type Canary, type Whereabouts } from "./hostile/canary.ts";
export type { Cargo, CargoKind } from "./hostile/cargo.ts";
export { testCertificate } from "./hostile/certificate.ts";
export { clientContract, type ClientSubject, type OpenedClient } from "./hostile/client-contract.ts";
export type { Fault } from "./hostile/fault.ts";
export { faults } from "./hostile/faults.ts";
export { openWorld, type HostileLogin, type HostileWorld } from "./hostile/world.ts";
export type { RepositoryTraits } from "./contract/case.ts";
export { repositoryContract, type OpenedSubject, type RepositorySubject } from "./contract/repository.ts";
export {
  storageDriverContract,
  type OpenedStorage,
  type StorageDriverSubject,
} from "./contract/storage-driver.ts";
export {
  createRequestLog,
  type LoggedRequest,
  type RequestEvents,
  type RequestKind,
  type RequestLog,
} from "./request-log.ts";
export type { S3Bucket, S3Object, S3Traits, S3Upload } from "./s3/bucket.ts";
export {
  createS3Emulator,
  type S3Emulator,
  type S3EmulatorOptions,
  type S3LedgerEntry,
} from "./s3/emulator.ts";
export type { S3Operation } from "./s3/exchange.ts";
export type { S3Fault } from "./s3/fault.ts";
export type { S3Identity } from "./s3/signature.ts";
export type { BasicAuth, BearerAuth, ScriptedAuth } from "./scripted/authorize.ts";
export type { ScriptedContent, ScriptedRepository, StoredManifest } from "./scripted/content.ts";
export type { ScriptedAnswer, ScriptedRequest } from "./scripted/exchange.ts";
export type { ScriptedFeatures } from "./scripted/manifests.ts";
export {
  createScriptedRegistry,
  type LedgerEntry,
  type ScriptedRegistry,
  type ScriptedRegistryOptions,
} from "./scripted/registry.ts";
export type { TestCertificate } from "./scripted/origin.ts";
export type { Pace, ScriptAction, ScriptRule } from "./scripted/rule.ts";
export type { TokenServerOptions } from "./scripted/token-server.ts";
