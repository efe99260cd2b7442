import {
  formatChallenge,
  formatErrorBody,
  formatToken,
  isOciError,
  ownValue,
  parseObject,
  parseTokenForm,
  parseTokenQuery,
  readAll,
  Secret,
  type TokenGrant,
  type TokenRequest,
} from "@drayage/oci";
import {
  jsonReply,
  type Account,
  type Accounts,
  type EndpointCall,
  type Endpoints,
  type Reply,
} from "@drayage/registry";
import type { SigningKeys } from "./signing-keys.ts";
import type { IssuedToken, TokenDesk } from "./token-desk.ts";

export interface TokenEndpointsOptions {
  readonly desk: TokenDesk;
  readonly accounts: Accounts;
  readonly keys: SigningKeys;
  readonly service: string;
  /** The path of the token endpoint. */
  readonly path: string;
}

const formLimit = 64 * 1024;

/** The token endpoint, and the keys for those who want to know its tokens too. */
export function createTokenEndpoints(options: TokenEndpointsOptions): Endpoints {
  return {
    [options.path]: {
      GET: (call) => answerGet(call, options),
      POST: (call) => answerPost(call, options),
    },
    "/.well-known/jwks.json": { GET: () => answerKeys(options) },
  };
}

/** Whoever sends no password gets a token too: for what everybody may do. */
async function answerGet(
  call: EndpointCall,
  { desk, accounts, service }: TokenEndpointsOptions,
): Promise<Reply> {
  const request = parseTokenQuery(call.query);
  if (isOfAnother(request, service)) return refusal(400, "UNSUPPORTED", "tokens for another service");
  const { proof, hasAuthorization, peer, signal } = call;
  const { address } = peer;
  const account = proof?.scheme === "basic" ? await accounts.logIn({ ...proof, address, signal }) : undefined;
  if (hasAuthorization && account === undefined) return wrongLogin(service);
  return tokenReply(await desk.issue(request, account, { signal }));
}

async function answerPost(call: EndpointCall, options: TokenEndpointsOptions): Promise<Reply> {
  const form = new TextDecoder().decode(await readAll(call.body.read(), { limit: formLimit }));
  const request = parseForm(form);
  if (typeof request === "string") return oauthError(400, request);
  if (isOfAnother(request, options.service)) return oauthError(400, "invalid_request");
  const { grant } = request;
  const account = await accountOf(grant, call, options);
  if (account === undefined) return oauthError(401, "invalid_grant");
  const issued = await options.desk.issue(request, account, { signal: call.signal });
  return tokenReply(issued, grant.type === "refresh_token" ? new Secret(grant.refreshToken) : undefined);
}

/** What a form asks for, or the word of RFC 6749 §5.2 for what is wrong with it. */
function parseForm(form: string): ReturnType<typeof parseTokenForm> | string {
  try {
    return parseTokenForm(form);
  } catch (error) {
    if (!isOciError(error, "UNSUPPORTED")) throw error;
    const reason = ownValue(parseObject(error.detail) ?? {}, "error");
    return typeof reason === "string" ? reason : "invalid_request";
  }
}

function accountOf(
  grant: TokenGrant,
  { peer: { address }, signal }: EndpointCall,
  { desk, accounts }: TokenEndpointsOptions,
): Promise<Account | undefined> {
  if (grant.type === "refresh_token") return desk.redeem(new Secret(grant.refreshToken), { signal });
  const { username, password } = grant;
  return accounts.logIn({ username, password: new Secret(password), address, signal });
}

/** Tools that name no service mean the only one there is. */
function isOfAnother(request: TokenRequest, service: string): boolean {
  return request.service !== undefined && request.service !== service;
}

async function answerKeys({ keys }: TokenEndpointsOptions): Promise<Reply> {
  const known = await keys.list();
  const entries = known.map(({ id, algorithm, publicJwk }) => ({
    ...publicJwk,
    kid: id,
    alg: algorithm,
    use: "sig",
  }));
  return jsonReply(200, JSON.stringify({ keys: entries }), { "cache-control": "max-age=300" });
}

/** A refresh token that came is given back, since clients keep what the answer holds. */
function tokenReply(issued: IssuedToken, redeemed?: Secret): Reply {
  const { value, expiresIn, issuedAt, scopes, refreshToken = redeemed } = issued;
  const token = { value, expiresIn, refreshToken: refreshToken?.reveal() };
  return jsonReply(200, formatToken(token, { issuedAt, scopes }), uncached);
}

const uncached: Reply["headers"] = { "cache-control": "no-store" };

function wrongLogin(realm: string): Reply {
  const challenge = formatChallenge({ scheme: "basic", params: new Map([["realm", realm]]) });
  const reply = refusal(401, "UNAUTHORIZED", "no such user, or another password");
  return { ...reply, headers: { ...reply.headers, "www-authenticate": challenge } };
}

function refusal(status: number, code: "UNAUTHORIZED" | "UNSUPPORTED", message: string): Reply {
  return jsonReply(status, formatErrorBody([{ code, message }]), uncached);
}

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function oauthError(status: number, error: string): Reply {
  return jsonReply(status, JSON.stringify({ error }), uncached);
}
