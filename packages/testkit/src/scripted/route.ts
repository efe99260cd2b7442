/** What a path of the distribution-spec names. */
export type Route =
  | { readonly kind: "base" | "catalog" | "unknown" }
  | { readonly kind: "tags" | "uploads"; readonly name: string }
  | {
      readonly kind: "manifest" | "blob" | "upload" | "referrers";
      readonly name: string;
      readonly last: string;
    };

const patterns = [
  ["tags", /^\/v2\/(.+)\/tags\/list$/],
  ["manifest", /^\/v2\/(.+)\/manifests\/([^/]+)$/],
  ["referrers", /^\/v2\/(.+)\/referrers\/([^/]+)$/],
  ["uploads", /^\/v2\/(.+)\/blobs\/uploads\/?$/],
  ["upload", /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/],
  ["blob", /^\/v2\/(.+)\/blobs\/([^/]+)$/],
] as const;

/** The route of `path`, which is taken literally but for percent-encoding. */
export function routeOf(path: string): Route {
  if (path === "/v2/" || path === "/v2") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  for (const [kind, pattern] of patterns) {
    const [, name, last] = pattern.exec(path) ?? [];
    if (name === undefined) continue;
    return kind === "tags" || kind === "uploads"
      ? { kind, name }
      : { kind, name, last: decodeURIComponent(last ?? "") };
  }
  return { kind: "unknown" };
}
