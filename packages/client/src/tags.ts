import {
  isOciError,
  OciError,
  parseCatalogPage,
  parseTagPage,
  type ListOptions,
  type Route,
  type Tag,
} from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import { pages, pageSizeOf, type Page } from "./pages.ts";

/** See `TagLister.listTags`. */
export function listTags(endpoint: Endpoint, options: ListOptions = {}): AsyncIterable<Tag> {
  const { after, signal } = options;
  const { name, host } = endpoint;
  const { listAfter, tagAction } = host.quirks;
  const to: TagsRoute = { kind: "tags", name, n: pageSizeOf(endpoint, options), last: after };
  const list = pages(endpoint, {
    question: {
      method: "GET",
      to,
      subject: "repository",
      expect: [200],
      actions: ["pull"],
      scopes: tagAction === "pull" ? [] : [{ type: "repository", name, actions: [tagAction] }],
      signal,
    },
    parse: (body) => tagPage(body, { to, endpoint }),
  });
  return after === undefined || listAfter ? list : entriesBehind(after, list);
}

/** See `Registry.listRepositories`. */
export async function* listRepositories(
  endpoint: Endpoint,
  options: ListOptions = {},
): AsyncGenerator<string, void, undefined> {
  const { after, signal } = options;
  try {
    yield* pages(endpoint, {
      question: {
        method: "GET",
        to: { kind: "catalog", n: pageSizeOf(endpoint, options), last: after },
        subject: "registry",
        expect: [200],
        actions: [],
        scopes: [{ type: "registry", name: "catalog", actions: ["*"] }],
        signal,
      },
      parse: (body) => ({ items: parseCatalogPage(body).repositories }),
    });
  } catch (error) {
    throw asNoCatalog(error, endpoint);
  }
}

type TagsRoute = Extract<Route, { readonly kind: "tags" }>;

function tagPage(
  body: Uint8Array,
  { to, endpoint }: { readonly to: TagsRoute; readonly endpoint: Endpoint },
): Page<Tag> {
  const { tags, skipped } = parseTagPage(body);
  const isFull = tags.length + skipped >= (to.n ?? Number.POSITIVE_INFINITY);
  const isUnlinked = endpoint.host.quirks.tagPages === "unlinked" && isFull && tags.length > 0;
  return { items: tags, next: isUnlinked ? { ...to, last: tags.at(-1) } : undefined };
}

async function* entriesBehind(
  after: string,
  list: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  for await (const entry of list) if (entry > after) yield entry;
}

/** The refusal of a registry that lists repositories for nobody. */
function asNoCatalog(error: unknown, { host }: Endpoint): unknown {
  const { catalog } = host.quirks;
  if (catalog === "listed" || !isOciError(error) || error.status !== catalog) return error;
  const { status, method, url } = error;
  const message = `${host.name} does not list its repositories`;
  return new OciError("UNSUPPORTED", message, { status, method, url, cause: error });
}
