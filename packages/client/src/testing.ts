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

/** A certificate that nobody vouches for, of `registry.test` and `other.test`, with its key; good for tests only. */
export const selfSigned: { readonly key: string; readonly cert: string } = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMYfOo5fVIap/i3YJ
vCYbeOr8w/7Qp20/YFlSJRruhZWhRANCAAQCAJ2mhNbisydgyWM3er12IaxfxPru
Ic9U7gBDzELzkvAXxO5AF0wB8clsfFG4Oo9msOawfuhXRkeBbL94jqOw
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBrDCCAVOgAwIBAgIUEIJp+ZXcZmEIs4BZkGV8WaZIg5UwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDAgFw0yNjExMjIxNzQxNTNaGA8yMTI2
MTAyOTE3NDE1M1owGDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABAIAnaaE1uKzJ2DJYzd6vXYhrF/E+u4hz1TuAEPMQvOS
8BfE7kAXTAHxyWx8Ubg6j2aw5rB+6FdGR4Fsv3iOo7CjeTB3MB0GA1UdDgQWBBSZ
2j9Z1L/of2BjVkeSUoEWvOpTbzAfBgNVHSMEGDAWgBSZ2j9Z1L/of2BjVkeSUoEW
vOpTbzAPBgNVHRMBAf8EBTADAQH/MCQGA1UdEQQdMBuCDXJlZ2lzdHJ5LnRlc3SC
Cm90aGVyLnRlc3QwCgYIKoZIzj0EAwIDRwAwRAIgZB9VH4weA+44YQuh1veJpqRI
bq6H7zAtn2Gx/g8TnV4CIAiwJlct2gh4WJCrhBEcXH7HqCu0K9cfSTLS1Quhx1MG
-----END CERTIFICATE-----`,
};
