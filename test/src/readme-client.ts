import { createClient as create, type Client, type ClientOptions } from "@drayage/client";
import {
  RegistryClientV2 as RegistryClient,
  type RegistryClientOpts,
} from "@drayage/compat/docker-registry-client";
import type { ScriptedRegistry } from "@drayage/testkit";

// What the examples of READMEs import, made to find the registry that a test has put in place of the one they name.

export { createDiagnosticsTrace, diagnosticsChannel, profiles } from "@drayage/client";
export { parseRepoAndRef } from "@drayage/compat/docker-registry-client";

declare global {
  var readmeServer: ScriptedRegistry;
}

export function createClient(options: ClientOptions = {}): Client {
  return create(findable(options));
}

export class RegistryClientV2 extends RegistryClient {
  constructor(options: RegistryClientOpts) {
    super({ ...options, scheme: "http", client: findable(options.client) });
  }
}

function findable(options: ClientOptions = {}): ClientOptions {
  const host = readmeServer.host();
  return {
    ...options,
    hosts: { ...options.hosts, [host]: { ...options.hosts?.[host], plainHttp: true } },
    network: { lookup: readmeServer.lookup },
    trustedTokenServers: { [host]: [readmeServer.host("auth.test")] },
  };
}
