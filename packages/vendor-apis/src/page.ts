import { OciError, parseLink, type CallOptions, type HttpHeaders } from "@drayage/oci";
import { invalid } from "./field.ts";

/** One page of a list. */
export interface NumberedPage<Entry> {
  readonly entries: readonly Entry[];
  /** Whether there is another one. */
  readonly hasNext: boolean;
  /** How many entries the whole list has, where the API tells. */
  readonly total?: number | undefined;
}

/**
 * All entries of a list that is read by the numbers of its pages.
 *
 * Such a list moves under its reader: what is deleted meanwhile takes a place from what comes later. So where the API
 * counts, the count must stay, and must be what was read.
 *
 * @throws OciError RESPONSE_INVALID; UNAVAILABLE if it has changed
 */
export async function* numberedPages<Entry>(
  ask: (page: number, options: CallOptions) => Promise<NumberedPage<Entry>>,
  keyOf: (entry: Entry) => string,
  options: CallOptions,
): AsyncGenerator<Entry, void, undefined> {
  const seen = new Set<string>();
  let total: number | undefined;
  for (let page = 1, hasNext = true; hasNext; page++) {
    const answer = await ask(page, options);
    if (page > 1 && answer.total !== total) throw moving();
    total = answer.total;
    for (const entry of answer.entries) {
      const key = keyOf(entry);
      if (seen.has(key)) continue;
      seen.add(key);
      yield entry;
    }
    hasNext = answer.hasNext;
    if (hasNext && answer.entries.length === 0) throw invalid("an empty page that is not the last");
  }
  if (total !== undefined && seen.size !== total) throw moving();
}

function moving(): OciError {
  return new OciError("UNAVAILABLE", "the list changed while it was read");
}

/** One page of a list that goes on behind its last entry. */
export interface MarkedPage<Entry> {
  readonly entries: readonly Entry[];
  /** The last entry, if there are more. */
  readonly next: string | undefined;
}

/**
 * All entries of a list that is read from one entry to the next.
 *
 * @throws OciError RESPONSE_INVALID
 */
export async function* markedPages<Entry>(
  ask: (last: string | undefined, options: CallOptions) => Promise<MarkedPage<Entry>>,
  options: CallOptions,
): AsyncGenerator<Entry, void, undefined> {
  const seen = new Set<string | undefined>();
  let last: string | undefined;
  do {
    seen.add(last);
    const { entries, next } = await ask(last, options);
    yield* entries;
    if (next !== undefined && seen.has(next)) throw invalid("a page that leads to itself");
    last = next;
  } while (last !== undefined);
}

/** Whether a `Link` header names a next page; where that is, the server is not asked. */
export function hasNextLink(headers: HttpHeaders): boolean {
  return nextUri(headers) !== undefined;
}

/** The entry behind which the next page begins. @throws OciError RESPONSE_INVALID */
export function nextMarker(headers: HttpHeaders): string | undefined {
  const uri = nextUri(headers);
  if (uri === undefined) return undefined;
  const last = new URLSearchParams(uri.split("?").slice(1).join("?")).get("last");
  if (last === null || last === "") throw invalid("a link to a page that it does not name");
  return last;
}

function nextUri(headers: HttpHeaders): string | undefined {
  return parseLink(headers["link"]).links.find(({ rel }) => rel.includes("next"))?.uri;
}
