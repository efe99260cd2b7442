import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { OciError, ownValue, type JsonObject, type Scope } from "@drayage/oci";
import { parseScopeList, type Identity } from "@drayage/registry";
import type { SigningKey } from "./signing-keys.ts";
import { tokenLimit } from "./verify.ts";

/** What an access token says. */
export interface AccessToken {
  readonly issuer: string;
  readonly service: string;
  /** Whose it is; nobody's in particular if it has no subject. */
  readonly identity: Identity;
  readonly scopes: readonly Scope[];
  /** In seconds since 1970. */
  readonly issuedAt: number;
  /** In seconds. */
  readonly lifetime: number;
}

/**
 * A signed token.
 *
 * @throws OciError LIMIT_EXCEEDED if it grants more than a header can carry
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export async function signAccessToken(token: AccessToken, key: SigningKey): Promise<string> {
  const { issuer, service, identity, scopes, issuedAt, lifetime } = token;
  const groups = identity.groups ?? [];
  const text = await new SignJWT({ access: scopes, ...(groups.length === 0 ? {} : { groups }) })
    .setProtectedHeader({ typ: "JWT", alg: key.algorithm, kid: key.id })
    .setIssuer(issuer)
    .setSubject(identity.subject ?? "")
    .setAudience(service)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + lifetime)
    .setJti(randomUUID())
    .sign(key.privateKey);
  if (text.length <= tokenLimit) return text;
  throw new OciError("LIMIT_EXCEEDED", "more scopes than one token can hold");
}

/**
 * Who may use a token of these claims, and for what.
 *
 * @throws OciError UNAUTHORIZED
 */
export function parseClaims(claims: JsonObject): Identity {
  const subject = ownValue(claims, "sub");
  const granted = parseScopeList(ownValue(claims, "access") ?? []);
  const groups = ownValue(claims, "groups") ?? [];
  if (typeof subject !== "string" || granted === undefined || !Array.isArray(groups)) {
    throw new OciError("UNAUTHORIZED", "a token with malformed claims");
  }
  return {
    ...(subject === "" ? {} : { subject }),
    groups: groups.filter((group) => typeof group === "string"),
    granted,
  };
}
