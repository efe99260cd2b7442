import { formatNextLink, formatRoute, formatTagPage, type Route } from "@drayage/oci";
import { headOf, jsonReply, type Call, type Operations, type Reply } from "./exchange.ts";
import { parsePageSize, takePage } from "./page.ts";

type TagsRoute = Extract<Route, { readonly kind: "tags" }>;

/** `GET /v2/<name>/tags/list` */
export function tagsOperations(route: TagsRoute): Operations {
  return {
    GET: { access: ["pull"], answer: (call) => listTags(route, call) },
    HEAD: { access: ["pull"], answer: async (call) => headOf(await listTags(route, call)) },
  };
}

async function listTags({ name, n, last }: TagsRoute, call: Call): Promise<Reply> {
  const size = parsePageSize(n, call.limits.listEntries);
  const list = call.repository(name).listTags({ after: last, pageSize: size + 1, signal: call.signal });
  const { names, next } = await takePage(list, size);
  const body = formatTagPage({ name, tags: names });
  if (next === undefined) return jsonReply(200, body);
  return jsonReply(200, body, {
    link: formatNextLink(formatRoute({ kind: "tags", name, n: size, last: next })),
  });
}
