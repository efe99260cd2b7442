import { jsonAnswer, type ScriptedAnswer, type ScriptedRequest } from "./exchange.ts";
import type { Route } from "./route.ts";
import {
  formatGrant,
  parseBasic,
  type Grant,
  type TokenServer,
  type TokenServerOptions,
} from "./token-server.ts";

/** Who may use a scripted registry. */
export type ScriptedAuth = "none" | { readonly basic: BasicAuth } | { readonly bearer: BearerAuth };

/** Passwords by user. */
export type BasicAuth = Readonly<Record<string, string>>;

export interface BearerAuth extends TokenServerOptions {
  /** The origin whose `/token` clients are sent to; the second one by default, or the only one. */
  readonly realm?: string | undefined;
}

/** What stands between a request and the registry. */
export interface Guard {
  readonly auth: ScriptedAuth;
  readonly tokens: TokenServer;
  /** The token server's URL. */
  readonly realm: string;
}

/** The challenge for a request that may not pass, or `undefined` if it may. */
export function challengeFor(
  guard: Guard,
  request: ScriptedRequest,
  route: Route,
): ScriptedAnswer | undefined {
  const { auth } = guard;
  if (auth === "none") return undefined;
  const header = request.headers["authorization"];
  if ("basic" in auth) return mayBasic(auth.basic, header) ? undefined : challenge('Basic realm="scripted"');
  const needed = neededGrants(request, route);
  const [, token] = /^Bearer (.+)$/i.exec(header ?? "") ?? [];
  const state = token === undefined ? "unknown" : guard.tokens.check(token, needed);
  if (state === "valid") return undefined;
  const parameters = {
    realm: guard.realm,
    service: auth.bearer.service ?? "scripted",
    ...(needed.length === 0 ? {} : { scope: needed.map(formatGrant).join(" ") }),
    ...(token === undefined
      ? {}
      : { error: state === "insufficient" ? "insufficient_scope" : "invalid_token" }),
  };
  const text = Object.entries(parameters).map(([key, value]) => `${key}="${value}"`);
  return challenge(`Bearer ${text.join(",")}`);
}

/** What a request does, as grants; a mount also reads where it mounts from. */
function neededGrants({ method, url: { searchParams } }: ScriptedRequest, route: Route): readonly Grant[] {
  if (route.kind === "catalog") return [{ type: "registry", name: "catalog", actions: ["*"] }];
  if (!("name" in route)) return [];
  const own = { type: "repository", name: route.name, actions: actionsOf(method) };
  const from = route.kind === "uploads" ? searchParams.get("from") : null;
  if (from === null || from === route.name) return [own];
  return [own, { type: "repository", name: from, actions: ["pull"] }];
}

function actionsOf(method: string): readonly string[] {
  if (method === "GET" || method === "HEAD") return ["pull"];
  return method === "DELETE" ? ["delete"] : ["pull", "push"];
}

function mayBasic(users: BasicAuth, header: string | undefined): boolean {
  const basic = parseBasic(header);
  return (
    basic !== undefined && Object.hasOwn(users, basic.username) && users[basic.username] === basic.password
  );
}

function challenge(header: string): ScriptedAnswer {
  const answer = jsonAnswer({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
  return { ...answer, status: 401, headers: { ...answer.headers, "www-authenticate": header } };
}
