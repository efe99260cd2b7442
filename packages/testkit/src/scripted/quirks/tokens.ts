import { jsonAnswer } from "../exchange.ts";
import type { Call, Deviation } from "./deviation.ts";

/** How the token server differs for who asks it by `GET`. */
export const tokenDeviations: readonly Deviation[] = [
  {
    refuse(call) {
      if (!isToken(call) || call.quirks.deleteAction === "delete") return undefined;
      const isUnderstood = !scopesIn(call).some((scope) => /[:,]delete(?:,|$)/.test(scope));
      return isUnderstood ? undefined : { ...jsonAnswer({ error: "invalid_scope" }), status: 400 };
    },
    hear(call) {
      const last = scopesIn(call).at(-1);
      if (!isToken(call) || call.quirks.tokenScopes === "all" || last === undefined) return call.request;
      const url = new URL(call.request.url);
      url.searchParams.set("scope", last);
      return { ...call.request, url };
    },
  },
];

function isToken({ request: { method, url } }: Call): boolean {
  return url.pathname === "/token" && method === "GET";
}

function scopesIn({ request: { url } }: Call): readonly string[] {
  return url.searchParams.getAll("scope");
}
