export { externalTokens, type ExternalTokensOptions } from "./external-tokens.ts";
export { htpasswd, type HtpasswdOptions } from "./htpasswd.ts";
export type { VerificationKey } from "./key.ts";
export { issuerKeys, remoteKeys, staticKeys, type KeySet, type RemoteKeysOptions } from "./key-set.ts";
export { limitFailures, type FailureLimitOptions } from "./limit-failures.ts";
export {
  createSigningKeys,
  signingKeysFrom,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeys,
  type SigningKeysOptions,
} from "./signing-keys.ts";
export type { ReloadingFileOptions } from "./reloading-file.ts";
export { createTokenService, type TokenService, type TokenServiceOptions } from "./token-service.ts";
export { workloadIdentity, type Workload, type WorkloadIdentityOptions } from "./workload-identity.ts";
