export {
  describeDockerCredential,
  fromDockerConfig,
  type DockerConfigOptions,
  type DockerCredentialDescription,
} from "./from-docker-config.ts";
export type { HelperOptions } from "./credential-helper.ts";
export { fromKubernetesSecret } from "./kubernetes.ts";
export type { DockerConfigPlace, Environment, SearchOptions } from "./search.ts";
export {
  createDockerCredentialStore,
  type CredentialStore,
  type DockerCredentialStoreOptions,
} from "./store.ts";
export type { StoredCredential } from "./stored.ts";
