import { memoize, type Credential, type CredentialProvider, type CredentialRequest } from "@drayage/oci";
import { entrySource, helperFor, type DockerConfig } from "./config-file.ts";
import { createCredentialHelper, type HelperOptions } from "./credential-helper.ts";
import { parseEntry } from "./entry.ts";
import { matchingKeys, serverKeyOf } from "./keys.ts";
import { stillGood, type Found as FoundCredential } from "./refusal.ts";
import { searchConfigs, type SearchOptions } from "./search.ts";

/** Where to look for credentials, and how to run helpers. */
export interface DockerConfigOptions extends SearchOptions, HelperOptions {
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** Where a credential comes from, without the credential. */
export interface DockerCredentialDescription {
  /** The file and the key in it, the variable, or the helper and who named it. */
  readonly source: string;
  readonly type: Credential["type"];
  /** Whether it is in a file that others than its owner may read. */
  readonly isExposed: boolean;
}

interface Found extends FoundCredential {
  readonly isExposed: boolean;
}

type Find = (request: CredentialRequest) => Promise<Found | undefined>;

/** How long the answer of a helper is used, in milliseconds; the protocol does not tell when it expires. */
const helperAnswerAge = 60_000;

/**
 * A provider of what `docker login`, `podman login` and `skopeo login` have left on this machine.
 *
 * It looks in this order and takes the first credential: `DOCKER_AUTH_CONFIG`; the file that `REGISTRY_AUTH_FILE`
 * names, and then nowhere else; `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`; the `auth.json` files of
 * containers; `~/.dockercfg`. In each, `credHelpers` come before `credsStore`, and that before `auths`. Files are
 * read anew for every request.
 *
 * The provider throws OciError CREDENTIAL_UNAVAILABLE for what is there and broken.
 *
 * @example
 * const credentials = fromDockerConfig();
 * const credential = await credentials({ registry: "docker.io", repository: "library/alpine" });
 * @example
 * const credentials = fromDockerConfig({ files: ["/run/secrets/auth.json"] });
 */
export function fromDockerConfig(options: DockerConfigOptions = {}): CredentialProvider {
  const find = createFinder(options);
  return async (request) => (await find(request))?.credential;
}

/**
 * Where {@link fromDockerConfig} would get the credential for `request`, or `undefined` if there is none.
 *
 * It does the same as the provider, running a helper included.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE
 */
export async function describeDockerCredential(
  request: CredentialRequest,
  options: DockerConfigOptions = {},
): Promise<DockerCredentialDescription | undefined> {
  const found = await createFinder(options)(request);
  return found && { source: found.source, type: found.credential.type, isExposed: found.isExposed };
}

function createFinder(options: DockerConfigOptions): Find {
  const helpers = new Map<string, CredentialProvider>();
  const { now = Date.now } = options;

  /** The helper as a provider that runs it once for all who ask at the same time. */
  const helperProvider = (name: string, source: string): CredentialProvider => {
    const id = `${name}: ${source}`;
    const known = helpers.get(id);
    if (known !== undefined) return known;
    const helper = createCredentialHelper(name, { ...options, source });
    const ask: CredentialProvider = ({ registry, signal }) => helper.get(serverKeyOf(registry), { signal });
    const provider = memoize(ask, { maxAge: helperAnswerAge, now });
    helpers.set(id, provider);
    return provider;
  };

  const findIn = async (config: DockerConfig, request: CredentialRequest): Promise<Found | undefined> => {
    const helper = helperFor(config, request.registry);
    if (helper === undefined) return findEntry(config, request);
    const credential = await helperProvider(helper.name, helper.source)(request);
    const source = `docker-credential-${helper.name}, named by ${helper.source}`;
    return credential && { credential, source, isExposed: false };
  };

  return async (request) => {
    request.signal?.throwIfAborted();
    for await (const config of searchConfigs(options, request)) {
      const found = await findIn(config, request);
      if (found !== undefined) return stillGood(found, request, { now });
    }
    return undefined;
  };
}

function findEntry(config: DockerConfig, request: CredentialRequest): Found | undefined {
  for (const key of matchingKeys(config.auths.keys(), request)) {
    const source = entrySource(config, key);
    const credential = parseEntry(config.auths.get(key), source);
    if (credential !== undefined) return { credential, source, isExposed: config.isExposed };
  }
  return undefined;
}
