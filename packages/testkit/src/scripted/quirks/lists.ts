import { digestOf } from "@drayage/oci";
import { jsonAnswer, refuse, type ScriptedAnswer, type ScriptedRequest } from "../exchange.ts";
import { headerIn, withHeaders, withQuery, type Call, type Deviation } from "./deviation.ts";

export const listDeviations: readonly Deviation[] = [
  {
    refuse: ({ route, quirks }) =>
      route.kind === "catalog" && quirks.catalog !== "listed"
        ? refuse(quirks.catalog, "UNAUTHORIZED")
        : undefined,
  },
  {
    refuse: (call) =>
      isList(call) &&
      sizeIn(call.request) > call.quirks.maxPageSize &&
      call.quirks.oversizedPage === "refused"
        ? refuse(405, "UNSUPPORTED", "'maxResults' must be less than or equal to the largest page")
        : undefined,
  },
  {
    hear(call) {
      const { request, route, quirks } = call;
      if (!isList(call)) return request;
      if (quirks.tagPages === "whole" && route.kind === "tags") return withQuery(request, { n: undefined });
      const wanted = request.url.searchParams.has("n") ? sizeIn(request) : quirks.defaultPageSize;
      const isCut = wanted !== undefined && wanted > quirks.maxPageSize && quirks.oversizedPage === "cut";
      return withQuery(request, { n: String(isCut ? quirks.maxPageSize : (wanted ?? "")) || undefined });
    },
  },
  {
    // Where a list goes on is told by a token of the registry's own.
    hear(call) {
      if (call.quirks.listAfter || call.route.kind !== "tags") return call.request;
      const token = call.request.url.searchParams.get("next_page") ?? undefined;
      return withQuery(call.request, { last: token });
    },
    tell(answer, { quirks, route }) {
      const link = headerIn(answer, "link");
      if (quirks.listAfter || route.kind !== "tags" || link === undefined) return answer;
      return withHeaders(answer, { link: link.replace("last=", "next_page=") });
    },
  },
  { tell: (answer, call) => (call.route.kind === "tags" ? tagsAsTold(answer, call) : answer) },
  {
    tell(answer, call) {
      const link = headerIn(answer, "link");
      return link === undefined ? answer : withHeaders(answer, { link: linkAsTold(link, call) });
    },
  },
];

function isList({ route }: Call): boolean {
  return route.kind === "tags" || route.kind === "catalog";
}

function sizeIn({ url }: ScriptedRequest): number {
  return Number(url.searchParams.get("n") ?? 0);
}

function tagsAsTold(answer: ScriptedAnswer, { request, quirks }: Call): ScriptedAnswer {
  if (answer.status !== 200) return answer;
  const { name, tags } = pageIn(answer);
  const isFirst = !request.url.searchParams.has("last");
  if (quirks.noTags === 404 && isFirst && tags.length === 0) return refuse(404, "NAME_UNKNOWN");
  const inOrder = quirks.tagOrder === "any" ? tags.toReversed() : tags;
  const entries = isFirst ? [...strayEntries(quirks), ...inOrder] : inOrder;
  const page = { ...answer, body: jsonAnswer({ name, tags: entries }).body };
  if (quirks.tagPages === "unlinked") {
    // What is no tag takes the place of one, but a page has one at least.
    const room = request.url.searchParams.has("n") ? Math.max(sizeIn(request), 2) : entries.length;
    const cut = entries.slice(0, room);
    return withHeaders({ ...page, body: jsonAnswer({ name, tags: cut }).body }, { link: undefined });
  }
  const last = tags.at(-1);
  if (quirks.tagPages !== "linked-on" || last === undefined) return page;
  const query = new URLSearchParams(request.url.search);
  query.set("last", last);
  return withHeaders(page, { link: `<${request.url.pathname}?${query.toString()}>; rel="next"` });
}

function strayEntries({ tagEntries }: Call["quirks"]): readonly unknown[] {
  if (tagEntries === "null") return [null];
  return tagEntries === "digests" ? [digestOf(new Uint8Array())] : [];
}

/** `link` with a path that the registry would not answer, as proxies in front of it make it. */
function linkAsTold(link: string, { quirks, self }: Call): string {
  if (quirks.listLink === "shortened") return link.replace(/^<\/v2\/[^/]+\/(?=[^>]+\/tags\/)/, "</v2/");
  return quirks.listLink === "internal" ? link.replace(/^</, `<${self}/repository/proxy`) : link;
}

function pageIn({ body }: ScriptedAnswer): { readonly name: unknown; readonly tags: readonly string[] } {
  const page: unknown = JSON.parse(typeof body === "string" ? body : "{}");
  const { name, tags }: { name?: unknown; tags?: unknown } =
    typeof page === "object" && page !== null ? page : {};
  return { name, tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [] };
}
