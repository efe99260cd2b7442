import { bearerChallenge, type AuthenticationMethod } from "@drayage/registry";
import { parseClaims } from "./access-token.ts";
import type { KeySet } from "./key-set.ts";
import { verifyToken } from "./verify.ts";

export interface ExternalTokensOptions {
  /** URL of the token service that clients are sent to. */
  readonly realm: string;
  /** What the token service knows this registry as: the audience of its tokens. */
  readonly service: string;
  /** What the token service calls itself in its tokens. */
  readonly issuer: string;
  /** What it signs with, such as `remoteKeys(url, { send })`. */
  readonly keys: KeySet;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * Lets clients in by tokens of another service, whose `access` claims say what each is good for.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 * @example createHandler(registry, externalTokens({ realm, service, issuer, keys: remoteKeys(url, { send }) }))
 */
export function externalTokens(options: ExternalTokensOptions): AuthenticationMethod {
  const { realm, service, issuer, keys, now = Date.now } = options;
  return {
    challenge: bearerChallenge(realm, service),
    async authenticate({ proof, signal }) {
      if (proof?.scheme !== "bearer") return undefined;
      return parseClaims(await verifyToken(proof.token, { keys, issuer, audience: service, now, signal }));
    },
  };
}
