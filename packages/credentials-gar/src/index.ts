export type { AccessTokenAnswer, AccessTokenSource } from "./access-token.ts";
export { fromArtifactRegistry, type ArtifactRegistryOptions } from "./from-artifact-registry.ts";
