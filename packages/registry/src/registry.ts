import { parseRepositoryName, type Registry, type StorageDriver } from "@drayage/oci";
import { StoredRepository } from "./repository.ts";
import { listRepositories } from "./storage/catalog.ts";
import { KeptHashes } from "./storage/hashing.ts";
import { Quotas } from "./storage/quotas.ts";
import type { RegistryRules } from "./storage/rules.ts";
import { Writers } from "./storage/writer.ts";

export interface RegistryOptions {
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** What is allowed; everything that the distribution-spec knows, by default. */
  readonly rules?: RegistryRules | undefined;
}

/**
 * A registry over a storage driver, to be used in this process or served by `createHandler`.
 *
 * @example
 * const registry = createRegistry(createMemoryDriver());
 * await registry.repository("library/hello").putManifest(document, { tags: ["latest"] });
 */
export function createRegistry(driver: StorageDriver, options: RegistryOptions = {}): Registry {
  const { now = Date.now, rules = {} } = options;
  const desk = { writers: new Writers(driver, now), hashes: new KeptHashes() };
  const quotas = new Quotas(driver.documents, now);
  return {
    repository: (name, { owner } = {}) =>
      new StoredRepository({ driver, name: parseRepositoryName(name), owner, now, rules, quotas }, desk),
    listRepositories: (list = {}) => listRepositories(driver.documents, list),
  };
}
