import {
  createSingleFlight,
  formatAuthorization,
  formatScope,
  isOciError,
  isSameCredential,
  isVisibleAscii,
  mergeScopes,
  OciError,
  Secret,
  type Action,
  type BearerChallenge,
  type CallOptions,
  type Credential,
  type HttpSend,
  type Scope,
} from "@drayage/oci";
import type { Host } from "../host.ts";
import { fail } from "../http/fail.ts";
import type { RegistryRequest, RegistryResponse, Send } from "../http/message.ts";
import type { Settings } from "../options.ts";
import { basic, fetchToken, tokenServerOf, type TokenServer } from "./token.ts";
import { createTokenCache, type Proof } from "./token-cache.ts";

/** What is known of the registries of one client, and what they have been given. */
export interface Authority {
  /** What the registry is known to want for this request, without asking it; nothing before its first challenge. */
  known(request: RegistryRequest): Promise<Proof | undefined>;
  /** The password for the registry, or nothing if there is none but the refused one. */
  password(request: RegistryRequest, context: Refusal): Promise<Proof | undefined>;
  token(
    request: RegistryRequest,
    challenge: BearerChallenge,
    context: TokenContext,
  ): Promise<Proof | undefined>;
  forget(request: RegistryRequest, proof: Proof): void;
}

export interface Refusal {
  /** What has just been refused. */
  readonly refused: Proof | undefined;
  /** The answer that said so. */
  readonly response: RegistryResponse;
}

export interface TokenContext extends Refusal {
  /** What the challenge names: to be asked for besides, or instead. */
  readonly challenged: { readonly also: readonly Scope[] } | { readonly only: readonly Scope[] };
}

/** How a registry wants to be convinced; the same for all its repositories. */
type Scheme = { readonly type: "basic" } | { readonly type: "bearer"; readonly server: TokenServer };

/** How long a password is used before its provider is asked again, in milliseconds. */
const passwordLife = 60_000;

/** {@link Settings}, and a way for credential providers to reach other servers. */
export interface AuthoritySettings extends Settings {
  readonly send: HttpSend;
}

export function createAuthority(tokens: Send, settings: AuthoritySettings): Authority {
  const { now, send } = settings;
  const schemes = new Map<string, Scheme>();
  const cache = createTokenCache();
  const flight = createSingleFlight<Proof | undefined>();

  return {
    async known(request) {
      const scheme = schemes.get(request.host.url.origin);
      if (scheme === undefined || request.permission === undefined) return undefined;
      const { scopes } = request.permission;
      return scheme.type === "basic"
        ? obtain(request, scopes, (options) => password(request, options))
        : obtain(request, scopes, (options) => token(request, scheme.server, { ...options, scopes }));
    },
    async password(request, { refused, response }) {
      schemes.set(request.host.url.origin, { type: "basic" });
      const load = (options: CallOptions) => password(request, { ...options, rejected: refused?.credential });
      if (refused?.credential === undefined) return obtain(request, [], load);
      return orElse(response, () => obtain(request, [], load));
    },
    async token(request, challenge, { challenged, refused, response }) {
      const server = pin(request.host, tokenServerOf(challenge, response.url));
      const own = request.permission?.scopes ?? [];
      const scopes = "only" in challenged ? challenged.only : widen(own, challenged.also);
      const load = (options: CallOptions) =>
        token(request, server, { ...options, scopes, rejected: refused?.credential });
      if (refused?.credential === undefined) return obtain(request, scopes, load);
      return orElse(response, () => obtain(request, scopes, load));
    },
    forget: (request, proof) => cache.forget(keyOf(request), proof),
  };

  /** From the cache, from a call under way, or from a new one. */
  async function obtain(
    request: RegistryRequest,
    scopes: readonly Scope[],
    load: (options: CallOptions) => Promise<Proof | undefined>,
  ): Promise<Proof | undefined> {
    const key = keyOf(request);
    const kept = cache.find(key, { scopes, now: now(), isForLong: request.lane === "upload" });
    if (kept !== undefined) return kept;
    const flightKey = [key, ...scopes.map(formatScope)].join(" ");
    const { signal } = request;
    return flight(
      flightKey,
      async (shared) => {
        const proof = await load({ signal: shared });
        if (proof !== undefined) cache.keep(key, proof);
        return proof;
      },
      { signal },
    );
  }

  async function password(
    request: RegistryRequest,
    { rejected, signal }: Rejection,
  ): Promise<Proof | undefined> {
    const credential = await provide(request, { rejected, signal });
    if (credential?.type !== "basic") return undefined;
    return lastingProof(basic(credential), credential, { now: now() });
  }

  async function token(
    request: RegistryRequest,
    server: TokenServer,
    { scopes, rejected, signal }: Rejection & { readonly scopes: readonly Scope[] },
  ): Promise<Proof | undefined> {
    const { host } = request;
    const issue = (credential: Credential | undefined): Promise<Proof> | Proof =>
      credential?.type === "bearer"
        ? bearerProof(credential, now())
        : fetchToken(tokens, { host, server, scopes, credential, signal }, settings);
    const credential = await provide(request, { rejected, signal });
    // What has been refused is not replaced by nothing: that would be anonymous.
    if (rejected !== undefined && credential === undefined) return undefined;
    try {
      return await issue(credential);
    } catch (error) {
      // Not all token servers take refresh tokens: they have no such method, or no such place (OAuth2 of distribution).
      const isRefused = isOciError(error, "UNAUTHORIZED", "DENIED", "UNSUPPORTED");
      if (!isRefused || credential === undefined || rejected !== undefined) throw error;
      const other = await provide(request, { rejected: credential, signal }).catch(() => undefined);
      if (other === undefined) throw error;
      return issue(other);
    }
  }

  /** What the provider has, unless it is again what was rejected. */
  async function provide(
    { host, permission }: RegistryRequest,
    { rejected, signal }: Rejection,
  ): Promise<Credential | undefined> {
    const { repository, scopes = [] } = permission ?? {};
    const request = { registry: host.name, repository, actions: actionsOf(scopes), rejected, signal, send };
    const credential = await settings.credentials?.(request);
    return isSameCredential(credential, rejected) ? undefined : credential;
  }

  /** One token server per registry, so that nothing that it stores can name another one later. */
  function pin(host: Host, server: TokenServer): TokenServer {
    const known = schemes.get(host.url.origin);
    if (known?.type === "bearer" && !isSameServer(known.server, server)) throw changed(host);
    schemes.set(host.url.origin, { type: "bearer", server });
    return server;
  }
}

interface Rejection extends CallOptions {
  readonly rejected?: Credential | undefined;
}

/** What `attempt` gives; if it fails, the refusal that led to it, with the failure as its cause. */
async function orElse<Result>(response: RegistryResponse, attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (cause) {
    if (response.request.signal?.aborted === true) throw cause;
    throw await fail(response, { cause });
  }
}

/** Tokens of a registry belong to the repository whose credential they were made of. */
function keyOf({ host, permission }: RegistryRequest): string {
  return `${host.url.origin} ${permission?.repository ?? ""}`;
}

/** Our own scopes with what the challenge adds for the same resources; others it has no business with. */
function widen(own: readonly Scope[], challenged: readonly Scope[]): readonly Scope[] {
  const additions = challenged.filter(({ type, name }) =>
    own.some((scope) => scope.type === type && scope.name === name),
  );
  return mergeScopes([...own, ...additions]);
}

/** What the scopes let one do with repositories, in the words that providers know. */
function actionsOf(scopes: readonly Scope[]): readonly Action[] {
  const named = new Set(scopes.flatMap(({ type, actions }) => (type === "repository" ? actions : [])));
  return (["pull", "push", "delete"] as const).filter((action) => named.has(action));
}

function bearerProof(credential: Extract<Credential, { type: "bearer" }>, now: number): Proof {
  const token = credential.token.reveal();
  if (!isVisibleAscii(token)) throw unsendable(credential);
  const authorization = formatAuthorization({ scheme: "bearer", token });
  return lastingProof(new Secret(authorization), credential, { now });
}

/** A credential that is shown as it is. */
function lastingProof(
  authorization: Secret,
  credential: Credential,
  { now }: { readonly now: number },
): Proof {
  const refreshAt = now + lifeOf(credential);
  return { authorization, credential, scopes: "any", refreshAt, refreshForLongAt: refreshAt };
}

function unsendable({ hint = "look for a line end, or a variable that is not set" }: Credential): OciError {
  const message = "the bearer token is empty, or has a character that no header can carry";
  return new OciError("CREDENTIAL_UNAVAILABLE", message, { hint });
}

/** By the calendar, of which the client's own clock knows nothing. */
function lifeOf({ expiresAt }: Credential): number {
  return expiresAt === undefined ? passwordLife : Math.min(passwordLife, expiresAt.getTime() - Date.now());
}

function isSameServer(one: TokenServer, other: TokenServer): boolean {
  return one.realm.href === other.realm.href && one.service === other.service;
}

function changed(host: Host): OciError {
  return new OciError("UNTRUSTED_TOKEN_SERVER", `${host.name} names another token server than before`);
}
