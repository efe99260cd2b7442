import { nextLink, OciError, type ListOptions, type Route } from "@drayage/oci";
import type { Endpoint, Question } from "./endpoint.ts";
import { readBody } from "./http/body.ts";
import type { RegistryResponse } from "./http/message.ts";
import { redactUrl } from "./http/url.ts";

export interface PagesOptions<PageType> {
  /** Asks for the first page; the further ones are asked for in the same way. */
  readonly question: Question;
  readonly parse: (body: Uint8Array) => PageType;
  /** The first page, if it has been asked for already. */
  readonly first?: RegistryResponse | undefined;
}

/** What a page holds. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the list goes on if no `Link` says so. */
  readonly next?: Route | undefined;
}

/** Pages without a single entry that are read in a row. */
const emptyPageLimit = 3;

/** The entries of all {@link pages}. */
export async function* entries<Item>(
  endpoint: Endpoint,
  options: PagesOptions<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  const { signal } = options.question;
  let previous: Item | undefined;
  for await (const { items } of pages(endpoint, options)) {
    for (const item of items) {
      signal?.throwIfAborted();
      // Some servers begin a page with the last entry of the one before.
      if (item === previous) continue;
      previous = item;
      yield item;
    }
  }
}

/**
 * The pages of a list, each asked for when the one before has been read.
 *
 * A list that leads back to a page it had, goes on without entries or has no end is an error (GHSA-298f-872v-2rcx,
 * CVE-2023-46737).
 *
 * @throws OciError RESPONSE_INVALID, LIMIT_EXCEEDED
 */
export async function* pages<PageType extends Page<unknown>>(
  endpoint: Endpoint,
  { question, parse, first }: PagesOptions<PageType>,
): AsyncGenerator<PageType, void, undefined> {
  const { limits } = endpoint.settings;
  const ask = (to: Question["to"]) => endpoint.ask({ ...question, to, bodyLimit: limits.pageBytes });
  const guard = createGuard(limits);
  for (let response = first ?? (await ask(question.to)); ; ) {
    const page = parse(await readBody(response, { limit: limits.pageBytes }));
    const linked = nextLink(response.headers["link"], response.request.url)?.url;
    guard.pass(response.request.url, page.items.length);
    yield page;
    const to = linked ?? page.next;
    if (to === undefined) return;
    response = await ask(to);
  }
}

/** As many entries as were asked for, or as the registry gives at a time. */
export function pageSizeOf({ host }: Endpoint, { pageSize }: ListOptions): number {
  const { maxPageSize } = host.quirks;
  return Math.min(pageSize ?? maxPageSize, maxPageSize);
}

interface Guard {
  pass(url: URL, items: number): void;
}

function createGuard(limits: { readonly pages: number; readonly items: number }): Guard {
  const visited = new Set<string>();
  let total = 0;
  let empty = 0;
  return {
    pass(url, items) {
      total += items;
      empty = items === 0 ? empty + 1 : 0;
      if (visited.has(url.href)) throw endless("RESPONSE_INVALID", url, "leads back to where it was");
      visited.add(url.href);
      if (empty > emptyPageLimit) throw endless("RESPONSE_INVALID", url, "goes on without entries");
      if (visited.size > limits.pages)
        throw endless("LIMIT_EXCEEDED", url, `has more than ${limits.pages} pages`);
      if (total > limits.items) throw endless("LIMIT_EXCEEDED", url, `has more than ${limits.items} entries`);
    },
  };
}

function endless(code: "RESPONSE_INVALID" | "LIMIT_EXCEEDED", url: URL, problem: string): OciError {
  return new OciError(code, `a list ${problem}`, { method: "GET", url: redactUrl(url) });
}
