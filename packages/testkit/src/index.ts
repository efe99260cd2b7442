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
export type { RepositoryTraits } from "./contract/case.ts";
export { repositoryContract, type OpenedSubject, type RepositorySubject } from "./contract/repository.ts";
