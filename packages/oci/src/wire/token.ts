import { OciError } from "../errors.ts";
import { parseJsonObject, type JsonObject } from "../json.ts";
import { parseDigits } from "./digits.ts";
import { isVisibleAscii } from "./scan.ts";
import { formatScope, parseScopes, type Scope } from "./scope.ts";

/** What a token service gives. */
export interface Token {
  /** For `Authorization: Bearer`. */
  readonly value: string;
  /** Seconds from the answer, at least 60. */
  readonly expiresIn: number;
  /** For further tokens; it goes to the token service only, never to the registry. */
  readonly refreshToken?: string | undefined;
}

/** What a token service puts beside the token. */
export interface FormatTokenOptions {
  readonly issuedAt?: Date | undefined;
  /** What was granted, which may be less than was asked for. */
  readonly scopes?: readonly Scope[] | undefined;
}

/** What is asked of a token service. */
export interface TokenRequest {
  /** The registry, by the name that its challenge gave. */
  readonly service?: string | undefined;
  readonly scopes: readonly Scope[];
  /** The program that asks. */
  readonly clientId?: string | undefined;
  /** Whether a refresh token is wanted. */
  readonly offline?: boolean | undefined;
}

/** What a `POST` proves itself with (RFC 6749 §4.3 and §6). */
export type TokenGrant =
  | { readonly type: "refresh_token"; readonly refreshToken: string }
  | { readonly type: "password"; readonly username: string; readonly password: string };

const shortestLife = 60;

/**
 * The token in the body of a token service's answer.
 *
 * `access_token` is taken before `token`. A life that is missing, malformed or shorter counts as 60 seconds, as the
 * specification has it for old clients; `issued_at` is not looked at, because clocks differ.
 *
 * @throws OciError RESPONSE_INVALID; the error says nothing of the body, which may hold a secret
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function parseToken(body: Uint8Array): Token {
  const answer = parseAnswer(body);
  const value = answer["access_token"] || answer["token"];
  if (typeof value !== "string") throw invalidAnswer("without a token");
  const refreshToken = answer["refresh_token"] || undefined;
  if (refreshToken !== undefined && typeof refreshToken !== "string")
    throw invalidAnswer("with a malformed refresh token");
  // Anything else could not be sent in a header, or would be sent as something else.
  if (![value, refreshToken ?? value].every(isVisibleAscii))
    throw invalidAnswer("with a token that no header can carry");
  return { value, expiresIn: parseLife(answer["expires_in"]), refreshToken };
}

function parseAnswer(body: Uint8Array): JsonObject {
  const answer = parseJsonObject(body);
  if (answer === undefined) throw invalidAnswer("that is no JSON object");
  return answer;
}

function parseLife(value: unknown): number {
  const seconds = typeof value === "string" ? parseDigits(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds)
    ? Math.max(Math.floor(seconds), shortestLife)
    : shortestLife;
}

function invalidAnswer(how: string): OciError {
  return new OciError("RESPONSE_INVALID", `the token service gave an answer ${how}`);
}

/**
 * The body of a token service's answer, under both names that clients look for.
 *
 * @throws OciError OPTION_INVALID if a client could not use it.
 */
export function formatToken(token: Token, { issuedAt, scopes }: FormatTokenOptions = {}): string {
  const { value, expiresIn, refreshToken } = token;
  const isSendable = [value, refreshToken ?? value].every(isVisibleAscii);
  if (!isSendable || !Number.isSafeInteger(expiresIn) || expiresIn < shortestLife)
    throw new OciError("OPTION_INVALID", "a token that clients cannot use");
  return JSON.stringify({
    token: value,
    access_token: value,
    expires_in: expiresIn,
    issued_at: issuedAt?.toISOString(),
    refresh_token: refreshToken,
    scope: scopes?.map(formatScope).join(" "),
  });
}

/**
 * The parameters of a `GET`, one `scope` per resource; to be appended to what the realm's own query holds.
 *
 * @throws OciError NAME_INVALID
 * @example formatTokenQuery({ service: "registry", scopes }) // "service=registry&scope=repository%3Aa%3Apull"
 */
export function formatTokenQuery({ service, scopes, clientId, offline }: TokenRequest): string {
  const parameters = new URLSearchParams();
  if (service !== undefined) parameters.append("service", service);
  for (const scope of scopes) parameters.append("scope", formatScope(scope));
  if (clientId !== undefined) parameters.append("client_id", clientId);
  if (offline === true) parameters.append("offline_token", "true");
  return parameters.toString();
}

/** What the query of a `GET` asks for; scopes that are none are left out. */
export function parseTokenQuery(query: string): TokenRequest {
  return parseRequest(new URLSearchParams(query), "offline_token", "true");
}

/**
 * The form of a `POST`, all scopes in one parameter.
 *
 * @throws OciError NAME_INVALID
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export function formatTokenForm(
  { service, scopes, clientId, offline }: TokenRequest,
  grant: TokenGrant,
): string {
  const parameters = new URLSearchParams({ grant_type: grant.type });
  if (service !== undefined) parameters.append("service", service);
  if (clientId !== undefined) parameters.append("client_id", clientId);
  if (offline === true) parameters.append("access_type", "offline");
  if (scopes.length > 0) parameters.append("scope", scopes.map(formatScope).join(" "));
  if (grant.type === "refresh_token") {
    parameters.append("refresh_token", grant.refreshToken);
  } else {
    parameters.append("username", grant.username);
    parameters.append("password", grant.password);
  }
  return parameters.toString();
}

/**
 * What the form of a `POST` asks for, and what with; scopes may come in one parameter or several.
 *
 * @throws OciError UNSUPPORTED with the `detail.error` of RFC 6749 §5.2, to be answered 400
 */
export function parseTokenForm(body: string): TokenRequest & { readonly grant: TokenGrant } {
  const parameters = new URLSearchParams(body);
  return { ...parseRequest(parameters, "access_type", "offline"), grant: parseGrant(parameters) };
}

function parseRequest(parameters: URLSearchParams, offlineName: string, offlineValue: string): TokenRequest {
  return {
    service: parameters.get("service") ?? undefined,
    scopes: parseScopes(parameters.getAll("scope")),
    clientId: parameters.get("client_id") ?? undefined,
    offline: parameters.get(offlineName) === offlineValue || undefined,
  };
}

function parseGrant(parameters: URLSearchParams): TokenGrant {
  const type = parameters.get("grant_type");
  const [refreshToken, username, password] = ["refresh_token", "username", "password"].map((name) =>
    parameters.get(name),
  );
  if (type === "refresh_token" && refreshToken) return { type, refreshToken };
  if (type === "password" && username && typeof password === "string") return { type, username, password };
  const error =
    type === "refresh_token" || type === "password" ? "invalid_request" : "unsupported_grant_type";
  throw new OciError("UNSUPPORTED", `no such grant: ${error}`, { status: 400, detail: { error } });
}
