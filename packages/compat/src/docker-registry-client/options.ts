import type { ClientOptions } from "@drayage/client";
import { fromStatic, OciError, type Action, type CredentialProvider } from "@drayage/oci";
import { parseRepo, urlFromIndex, type RegistryRepo } from "@drayage/oci/migration";

export const DEFAULT_USERAGENT = "drayage-compat";

/** What `new RegistryClientV2` takes: one of `name` and `repo`, and what else is particular to the registry. */
export interface RegistryClientOpts {
  /** The repository, as `parseRepo` reads it; not looked at beside `repo`. */
  readonly name?: string | undefined;
  readonly repo?: RegistryRepo | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** A token that the registry itself accepts; comes before `username`. */
  readonly token?: string | undefined;
  /** Kept as a field and nothing else: certificates are checked unless `client.hosts` says otherwise. */
  readonly insecure?: boolean | undefined;
  /** Instead of what the repository's index has. */
  readonly scheme?: "https" | "http" | undefined;
  /** Asks for manifests of OCI too; `true`. */
  readonly acceptOCIManifests?: boolean | undefined;
  /** Asks for manifest lists and indexes too; `false`. */
  readonly acceptManifestLists?: boolean | undefined;
  readonly userAgent?: string | undefined;
  /** What tokens are asked for besides what a call needs: `pull`, `push`, `delete`, or `*` for all of them; `["pull"]`. */
  readonly scopes?: readonly string[] | undefined;
  /** What the client underneath takes besides: certificates, addresses, limits, a trace. */
  readonly client?: ClientOptions | undefined;
}

/** Which repository is meant, and with which scheme it is spoken to. @throws OciError OPTION_INVALID, REFERENCE_INVALID */
export function repoOf({ name, repo, scheme }: RegistryClientOpts): RegistryRepo {
  const named = repo ?? (name === undefined ? undefined : parseRepo(name));
  if (named === undefined)
    throw new OciError("OPTION_INVALID", "which repository? Neither name nor repo is given");
  urlFromIndex(named.index, scheme); // Docker Hub is not asked over plain HTTP
  return scheme === undefined ? named : { ...named, index: { ...named.index, scheme } };
}

/** How the client underneath is made. */
export function clientOptionsOf(options: RegistryClientOpts, { index }: RegistryRepo): ClientOptions {
  const { client = {}, userAgent = client.userAgent ?? DEFAULT_USERAGENT } = options;
  const host = { ...client.hosts?.[index.name], plainHttp: index.scheme === "http" };
  return {
    ...client,
    userAgent,
    credentials: credentialsOf(options, index.name) ?? client.credentials,
    hosts: { ...client.hosts, [index.name]: host },
  };
}

/** @throws OciError OPTION_INVALID */
export function actionsOf(scopes: readonly string[]): readonly Action[] {
  return [...new Set(scopes.flatMap(actionsOfScope))];
}

const everything: readonly Action[] = ["pull", "push", "delete"];

function actionsOfScope(scope: string): readonly Action[] {
  if (scope === "*") return everything;
  const action = everything.find((known) => known === scope);
  if (action !== undefined) return [action];
  throw new OciError("OPTION_INVALID", `no registry action is called "${scope}"`);
}

function credentialsOf(
  { username, password = "", token }: RegistryClientOpts,
  registry: string,
): CredentialProvider | undefined {
  if (token !== undefined && token !== "") return fromStatic(registry, { bearerToken: token });
  if (username !== undefined && username !== "") return fromStatic(registry, { username, password });
  return undefined;
}
