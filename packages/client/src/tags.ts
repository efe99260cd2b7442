import {
  isOciError,
  OciError,
  parseCatalogPage,
  parseTagPage,
  type ListOptions,
  type Route,
  type Tag,
  type TagPage,
} from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import { entries, pages, pageSizeOf, type Page, type PagesOptions } from "./pages.ts";

/** See `TagLister.listTags`. */
export function listTags(endpoint: Endpoint, options: ListOptions = {}): AsyncIterable<Tag> {
  const { after } = options;
  const list = entries(endpoint, tagPagesOptions(endpoint, options));
  return after === undefined || endpoint.host.quirks.listAfter ? list : entriesBehind(after, list);
}

export interface ListTagPagesOptions extends ListOptions {
  /** Asks for the manifests of the tags too, which Drayage's own registry tells then; others do as they always do. */
  readonly manifests?: boolean | undefined;
}

/** See `RepositoryClient.listTagPages`. */
export async function* listTagPages(
  endpoint: Endpoint,
  options: ListTagPagesOptions = {},
): AsyncGenerator<TagPage, void, undefined> {
  const after = endpoint.host.quirks.listAfter ? undefined : options.after;
  for await (const { page } of pages(endpoint, tagPagesOptions(endpoint, options))) {
    yield after === undefined ? page : { ...page, tags: page.tags.filter((tag) => tag > after) };
  }
}

type TagsRoute = Extract<Route, { readonly kind: "tags" }>;

interface PageOfTags extends Page<Tag> {
  readonly page: TagPage;
}

function tagPagesOptions(endpoint: Endpoint, options: ListTagPagesOptions): PagesOptions<PageOfTags> {
  const { name, host } = endpoint;
  const { tagAction } = host.quirks;
  const n = pageSizeOf(endpoint, options);
  const to: TagsRoute = { kind: "tags", name, n, last: options.after, manifests: options.manifests };
  return {
    question: {
      method: "GET",
      to,
      subject: "repository",
      expect: [200],
      actions: ["pull"],
      scopes: tagAction === "pull" ? [] : [{ type: "repository", name, actions: [tagAction] }],
      signal: options.signal,
    },
    parse: (body) => tagPage(body, { to, endpoint }),
  };
}

/** See `Registry.listRepositories`. */
export async function* listRepositories(
  endpoint: Endpoint,
  options: ListOptions = {},
): AsyncGenerator<string, void, undefined> {
  const { after, signal } = options;
  try {
    yield* entries(endpoint, {
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

function tagPage(
  body: Uint8Array,
  { to, endpoint }: { readonly to: TagsRoute; readonly endpoint: Endpoint },
): PageOfTags {
  const page = parseTagPage(body);
  const { tags, skipped } = page;
  const isFull = tags.length + skipped >= (to.n ?? Number.POSITIVE_INFINITY);
  const isUnlinked = endpoint.host.quirks.tagPages === "unlinked" && isFull && tags.length > 0;
  return { page, items: tags, next: isUnlinked ? { ...to, last: tags.at(-1) } : undefined };
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
