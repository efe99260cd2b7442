import { OciError, type DocumentStore, type Secret } from "@drayage/oci";
import {
  allowKnown,
  bearerChallenge,
  type Accounts,
  type AuthenticationMethod,
  type Authorize,
  type Endpoints,
} from "@drayage/registry";
import { parseClaims } from "./access-token.ts";
import type { KeySet } from "./key-set.ts";
import { createRefreshTokens } from "./refresh-tokens.ts";
import { createSigningKeys, type SigningKeys } from "./signing-keys.ts";
import { TokenDesk } from "./token-desk.ts";
import { createTokenEndpoints } from "./token-endpoints.ts";
import { verifyToken } from "./verify.ts";

export interface TokenServiceOptions {
  /** Those who may log in. */
  readonly accounts: Accounts;
  /** What the registry is called in challenges and tokens, such as its host name: tokens are good for no other. */
  readonly service: string;
  /** URL of the token endpoint as clients reach it, or a function for a server that learns it by listening. */
  readonly realm: string | (() => string);
  /** What tokens may grant; by default everything to who has logged in, and nothing to others. */
  readonly authorize?: Authorize | undefined;
  /** What tokens are signed with; made up by default, and forgotten when the process ends. */
  readonly keys?: SigningKeys | undefined;
  /** What tokens call their issuer; the service by default. */
  readonly issuer?: string | undefined;
  /** How long tokens are good for, in seconds, 60 to 300; 300 by default. */
  readonly lifetime?: number | undefined;
  /** Where refresh tokens are kept, such as the `documents` of a storage driver; without it none are given. */
  readonly refreshTokens?: DocumentStore | undefined;
  /** The path of the token endpoint, `/token` by default. */
  readonly path?: string | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/** Gives tokens, and knows them again: spread it into the options of `createHandler`. */
export interface TokenService extends AuthenticationMethod {
  readonly endpoints: Endpoints;
  /** Makes a refresh token worthless. */
  readonly revoke: (refreshToken: Secret) => Promise<void>;
}

/**
 * A token service in the same server as its registry, by the protocol that docker, podman, skopeo and others speak.
 *
 * What a token grants is never more than was asked for nor than `authorize` allows; give the same `authorize` to
 * `createHandler`, and rights that are taken away end with the next request instead of with the token.
 *
 * @throws OciError OPTION_INVALID
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 * @example
 * const tokens = createTokenService({ accounts: htpasswd("users"), service: "registry.example.com", realm: "https://registry.example.com/token" });
 * createHandler(registry, { ...tokens, authorize });
 */
export function createTokenService(options: TokenServiceOptions): TokenService {
  const { accounts, service, issuer = service, now = Date.now } = options;
  const { authorize = allowKnown, lifetime = 300, path = "/token" } = options;
  if (!Number.isSafeInteger(lifetime) || lifetime < 60 || lifetime > 300) {
    throw new OciError("OPTION_INVALID", "tokens live 60 to 300 seconds");
  }
  const signing = options.keys ?? createSigningKeys({ now });
  const refreshTokens = options.refreshTokens && createRefreshTokens(options.refreshTokens, now);
  const desk = new TokenDesk({
    accounts,
    authorize,
    service,
    issuer,
    lifetime,
    keys: signing,
    refreshTokens,
    now,
  });
  const keys = keySetOf(signing);

  return {
    challenge: bearerChallenge(options.realm, service),
    endpoints: createTokenEndpoints({ desk, accounts, keys: signing, service, path }),
    async authenticate({ proof, signal }) {
      if (proof?.scheme !== "bearer") return undefined;
      return parseClaims(await verifyToken(proof.token, { keys, issuer, audience: service, now, signal }));
    },
    revoke: async (refreshToken) => refreshTokens?.revoke(refreshToken),
  };
}

function keySetOf(signing: SigningKeys): KeySet {
  return { find: async (id) => (await signing.list()).find((key) => key.id === id) };
}
