import type { Repository } from "@drayage/oci";
import {
  createScriptedRegistry,
  type ScriptedRegistry,
  type ScriptedRegistryOptions,
} from "@drayage/testkit";
import { createClient, type Client } from "./client.ts";
import type { TraceEvent } from "./http/trace.ts";
import type { ClientOptions } from "./options.ts";

/** A scripted registry and a client that can reach it by name, over plain HTTP and without waiting between tries. */
export interface Opened extends AsyncDisposable {
  readonly server: ScriptedRegistry;
  readonly client: Client;
  /** `library/app` at the registry. */
  readonly repository: Repository;
  /** What the client has reported. */
  readonly events: readonly TraceEvent[];
  /** `METHOD path` of every request so far, the origin in front where it is not the registry. */
  requests(): readonly string[];
}

export async function openScripted(
  options: ScriptedRegistryOptions = {},
  clientOptions: (server: ScriptedRegistry) => ClientOptions = () => ({}),
): Promise<Opened> {
  const server = await createScriptedRegistry(options);
  const host = server.host();
  const registry = host.slice(0, host.indexOf(":"));
  const events: TraceEvent[] = [];
  const client = createClient({
    hosts: { [host]: { plainHttp: true } },
    network: { lookup: server.lookup },
    retry: { minDelay: 1, maxDelay: 2 },
    trace: (event) => events.push(event),
    ...clientOptions(server),
  });
  const close = async (): Promise<void> => {
    await client.close();
    await server.close();
  };
  return {
    server,
    client,
    repository: client.registry(host).repository("library/app"),
    events,
    requests: () =>
      server.ledger.map(
        ({ origin, method, url }) => `${origin === registry ? "" : `${origin} `}${method} ${url}`,
      ),
    [Symbol.asyncDispose]: close,
  };
}

/** The error that `action` fails with. */
export async function errorOf(action: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof action === "function" ? action() : action);
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
