import { parseCatalogPage, parseTagPage, type ListOptions, type Tag } from "@drayage/oci";
import type { Endpoint } from "./endpoint.ts";
import { pages, pageSizeOf } from "./pages.ts";

/** See `TagLister.listTags`. */
export function listTags(endpoint: Endpoint, options: ListOptions = {}): AsyncIterable<Tag> {
  const { after, signal } = options;
  return pages(endpoint, {
    question: {
      method: "GET",
      to: { kind: "tags", name: endpoint.name, n: pageSizeOf(endpoint, options), last: after },
      subject: "repository",
      expect: [200],
      actions: ["pull"],
      signal,
    },
    parse: (body) => parseTagPage(body).tags,
  });
}

/** See `Registry.listRepositories`. */
export function listRepositories(endpoint: Endpoint, options: ListOptions = {}): AsyncIterable<string> {
  const { after, signal } = options;
  return pages(endpoint, {
    question: {
      method: "GET",
      to: { kind: "catalog", n: pageSizeOf(endpoint, options), last: after },
      subject: "registry",
      expect: [200],
      actions: [],
      scopes: [{ type: "registry", name: "catalog", actions: ["*"] }],
      signal,
    },
    parse: (body) => parseCatalogPage(body).repositories,
  });
}
