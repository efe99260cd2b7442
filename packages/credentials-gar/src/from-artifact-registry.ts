import {
  bareCause,
  memoize,
  OciError,
  parseRegistry,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
  type Secret,
} from "@drayage/oci";
import { askForToken, createDefaultSource, type AccessTokenSource } from "./access-token.ts";
import { isGoogleHost } from "./hosts.ts";
import { parseJsonKey } from "./json-key.ts";

/** Where {@link fromArtifactRegistry} finds an identity, and for which hosts. */
export interface ArtifactRegistryOptions {
  /** A ready client of google-auth-library; by default application default credentials are looked for. */
  readonly auth?: AccessTokenSource | undefined;
  /** A service account's key, JSON or base64 of it, to be sent itself: long-lived, so the last resort. */
  readonly jsonKey?: Secret | string | undefined;
  /** OAuth scopes to ask application default credentials for; `cloud-platform` by default, which opens far more. */
  readonly scopes?: readonly string[] | undefined;
  /** Further registries, by `host[:port]`: custom domains, other universes. They are sent the token. */
  readonly hosts?: readonly string[] | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * A provider for Google Artifact Registry and the `gcr.io` names.
 *
 * Application default credentials are what google-auth-library finds: the file GOOGLE_APPLICATION_CREDENTIALS names
 * (keys, workload identity federation), `gcloud auth application-default login`, the metadata server. Nothing is
 * looked for until a Google host asks.
 *
 * @throws OciError OPTION_INVALID for a `jsonKey` that is none, REFERENCE_INVALID for `hosts`; CREDENTIAL_UNAVAILABLE
 *   from the provider
 * @see https://cloud.google.com/artifact-registry/docs/docker/authentication
 * @example
 * const client = createClient({ credentials: fromArtifactRegistry() })
 */
export function fromArtifactRegistry(options: ArtifactRegistryOptions = {}): CredentialProvider {
  const { now, hosts = [] } = options;
  const find = createFinder(options);
  const load = async ({ registry }: CredentialRequest): Promise<Credential> => {
    try {
      return { ...(await find()), hint: permissionHint };
    } catch (error) {
      throw unavailable(registry, options, error);
    }
  };
  const remembered = memoize(load, { key: () => "google", now });
  const named = new Set(hosts.map((name) => parseRegistry(name).registry));
  return async (request) => {
    const isOurs = isGoogleHost(request.registry) || named.has(request.registry);
    return isOurs ? remembered(request) : undefined;
  };
}

const defaultScopes = ["https://www.googleapis.com/auth/cloud-platform"];

// https://cloud.google.com/artifact-registry/docs/access-control#roles
const permissionHint =
  "the account needs roles/artifactregistry.reader (pull) or roles/artifactregistry.writer (push) on the repository";

function createFinder(options: ArtifactRegistryOptions): () => Promise<Credential> {
  const { auth, jsonKey, scopes = defaultScopes, now = Date.now } = options;
  if (jsonKey === undefined)
    return async () => askForToken(auth ?? (await createDefaultSource(scopes)), now());
  if (auth !== undefined) throw new OciError("OPTION_INVALID", "give `auth` or `jsonKey`, not both");
  const key = parseJsonKey(jsonKey);
  return () => Promise.resolve(key);
}

function unavailable(registry: string, { auth }: ArtifactRegistryOptions, error: unknown): OciError {
  const { source, hint } = auth === undefined ? defaultIdentity() : ownIdentity;
  const message = `${registry}: ${source} gave no access token`;
  return new OciError("CREDENTIAL_UNAVAILABLE", message, { cause: bareCause(error), hint });
}

const ownIdentity = { source: "the auth client", hint: "see the cause" };

/** Where google-auth-library has looked, and what can be done there. */
function defaultIdentity(): typeof ownIdentity {
  const file = process.env["GOOGLE_APPLICATION_CREDENTIALS"] ?? "";
  if (file !== "") {
    const source = `${file}, which GOOGLE_APPLICATION_CREDENTIALS names,`;
    return { source, hint: "correct the file or the variable, and check the machine's clock" };
  }
  return {
    source: "application default credentials",
    hint: "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or pass `auth`; public images need no provider",
  };
}
