import { randomUUID } from "node:crypto";
import { jsonAnswer, type ScriptedAnswer, type ScriptedRequest } from "./exchange.ts";

/** How the token server decides; what it is not told to grant it does not. */
export interface TokenServerOptions {
  /** Passwords by user; each may do everything. */
  readonly users?: Readonly<Record<string, string>> | undefined;
  /** What everybody may do; nothing by default. */
  readonly anonymous?: readonly string[] | undefined;
  /** Refresh tokens that are good from the start; more are given to who asks with `offline_token`. */
  readonly refreshTokens?: readonly string[] | undefined;
  /** Life of an access token in seconds; 300 by default. */
  readonly expiresIn?: number | undefined;
  /** The only value of `service` that is served; any by default. */
  readonly service?: string | undefined;
}

/** The right to do something with one resource. */
export interface Grant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What a token turned out to be. */
export type TokenState = "valid" | "expired" | "insufficient" | "unknown";

/** A token server as registries send their clients to, over GET and over POST (OAuth2). */
export interface TokenServer {
  answer(request: ScriptedRequest): ScriptedAnswer;
  /** Whether `token` allows all of `needed`. */
  check(token: string, needed: readonly Grant[]): TokenState;
  /** Forgets every access token. */
  revoke(): void;
}

/** @see https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/ */
export function createTokenServer(options: TokenServerOptions, now: () => number): TokenServer {
  const { users = {}, anonymous = [], expiresIn = 300, service } = options;
  const refreshTokens = new Set(options.refreshTokens);
  const issued = new Map<string, { readonly grants: readonly Grant[]; readonly expiresAt: number }>();

  const issue = (scopes: readonly string[], allowed: readonly string[] | "all"): string => {
    const token = `access-${randomUUID()}`;
    const grants = scopes.flatMap(parseScope).map((grant) => restrict(grant, allowed));
    issued.set(token, { grants, expiresAt: now() + expiresIn * 1000 });
    return token;
  };
  const respond = (token: string, extra: Readonly<Record<string, unknown>>): ScriptedAnswer =>
    jsonAnswer({
      access_token: token,
      expires_in: expiresIn,
      issued_at: new Date(now()).toISOString(),
      ...extra,
    });
  const offline = (isWanted: boolean): Readonly<Record<string, string>> => {
    if (!isWanted) return {};
    const token = `refresh-${randomUUID()}`;
    refreshTokens.add(token);
    return { refresh_token: token };
  };
  const isUser = (name: string, password: string): boolean =>
    Object.hasOwn(users, name) && users[name] === password;

  const answerGet = ({ url: { searchParams }, headers }: ScriptedRequest): ScriptedAnswer => {
    const basic = parseBasic(headers["authorization"]);
    if (
      headers["authorization"] !== undefined &&
      (basic === undefined || !isUser(basic.username, basic.password))
    )
      return refuseToken(401, "invalid_client");
    const token = issue(searchParams.getAll("scope"), basic === undefined ? anonymous : "all");
    const isOffline = basic !== undefined && searchParams.get("offline_token") === "true";
    return respond(token, { token, ...offline(isOffline) });
  };

  const answerPost = ({ body }: ScriptedRequest): ScriptedAnswer => {
    const form = new URLSearchParams(new TextDecoder().decode(body));
    const [refreshToken, username, password] = [
      form.get("refresh_token"),
      form.get("username"),
      form.get("password"),
    ];
    const isGood =
      form.get("grant_type") === "refresh_token"
        ? refreshTokens.has(refreshToken ?? "")
        : form.get("grant_type") === "password" && isUser(username ?? "", password ?? "");
    if (!isGood) return refuseToken(401, "invalid_grant");
    const scope = form.get("scope") ?? "";
    return respond(issue([scope], "all"), { scope, ...offline(form.get("access_type") === "offline") });
  };

  return {
    answer(request) {
      const asked = request.method === "POST" ? undefined : request.url.searchParams.get("service");
      if (service !== undefined && typeof asked === "string" && asked !== service)
        return refuseToken(400, "invalid_request");
      if (request.method === "GET") return answerGet(request);
      return request.method === "POST" ? answerPost(request) : refuseToken(405, "invalid_request");
    },
    revoke: () => issued.clear(),
    check(token, needed) {
      const found = issued.get(token);
      if (found === undefined) return "unknown";
      if (found.expiresAt <= now()) return "expired";
      return needed.every((grant) => covers(found.grants, grant)) ? "valid" : "insufficient";
    },
  };
}

/** `user:password` of an `Authorization: Basic` header. */
export function parseBasic(
  header: string | undefined,
): { readonly username: string; readonly password: string } | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The form in which a challenge asks for `grant`. */
export function formatGrant({ type, name, actions }: Grant): string {
  return `${type}:${name}:${actions.join(",")}`;
}

/** The grants that a `scope` asks for, one for each of its words. */
function parseScope(scope: string): readonly Grant[] {
  return scope.split(" ").flatMap((word) => {
    const parts = word.split(":");
    if (parts.length < 3) return [];
    const [type = "", ...name] = parts.slice(0, -1);
    return [{ type, name: name.join(":"), actions: (parts.at(-1) ?? "").split(",") }];
  });
}

function restrict(grant: Grant, allowed: readonly string[] | "all"): Grant {
  if (allowed === "all") return grant;
  return { ...grant, actions: grant.actions.filter((action) => allowed.includes(action)) };
}

function covers(grants: readonly Grant[], { type, name, actions }: Grant): boolean {
  return actions.every((action) =>
    grants.some(
      (grant) =>
        grant.type === type &&
        grant.name === name &&
        (grant.actions.includes(action) || grant.actions.includes("*")),
    ),
  );
}

function refuseToken(status: number, error: string): ScriptedAnswer {
  return { ...jsonAnswer({ error }), status };
}
