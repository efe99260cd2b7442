import type { Quirks } from "@drayage/oci";
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
  readonly quirks: Quirks;
}

/** The challenge for a request that may not pass, or `undefined` if it may. */
export function challengeFor(
  guard: Guard,
  request: ScriptedRequest,
  route: Route,
): ScriptedAnswer | undefined {
  const { auth, quirks } = guard;
  if (auth === "none" || route.kind === "unknown") return undefined;
  const header = request.headers["authorization"];
  if ("basic" in auth) {
    const scheme = quirks.challenge === "BASIC" ? "BASIC" : "Basic";
    return mayBasic(auth.basic, header) ? undefined : challenge(`${scheme} realm="scripted"`);
  }
  const needed = neededGrants(request, route, quirks);
  const [, token] = /^Bearer (.+)$/i.exec(header ?? "") ?? [];
  const state = token === undefined ? "unknown" : guard.tokens.check(token, needed);
  if (state === "valid") return undefined;
  const parameters = {
    realm: guard.realm,
    service: auth.bearer.service ?? "scripted",
    ...(needed.length === 0 ? {} : { scope: challengedScope(needed, quirks) }),
    ...(token === undefined
      ? {}
      : { error: state === "insufficient" ? "insufficient_scope" : "invalid_token" }),
  };
  const text = Object.entries(parameters).map(([key, value]) => `${key}="${value}"`);
  const bearer = `Bearer ${text.join(",")}`;
  return quirks.challenge === "Bearer, Basic"
    ? challenge(bearer, 'Basic realm="scripted"')
    : challenge(bearer);
}

function challengedScope(needed: readonly Grant[], { challengeScope }: Quirks): string {
  if (challengeScope === "*") return "*";
  const grants =
    challengeScope === "pull" ? needed.map((grant) => ({ ...grant, actions: ["pull"] })) : needed;
  return grants.map(formatGrant).join(" ");
}

/** What a request does, as grants; a mount also reads where it mounts from. */
function neededGrants(
  { method, url: { searchParams } }: ScriptedRequest,
  route: Route,
  quirks: Quirks,
): readonly Grant[] {
  if (route.kind === "catalog") return [{ type: "registry", name: "catalog", actions: ["*"] }];
  if (!("name" in route)) return [];
  const actions = route.kind === "tags" ? [quirks.tagAction] : actionsOf(method, quirks);
  const own = { type: "repository", name: route.name, actions };
  const from = route.kind === "uploads" ? searchParams.get("from") : null;
  if (from === null || from === route.name) return [own];
  return [own, { type: "repository", name: from, actions: ["pull"] }];
}

function actionsOf(method: string, { deleteAction }: Quirks): readonly string[] {
  if (method === "GET" || method === "HEAD") return ["pull"];
  return method === "DELETE" ? [deleteAction] : ["pull", "push"];
}

function mayBasic(users: BasicAuth, header: string | undefined): boolean {
  const basic = parseBasic(header);
  return (
    basic !== undefined && Object.hasOwn(users, basic.username) && users[basic.username] === basic.password
  );
}

function challenge(...headers: readonly string[]): ScriptedAnswer {
  const answer = jsonAnswer({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
  return { ...answer, status: 401, headers: { ...answer.headers, "www-authenticate": headers } };
}
