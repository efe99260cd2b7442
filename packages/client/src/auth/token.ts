import {
  formatAuthorization,
  formatScope,
  formatTokenForm,
  formatTokenQuery,
  OciError,
  parseToken,
  Secret,
  type BearerChallenge,
  type CallOptions,
  type Credential,
  type Scope,
} from "@drayage/oci";
import type { Host } from "../host.ts";
import { readBody } from "../http/body.ts";
import { fail } from "../http/fail.ts";
import type { RegistryRequest, Send } from "../http/message.ts";
import { redactUrl, resolveServerUrl, withQuery } from "../http/url.ts";
import type { Settings } from "../options.ts";
import { mayReceiveCredential } from "./may-receive-secret.ts";
import type { Proof } from "./token-cache.ts";

/** Who issues tokens for a registry, and for which service. */
export interface TokenServer {
  readonly realm: URL;
  readonly service?: string | undefined;
}

/** What a token is wanted for. */
export interface TokenWish extends CallOptions {
  readonly host: Host;
  readonly server: TokenServer;
  readonly scopes: readonly Scope[];
  /** Absent for an anonymous token. */
  readonly credential: Exclude<Credential, { type: "bearer" }> | undefined;
}

const bodyLimit = 64 * 1024;
const clientId = "drayage";

/**
 * The token server that a challenge names, seen from where it came from.
 *
 * @throws OciError URL_REFUSED
 */
export function tokenServerOf({ realm, service }: BearerChallenge, from: URL): TokenServer {
  // Without a scheme it would be a path below the repository, which nobody means.
  const isReference = realm.startsWith("/") || /^https?:\/\//i.test(realm);
  if (isReference) return { realm: resolveServerUrl(realm, from), service };
  throw new OciError("URL_REFUSED", `${from.host} names a token server that is no URL`);
}

/**
 * A token, by `GET` with a password or anonymously, by `POST` with a refresh token.
 *
 * @throws OciError UNTRUSTED_TOKEN_SERVER, UNAUTHORIZED, DENIED, RESPONSE_INVALID, LIMIT_EXCEEDED
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(send: Send, wish: TokenWish, settings: Settings): Promise<Proof> {
  const { host, server, scopes, credential } = wish;
  if (credential !== undefined && !mayReceiveCredential(host, server.realm, settings.trustedTokenServers)) {
    throw untrusted(host, server.realm);
  }
  const response = await send(tokenRequest(wish));
  if (response.status !== 200) throw await fail(response);
  const token = parseToken(await readBody(response, { limit: bodyLimit }));
  const expiresIn = token.expiresIn * 1000;
  settings.trace({
    type: "token",
    host: host.name,
    scopes: scopes.map(formatScope),
    expiresIn,
    credential: credential?.type ?? "anonymous",
  });
  const now = settings.now();
  return {
    authorization: new Secret(formatAuthorization({ scheme: "bearer", token: token.value })),
    credential,
    scopes,
    refreshAt: now + expiresIn - Math.min(30_000, expiresIn / 10),
    // A minute is left for an upload, but a token that is short-lived is not renewed for each of them.
    refreshForLongAt: now + Math.max(expiresIn - 60_000, expiresIn / 2),
  };
}

function tokenRequest({ host, server, scopes, credential, signal }: TokenWish): RegistryRequest {
  const { realm, service } = server;
  const about = { host, lane: "api", subject: "token", credential, signal } as const;
  const asked = { service, scopes, clientId };
  if (credential?.type === "refresh-token") {
    const grant = { type: "refresh_token", refreshToken: credential.token.reveal() } as const;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { ...about, method: "POST", url: realm, headers, body: formatTokenForm(asked, grant) };
  }
  const privateHeaders = credential === undefined ? undefined : { authorization: basic(credential).reveal() };
  return { ...about, method: "GET", url: withQuery(realm, formatTokenQuery(asked)), privateHeaders };
}

/** @throws OciError CREDENTIAL_UNAVAILABLE */
export function basic({
  username,
  password,
}: {
  readonly username: string;
  readonly password: Secret;
}): Secret {
  return new Secret(formatAuthorization({ scheme: "basic", username, password: password.reveal() }));
}

function untrusted(host: Host, realm: URL): OciError {
  const where = redactUrl(realm);
  return new OciError(
    "UNTRUSTED_TOKEN_SERVER",
    `${host.name} wants its credential sent to ${where}, which is on another site`,
    { url: where, hint: `trustedTokenServers: { "${host.name}": ["${realm.host}"] } would permit it` },
  );
}
