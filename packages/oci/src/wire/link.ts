import { OciError } from "../errors.ts";
import { HeaderScanner, isVisibleAscii } from "./scan.ts";

/** One link of a `Link` header. */
export interface Link {
  /** As it was sent: absolute or relative, unchecked. */
  readonly uri: string;
  /** Relation types in lower case. */
  readonly rel: readonly string[];
  /** By name in lower case; of equal names the first counts. */
  readonly params: ReadonlyMap<string, string>;
}

/** How a header broke the grammar of RFC 8288 §3 and was read nevertheless. */
export type LinkWarning = "missing-angle-brackets" | "unterminated-quoted-string";

/** What a `Link` header holds. */
export interface Links {
  readonly links: readonly Link[];
  readonly warnings: readonly LinkWarning[];
}

/** Where the next page is asked for. */
export interface NextLink {
  /** On the origin and path of the request that this is the answer to. */
  readonly url: URL;
  /** Whether the server named another origin or path, of which only the query was taken. */
  readonly rebased: boolean;
}

/** Why a link to the next page cannot be followed: the `detail.reason` of the error. */
export type NextLinkReason = "unusable-next-link" | "pagination-loop";

/**
 * All links of a `Link` header, given as one value or several lines.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-3
 * @example parseLink('</v2/a/tags/list?last=v1>; rel="next"').links[0]?.rel // ["next"]
 */
export function parseLink(header: string | readonly string[] | undefined): Links {
  const links: Link[] = [];
  const warnings = new Set<LinkWarning>();
  for (const line of typeof header === "string" ? [header] : (header ?? [])) {
    const scanner = new HeaderScanner(line);
    for (skipCommas(scanner); !scanner.done; skipCommas(scanner)) {
      const link = readLink(scanner, warnings);
      if (link !== undefined) links.push(link);
    }
  }
  return { links, warnings: [...warnings] };
}

function readLink(scanner: HeaderScanner, warnings: Set<LinkWarning>): Link | undefined {
  if (!scanner.accept("<")) {
    warnings.add("missing-angle-brackets");
    scanner.skipElement(",");
    return undefined;
  }
  const uri = scanner.takeUntil(">");
  if (!scanner.accept(">")) warnings.add("missing-angle-brackets");
  const params = readParameters(scanner, warnings);
  const rel = (params.get("rel") ?? "").split(" ").filter((type) => type !== "");
  return { uri, rel: rel.map((type) => type.toLowerCase()), params };
}

function readParameters(scanner: HeaderScanner, warnings: Set<LinkWarning>): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  scanner.skipElement(",;");
  while (scanner.accept(";")) {
    scanner.skipSpace();
    const name = scanner.takeUntil(" \t=,;").toLowerCase();
    scanner.skipSpace();
    const value = scanner.accept("=") ? readValue(scanner) : "";
    if (value === undefined) warnings.add("unterminated-quoted-string");
    else if (name !== "" && !params.has(name)) params.set(name, value);
    scanner.skipElement(",;");
  }
  return params;
}

function readValue(scanner: HeaderScanner): string | undefined {
  scanner.skipSpace();
  return scanner.peek() === '"' ? scanner.takeQuoted() : scanner.takeUntil(" \t,;");
}

function skipCommas(scanner: HeaderScanner): void {
  scanner.takeWhile((character) => " \t,".includes(character));
}

/**
 * Where the next page is, `undefined` where there is none.
 *
 * Nobody is asked but the server that answered `base`, and nothing but `base` with another query: a link to
 * elsewhere, as proxies and gateways send, contributes its query alone (C9).
 *
 * @param base the URL that was requested
 * @throws OciError RESPONSE_INVALID with a {@link NextLinkReason} for a link without a query to elsewhere, and for one to `base` itself
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 * @example nextLink('</v2/a/tags/list?last=v1>; rel="next"', new URL("https://registry.example/v2/a/tags/list"))
 */
export function nextLink(header: string | readonly string[] | undefined, base: URL): NextLink | undefined {
  const link = findNext(parseLink(header).links);
  return link && followNext(resolveUri(link.uri, base), base);
}

/** The first link to a next page; one with an anchor is about another document (RFC 8288 §3.2). */
export function findNext(links: readonly Link[]): Link | undefined {
  return links.find(({ rel, params }) => rel.includes("next") && !params.has("anchor"));
}

/** What `uri` means in an answer from `base` (RFC 3986 §5), without fragment and userinfo. */
export function resolveUri(uri: string, base: URL): URL | undefined {
  const url = URL.parse(uri, base.href);
  if (url === null) return undefined;
  url.hash = "";
  url.username = "";
  url.password = "";
  return url;
}

function followNext(next: URL | undefined, base: URL): NextLink {
  if (next === undefined || !/^https?:$/.test(next.protocol)) throw unfollowable("unusable-next-link");
  const rebased = next.origin !== base.origin || next.pathname !== base.pathname;
  if (rebased && next.search === "") throw unfollowable("unusable-next-link");

  const url = new URL(base.href);
  url.hash = "";
  url.search = next.search;
  if (url.search === base.search) throw unfollowable("pagination-loop");
  return { url, rebased };
}

function unfollowable(reason: NextLinkReason): OciError {
  return new OciError("RESPONSE_INVALID", `cannot follow the link to the next page: ${reason}`, {
    detail: { reason },
  });
}

/**
 * A `Link` header that names the next page.
 *
 * @param target path and query, as `formatRoute` gives them
 * @throws OciError OPTION_INVALID if a header cannot carry it.
 * @example formatNextLink("/v2/a/tags/list?n=2&last=v1") // '</v2/a/tags/list?n=2&last=v1>; rel="next"'
 */
export function formatNextLink(target: string): string {
  if (isVisibleAscii(target) && !/[<>"]/.test(target)) return `<${target}>; rel="next"`;
  throw new OciError("OPTION_INVALID", `not a target for a link: "${target.slice(0, 200)}"`);
}
