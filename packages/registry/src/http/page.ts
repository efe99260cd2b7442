import { OciError } from "@drayage/oci";

/** Part of a list of names. */
export interface Page {
  readonly names: readonly string[];
  /** The last of them, if there are more behind it. */
  readonly next: string | undefined;
}

/**
 * How many entries to give for the `n` of a request, at most `limit`.
 *
 * @throws OciError OPTION_INVALID
 */
export function parsePageSize(n: number | undefined, limit: number): number {
  if (Number.isNaN(n)) throw new OciError("OPTION_INVALID", "n is not a number of entries");
  return Math.min(n ?? limit, limit);
}

/**
 * The first `size` names of a list, and whether there are more.
 *
 * One name is read even for a page without any, since the list may not exist at all.
 */
export async function takePage(list: AsyncIterable<string>, size: number): Promise<Page> {
  const names: string[] = [];
  for await (const name of list) {
    if (names.length === size) return { names, next: names.at(-1) };
    names.push(name);
  }
  return { names, next: undefined };
}
