import {
  parseRepositoryName,
  type Action,
  type CallOptions,
  type Registry,
  type Scope,
  type Secret,
} from "@drayage/oci";
import { proofOf } from "./auth/authorize.ts";
import { createEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import type { Hosts } from "./host.ts";
import type { RegistryResponse, Send } from "./http/message.ts";
import { parseMirror } from "./mirror.ts";
import { createRepository, type RepositoryClient } from "./repository.ts";
import { listRepositories } from "./tags.ts";

/** A registry over HTTP. */
export interface RegistryClient extends Registry {
  /** What credentials and budgets know it by. */
  readonly name: string;
  repository(name: string, options?: { readonly access?: readonly Action[] | undefined }): RepositoryClient;
  /**
   * Resolves when the registry has answered, and accepted our credential if it wanted one.
   *
   * @throws OciError UNAUTHORIZED, UNSUPPORTED if it is no registry, CONNECTION_FAILED
   * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#determining-support
   */
  ping(options?: CallOptions): Promise<void>;
  /**
   * Resolves to what the registry wants to see as `Authorization` of whoever does what `scopes` say; `undefined` if it
   * wants nothing. For programs that ask on our behalf: what is asked through this client has it anyway.
   *
   * @param scopes such as `repository:library/alpine:pull`, parsed; none for the registry itself
   * @throws OciError UNAUTHORIZED, DENIED, UNTRUSTED_TOKEN_SERVER, CONNECTION_FAILED
   * @see https://distribution.github.io/distribution/spec/auth/token/
   */
  authorization(scopes: readonly Scope[], options?: CallOptions): Promise<Secret | undefined>;
}

export interface RegistryClientOptions extends Pick<EndpointOptions, "host" | "settings" | "send"> {
  /** Where its mirrors are among. */
  readonly hosts: Hosts;
  /** A way that proves nothing to anybody. */
  readonly plain: Send;
}

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const endpoint = createEndpoint(options);
  const endpointOf = (repository: string, access?: readonly Action[]): Endpoint =>
    createEndpoint({ ...options, repository: parseRepositoryName(repository), access });
  /** Where a repository that is only read may be read as well. */
  const mirrorsOf = (repository: string, access: readonly Action[] = []): readonly Endpoint[] => {
    if (access.some((action) => action !== "pull")) return [];
    return (options.host.options.mirrors ?? []).map(parseMirror).map(({ registry, prefix }) => {
      const name = prefix === undefined ? repository : `${prefix}/${repository}`;
      const { settings, send, hosts } = options;
      return createEndpoint({ settings, send, host: hosts.of(registry), repository: name, attempts: 1 });
    });
  };
  return {
    name: options.host.name,
    repository: (name, { access } = {}) =>
      createRepository(endpointOf(name, access), { mirrors: mirrorsOf(name, access), plain: options.plain }),
    listRepositories: (list) => listRepositories(endpoint, list),
    async ping({ signal } = {}) {
      await greet(endpoint, [], { signal });
    },
    async authorization(scopes, { signal } = {}) {
      const repository = scopes.find(({ type }) => type === "repository")?.name;
      const asker = repository === undefined ? endpoint : endpointOf(repository);
      return proofOf(await greet(asker, scopes, { signal }));
    },
  };
}

/** Asks for nothing but to be let in. */
async function greet(
  endpoint: Endpoint,
  scopes: readonly Scope[],
  { signal }: CallOptions,
): Promise<RegistryResponse> {
  const to = { kind: "base" } as const;
  return endpoint.tell({
    method: "GET",
    to,
    subject: "registry",
    expect: [200],
    actions: [],
    scopes,
    signal,
  });
}
