import { OciError, type CallOptions, type Scope, type Secret, type TokenRequest } from "@drayage/oci";
import { parseAllowed, type Account, type Accounts, type Authorize, type Identity } from "@drayage/registry";
import { signAccessToken } from "./access-token.ts";
import { askedScopes } from "./asked-scopes.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** What tokens are given by. */
export interface TokenDeskOptions {
  readonly accounts: Accounts;
  readonly authorize: Authorize;
  readonly service: string;
  readonly issuer: string;
  /** In seconds. */
  readonly lifetime: number;
  readonly keys: SigningKeys;
  readonly refreshTokens: RefreshTokens | undefined;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
}

/** A token, and what it was given for. */
export interface IssuedToken {
  readonly value: string;
  /** In seconds. */
  readonly expiresIn: number;
  readonly issuedAt: Date;
  readonly scopes: readonly Scope[];
  readonly refreshToken: Secret | undefined;
}

const refreshLifetime = 90 * 24 * 3_600_000;

/** Gives tokens to accounts. */
export class TokenDesk {
  readonly #options: TokenDeskOptions;

  constructor(options: TokenDeskOptions) {
    this.#options = options;
  }

  /**
   * A token for no more than what is asked for and allowed; without an account it is nobody's in particular.
   *
   * @throws OciError LIMIT_EXCEEDED, UNAVAILABLE
   */
  async issue(
    request: TokenRequest,
    account: Account | undefined,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<IssuedToken> {
    const { issuer, service, lifetime, keys, now } = this.#options;
    const identity = account?.identity ?? {};
    const scopes = await this.#allowed(identity, askedScopes(request.scopes), signal);
    const [key] = await keys.list();
    if (key === undefined) throw new OciError("UNAVAILABLE", "there is no key to sign tokens with");
    const issuedAt = Math.floor(now() / 1000);
    const value = await signAccessToken({ issuer, service, identity, scopes, issuedAt, lifetime }, key);
    const isOffline = request.offline === true && account !== undefined;
    const refreshToken = isOffline ? await this.#refreshTokenFor(account, { signal }) : undefined;
    return { value, expiresIn: lifetime, issuedAt: new Date(issuedAt * 1000), scopes, refreshToken };
  }

  /** The account that a refresh token was given to, if it is still there, and its password the same. */
  async redeem(refreshToken: Secret, options: CallOptions): Promise<Account | undefined> {
    const { accounts, refreshTokens, service } = this.#options;
    const grant = await refreshTokens?.find(refreshToken, options);
    if (grant === undefined || grant.service !== service) return undefined;
    const account = await accounts.find?.(grant.subject, options);
    return account?.version === grant.version ? account : undefined;
  }

  async #allowed(
    identity: Identity,
    asked: readonly Scope[],
    signal: AbortSignal,
  ): Promise<readonly Scope[]> {
    if (asked.length === 0) return [];
    const answer: unknown = await this.#options.authorize({ identity, scopes: asked, signal });
    return parseAllowed(answer, asked) ?? [];
  }

  /** Only for who can be found again: others would stay logged in whatever becomes of them. */
  async #refreshTokenFor(account: Account, options: CallOptions): Promise<Secret | undefined> {
    const { accounts, refreshTokens, service, now } = this.#options;
    const { subject } = account.identity;
    const found = refreshTokens && (await accounts.find?.(subject, options));
    if (refreshTokens === undefined || found === undefined || found.version !== account.version)
      return undefined;
    const expiresAt = now() + refreshLifetime;
    return refreshTokens.issue({ subject, service, version: found.version, expiresAt });
  }
}
