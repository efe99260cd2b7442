import { createSingleFlight } from "./async.ts";
import { OciError } from "./errors.ts";
import type { Action, CallOptions } from "./repository.ts";

/** Text that is not printed: string conversion, JSON and `util.inspect` all give `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself, for whoever is about to send it where it belongs. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }
}

// Not a member: declarations that are emitted file by file cannot name a computed one.
Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value: () => "[secret]",
});

/** What a credential is for: a registry by its canonical name (`docker.io` for Docker Hub), maybe one repository of it. */
export interface Resource {
  readonly registry: string;
  readonly repository?: string | undefined;
}

/** What proves who we are. */
export type Credential =
  | {
      readonly type: "basic";
      readonly username: string;
      readonly password: Secret;
      readonly expiresAt?: Date | undefined;
    }
  | { readonly type: "refresh-token"; readonly token: Secret; readonly expiresAt?: Date | undefined }
  | { readonly type: "bearer"; readonly token: Secret; readonly expiresAt?: Date | undefined };

/** What a credential is wanted for. */
export interface CredentialRequest extends Resource, CallOptions {
  readonly actions?: readonly Action[] | undefined;
  /** What the registry has just refused; the provider should look again rather than answer from a cache. */
  readonly rejected?: Credential | undefined;
}

/**
 * Finds the credential for a resource.
 *
 * `undefined` means that the resource is not this provider's; a throw means that it is, and that something is
 * broken. So a failure can never be mistaken for anonymous access.
 */
export type CredentialProvider = (request: CredentialRequest) => Promise<Credential | undefined>;

/** The provider that has nothing for anybody. */
export const anonymous: CredentialProvider = () => Promise.resolve(undefined);

/**
 * The first credential that one of `providers` has; a provider that throws stops the search.
 *
 * @example chain(fromStatic("ghcr.io", { username: "me", password: token }), fromDockerConfig())
 */
export function chain(...providers: readonly CredentialProvider[]): CredentialProvider {
  return async (request) => {
    for (const provider of providers) {
      const credential = await provider(request);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
}

/** `provider`, asked only for the registries named. */
export function forRegistry(
  registries: string | readonly string[],
  provider: CredentialProvider,
): CredentialProvider {
  const names = new Set(typeof registries === "string" ? [registries] : registries);
  return (request) => (names.has(request.registry) ? provider(request) : Promise.resolve(undefined));
}

/** What {@link fromStatic} takes: a user and password, or one of the two kinds of token. */
export type StaticCredential =
  | { readonly username: string; readonly password: Secret | string }
  | { readonly refreshToken: Secret | string }
  | { readonly bearerToken: Secret | string };

/**
 * A provider for one registry and one credential that never changes.
 *
 * @example fromStatic("registry.example.com", { username: "ci", password: "…" })
 */
export function fromStatic(registry: string, credential: StaticCredential): CredentialProvider {
  const found = credentialOf(credential);
  return forRegistry(registry, ({ rejected }) =>
    rejected === undefined ? Promise.resolve(found) : Promise.reject(refused(registry)),
  );
}

/** How {@link memoize} keeps what it was given. */
export interface MemoizeOptions {
  /** What one credential serves; requests with equal keys share it. By default, the registry. */
  readonly key?: ((request: CredentialRequest) => string) | undefined;
  /** How long a credential without an expiry of its own is kept, in milliseconds; for ever by default. */
  readonly maxAge?: number | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

interface Remembered {
  readonly credential: Credential;
  readonly refreshAt: number;
  readonly expiresAt: number;
}

const rememberedLimit = 100;

/**
 * `provider`, asked again only when what it gave is about to expire or was refused.
 *
 * Concurrent requests share one call. A credential is renewed when a tenth of its life, at most five minutes,
 * is left; should that fail, it serves until it expires.
 */
export function memoize(provider: CredentialProvider, options: MemoizeOptions = {}): CredentialProvider {
  const { key = (request) => request.registry, maxAge = Number.POSITIVE_INFINITY, now = Date.now } = options;
  const remembered = new Map<string, Remembered>();
  const flight = createSingleFlight<Credential | undefined>();

  const load = async (request: CredentialRequest): Promise<Credential | undefined> => {
    const credential = await provider(request);
    remembered.delete(key(request));
    if (credential === undefined) return undefined;
    remembered.set(key(request), lifeOf(credential, now(), maxAge));
    const oldest = remembered.size > rememberedLimit ? remembered.keys().next().value : undefined;
    if (oldest !== undefined) remembered.delete(oldest);
    return credential;
  };

  return async (request) => {
    const kept = remembered.get(key(request));
    const isRefused = request.rejected !== undefined && kept?.credential === request.rejected;
    if (kept !== undefined && !isRefused && now() < kept.refreshAt) return kept.credential;
    if (isRefused) remembered.delete(key(request));
    const { signal } = request;
    try {
      return await flight(key(request), (shared) => load({ ...request, signal: shared }), { signal });
    } catch (error) {
      const canServe = kept !== undefined && !isRefused && now() < kept.expiresAt && signal?.aborted !== true;
      if (canServe) return kept.credential;
      throw error;
    }
  };
}

function lifeOf(credential: Credential, now: number, maxAge: number): Remembered {
  const expiresAt = Math.min(credential.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY, now + maxAge);
  const margin = Math.min(5 * 60_000, (expiresAt - now) / 10);
  return { credential, expiresAt, refreshAt: expiresAt - (Number.isFinite(margin) ? margin : 0) };
}

function credentialOf(credential: StaticCredential): Credential {
  if ("username" in credential) {
    return { type: "basic", username: credential.username, password: secretOf(credential.password) };
  }
  return "refreshToken" in credential
    ? { type: "refresh-token", token: secretOf(credential.refreshToken) }
    : { type: "bearer", token: secretOf(credential.bearerToken) };
}

function secretOf(value: Secret | string): Secret {
  return typeof value === "string" ? new Secret(value) : value;
}

function refused(registry: string): OciError {
  return new OciError("CREDENTIAL_UNAVAILABLE", `${registry} refused the credential that was given for it`);
}
