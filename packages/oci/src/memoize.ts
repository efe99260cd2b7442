import { createSingleFlight } from "./async.ts";
import {
  isSameCredential,
  refused,
  type Credential,
  type CredentialProvider,
  type CredentialRequest,
} from "./credential.ts";

/** How {@link memoize} keeps what it was given. */
export interface MemoizeOptions {
  /** What one credential serves; requests with equal keys share it. By default, the registry. */
  readonly key?: ((request: CredentialRequest) => string) | undefined;
  /** How long a credential without an expiry of its own is kept, in milliseconds; for ever by default. */
  readonly maxAge?: number | undefined;
  /** The part of its life, between 0 and 1, after which a credential is renewed. */
  readonly refreshAfter?: number | undefined;
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
 * is left; should that fail, it serves on until it expires. What a registry refused is not given to it again.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE when `provider` has nothing but what was refused
 */
export function memoize(provider: CredentialProvider, options: MemoizeOptions = {}): CredentialProvider {
  const { key = (request) => request.registry, now = Date.now } = options;
  const remembered = new Map<string, Remembered>();
  const flight = createSingleFlight<Credential | undefined>();

  /** Also when it is used again, so that what is used least is forgotten. */
  const remember = (name: string, entry: Remembered): void => {
    remembered.delete(name);
    remembered.set(name, entry);
    const oldest = remembered.size > rememberedLimit ? remembered.keys().next().value : undefined;
    if (oldest !== undefined) remembered.delete(oldest);
  };

  const load = async (request: CredentialRequest): Promise<Credential | undefined> => {
    const credential = await provider(request);
    if (credential === undefined) remembered.delete(key(request));
    else remember(key(request), lifeOf(credential, now(), options));
    return credential;
  };

  return async (request) => {
    const { signal, rejected } = request;
    const name = key(request);
    const kept = remembered.get(name);
    const isRefused = isSameCredential(kept?.credential, rejected);
    if (kept !== undefined && !isRefused && now() < kept.refreshAt) {
      remember(name, kept);
      return kept.credential;
    }
    if (isRefused) remembered.delete(name);
    try {
      const credential = await flight(name, (shared) => load({ ...request, signal: shared }), { signal });
      if (isSameCredential(credential, rejected)) throw refused(request.registry, rejected?.hint);
      return credential;
    } catch (error) {
      const canServe = kept !== undefined && !isRefused && now() < kept.expiresAt && signal?.aborted !== true;
      if (!canServe) throw error;
      remember(name, { ...kept, refreshAt: now() + pauseOf(kept, now()) });
      return kept.credential;
    }
  };
}

function lifeOf(credential: Credential, now: number, options: MemoizeOptions): Remembered {
  const { maxAge = Number.POSITIVE_INFINITY, refreshAfter } = options;
  const expiresAt = Math.min(credential.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY, now + maxAge);
  const life = expiresAt - now;
  if (life === Number.POSITIVE_INFINITY) return { credential, expiresAt, refreshAt: expiresAt };
  const margin = refreshAfter === undefined ? Math.min(5 * 60_000, life / 10) : life * (1 - refreshAfter);
  return { credential, expiresAt, refreshAt: expiresAt - margin };
}

/** How long a credential that could not be renewed is left alone, so that an outage does not cost a call each time. */
function pauseOf({ expiresAt }: Remembered, now: number): number {
  return Math.min(60_000, (expiresAt - now) / 10);
}
