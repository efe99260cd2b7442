import { formatCatalogPage, formatNextLink, formatRoute, type Route } from "@drayage/oci";
import { headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";
import { parsePageSize, takePage } from "./page.ts";

type CatalogRoute = Extract<Route, { readonly kind: "catalog" }>;

/** `GET /v2/_catalog`, which the distribution-spec reserves and Docker's registry defines. */
export function catalogOperations(route: CatalogRoute): Operations {
  return {
    GET: { access: ["pull"], answer: (call) => listRepositories(route, call) },
    HEAD: { access: ["pull"], answer: async (call) => headOf(await listRepositories(route, call)) },
  };
}

async function listRepositories({ n, last }: CatalogRoute, call: Call): Promise<Reply> {
  const size = parsePageSize(n, call.limits.listEntries);
  const list = call.listRepositories({ after: last, pageSize: size + 1, signal: call.signal });
  const { names, next } = await takePage(list, size);
  const body = formatCatalogPage({ repositories: names });
  if (next === undefined) return jsonReply(200, body);
  return jsonReply(200, body, {
    link: formatNextLink(formatRoute({ kind: "catalog", n: size, last: next })),
  });
}
