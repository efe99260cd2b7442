import { parseRepositoryName, type CallOptions, type Registry } from "@drayage/oci";
import { createEndpoint, type EndpointOptions } from "./endpoint.ts";
import { createRepository } from "./repository.ts";
import { listRepositories } from "./tags.ts";

/** A registry over HTTP. */
export interface RegistryClient extends Registry {
  /** What credentials and budgets know it by. */
  readonly name: string;
  /**
   * Resolves when the registry has answered, and accepted our credential if it wanted one.
   *
   * @throws OciError UNAUTHORIZED, UNSUPPORTED if it is no registry, CONNECTION_FAILED
   * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support
   */
  ping(options?: CallOptions): Promise<void>;
}

export function createRegistryClient(
  options: Pick<EndpointOptions, "host" | "settings" | "send">,
): RegistryClient {
  const endpoint = createEndpoint(options);
  return {
    name: options.host.name,
    repository: (name, { access } = {}) =>
      createRepository(createEndpoint({ ...options, repository: parseRepositoryName(name), access })),
    listRepositories: (list) => listRepositories(endpoint, list),
    async ping({ signal } = {}) {
      const to = { kind: "base" } as const;
      await endpoint.tell({ method: "GET", to, subject: "registry", expect: [200], actions: [], signal });
    },
  };
}
