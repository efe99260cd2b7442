import {
  memoize,
  OciError,
  parseRegistry,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
  type HttpSend,
} from "@drayage/oci";
import { askForEntraToken, type EntraTokenSource } from "./entra.ts";
import { exchange } from "./exchange.ts";
import { isAcrHost } from "./hosts.ts";

/** Where {@link fromAcr} finds an identity, and for which hosts. */
export interface AcrOptions {
  /** What gives Entra tokens; by default `DefaultAzureCredential` of the package `@azure/identity`. */
  readonly tokenSource?: EntraTokenSource | undefined;
  /** The tenant of the identity, where the registry cannot tell. */
  readonly tenant?: string | undefined;
  /** What the Entra token is asked for: container registries alone, not all of Azure. */
  readonly scope?: string | undefined;
  /** Further registries, by `host[:port]`: custom domains. They are sent the Entra token. */
  readonly hosts?: readonly string[] | undefined;
  /** How the exchange is sent; by default the way that the asking client offers. */
  readonly send?: HttpSend | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * A provider for Azure Container Registry, in all of Azure's clouds.
 *
 * It exchanges an Entra token for a refresh token of the registry; the client then turns that into the access
 * tokens of its requests. Admin users and repository-scoped tokens are plain passwords: `fromStatic`.
 *
 * @throws OciError REFERENCE_INVALID for `hosts`; CREDENTIAL_UNAVAILABLE, OPTION_INVALID and what `send` throws, from the provider
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 * @example
 * const client = createClient({ credentials: fromAcr({ tokenSource: new AzureCliCredential() }) })
 */
export function fromAcr(options: AcrOptions = {}): CredentialProvider {
  const { now, hosts = [] } = options;
  const remembered = memoize((request) => find(request, options), { now });
  const named = new Set(hosts.map((name) => parseRegistry(name).registry));
  return async (request) => {
    const isOurs = isAcrHost(request.registry) || named.has(request.registry);
    return isOurs ? remembered(request) : undefined;
  };
}

const registriesAlone = "https://containerregistry.azure.net/.default";

// https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-overview
const permissionHint =
  "the identity needs the role AcrPull (pull), AcrPush (push) or AcrDelete on the registry";

async function find(request: CredentialRequest, options: AcrOptions): Promise<Credential> {
  const { registry, signal } = request;
  const { tokenSource, tenant, scope = registriesAlone, send = request.send, now = Date.now } = options;
  if (send === undefined) throw cannotSend(registry);
  const entraToken = await askForEntraToken(tokenSource, { registry, scope, signal });
  const credential = await exchange({ registry, entraToken, tenant, send, signal, now: now() });
  return { ...credential, hint: permissionHint };
}

function cannotSend(registry: string): OciError {
  return new OciError("OPTION_INVALID", `${registry}: there is no way to send the exchange`, {
    hint: "use the provider with a client of @drayage/client, or pass `send`",
  });
}
