import { parseDigits } from "./digits.ts";

const longest = 3_600_000;

/**
 * Milliseconds from now that a `Retry-After` header asks for, in either of its forms; at most an hour.
 *
 * @param options.now what a date is counted from, in milliseconds since 1970
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @example parseRetryAfter("120") // 120000
 */
export function parseRetryAfter(
  header: string | undefined,
  { now = Date.now }: { readonly now?: (() => number) | undefined } = {},
): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const seconds = parseDigits(text);
  const wanted = seconds === undefined ? Date.parse(text) - now() : seconds * 1000;
  return Number.isNaN(wanted) ? undefined : Math.min(Math.max(wanted, 0), longest);
}

/**
 * A `Retry-After` header, in whole seconds that are not too few.
 *
 * @example formatRetryAfter(1500) // "2"
 */
export function formatRetryAfter(milliseconds: number): string {
  return String(Math.ceil(Math.max(milliseconds, 0) / 1000));
}
