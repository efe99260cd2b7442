import { mapConcurrent, type Digest } from "@drayage/oci";
import { readItems } from "./read.ts";
import type { Asking } from "./source.ts";
import { isOpen, type Item, type Stock } from "./stock.ts";

/** Which manifests may go, as far as is known by now; more may be found to, but none is that was not found before. */
export type Candidates = (stock: Stock) => ReadonlySet<Digest>;

/**
 * Finds out what refers to the candidates, and what they refer to themselves, until nothing new is found.
 *
 * What stays need not be asked about: what refers to it is not touched by a plan that does not know of it. To learn
 * whether a candidate refers to anything that stays, it is read; unless that takes more requests than to ask of
 * everything else what refers to it.
 */
export async function readTies(stock: Stock, candidates: Candidates, asking: Asking): Promise<void> {
  const asked = new Set<Digest>();
  for (let known = -1; known !== stock.items.size; ) {
    known = stock.items.size;
    const found = [...candidates(stock)].filter((digest) => !asked.has(digest)).flatMap(itemsOf(stock));
    if (found.length === 0) return;
    if (asked.size === 0) await askReferrers(stock, found.slice(0, 1), asking);
    await examine(stock, found, { ...asking, asked });
    for (const { digest } of found) asked.add(digest);
  }
}

async function examine(
  stock: Stock,
  found: readonly Item[],
  { asked, ...asking }: Asking & { readonly asked: Set<Digest> },
): Promise<void> {
  const unread = found.filter(({ facts, failure }) => facts === undefined && failure === undefined);
  // All referrers that there are have been found by their tags.
  if (asking.source.listsReferrers === false) return readItems(stock, unread, asking);
  const isFirst = asked.size === 0;
  const others = stock.items.size - found.length - asked.size;
  const subjects = unread.length > others ? allBut(stock, asked) : found;
  if (subjects === found) await readItems(stock, unread, asking);
  await askReferrers(stock, isFirst ? subjects.filter((item) => item !== found[0]) : subjects, asking);
  for (const { digest } of subjects) asked.add(digest);
}

function itemsOf(stock: Stock): (digest: Digest) => readonly Item[] {
  return (digest) => {
    const item = stock.items.get(digest);
    return item === undefined ? [] : [item];
  };
}

function allBut(stock: Stock, asked: ReadonlySet<Digest>): readonly Item[] {
  return [...stock.items.values()].filter(({ digest }) => !asked.has(digest));
}

async function askReferrers(stock: Stock, subjects: readonly Item[], asking: Asking): Promise<void> {
  const { source, concurrency, signal } = asking;
  const found: Item[] = [];
  await mapConcurrent(
    subjects.filter(({ failure }) => failure !== "absent"),
    concurrency,
    async (subject, options) => {
      for await (const { digest, mediaType, artifactType } of source.listReferrers(subject.digest, options)) {
        found.push(stock.addTied({ digest, mediaType, artifactType }, subject.digest));
      }
    },
    { signal },
  );
  await readItems(stock, found.filter(isOpen), asking);
}
