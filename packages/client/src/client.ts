import { parseReference, type Action, type HttpSend, type Reference } from "@drayage/oci";
import { createHosts } from "./host.ts";
import { createAgents } from "./http/agent.ts";
import { createHttpSend } from "./http/plain.ts";
import { createPipelines } from "./http/pipeline.ts";
import { settingsOf, type ClientOptions } from "./options.ts";
import { createRegistryClient, type RegistryClient } from "./registry.ts";
import type { RepositoryClient } from "./repository.ts";

/** Registries over HTTP, with the connections, tokens and limits that they share. */
export interface Client extends AsyncDisposable {
  /**
   * The registry of that name; no request is made.
   *
   * @param name a host with or without a port, such as `ghcr.io` or `localhost:5000`; `docker.io` is Docker Hub
   * @throws OciError REFERENCE_INVALID
   */
  registry(name: string): RegistryClient;
  /**
   * The repository that a reference names, whatever tag or digest it has; no request is made. It is spoken to over
   * plain HTTP if the reference says `http`, as {@link parseReference} reads it with `allowScheme`.
   *
   * @param options.access what will be done, so that one token is asked for once
   * @throws OciError REFERENCE_INVALID, NAME_INVALID
   * @example client.repository("alpine").getManifest("3.20")
   */
  repository(
    reference: string | Reference,
    options?: { readonly access?: readonly Action[] | undefined },
  ): RepositoryClient;
  /** Sends a request to anywhere else, such as a vendor's API, under the same limits and address rules. */
  readonly send: HttpSend;
  /** Ends every connection of its own; what is under way there fails. */
  close(): Promise<void>;
}

/**
 * A client of OCI registries, with nothing but what it is given: no credential, configuration file or environment
 * variable is read.
 *
 * @throws OciError OPTION_INVALID, REFERENCE_INVALID for a host that is none
 * @example
 * const client = createClient({ credentials: fromStatic("ghcr.io", { username: "me", password: token }) });
 * const { descriptor } = await client.repository("ghcr.io/me/app").getManifest("latest");
 * await client.close();
 */
export function createClient(options: ClientOptions = {}): Client {
  const settings = settingsOf(options);
  const agents = createAgents(settings);
  const hosts = createHosts(settings);
  const pipelines = createPipelines({ agents, hosts, settings });

  const registry = (name: string): RegistryClient =>
    createRegistryClient({
      host: hosts.of(name),
      hosts,
      settings,
      send: pipelines.registry,
      plain: pipelines.plain,
    });
  const close = (): Promise<void> => agents.close();

  return {
    registry,
    repository(reference, access) {
      const named = typeof reference === "string" ? parseReference(reference) : reference;
      return registry(`${named.scheme}://${named.registry}`).repository(named.repository, access);
    },
    send: createHttpSend(pipelines.plain, hosts),
    close,
    [Symbol.asyncDispose]: close,
  };
}
