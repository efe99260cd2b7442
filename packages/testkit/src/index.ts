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
