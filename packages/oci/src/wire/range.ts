import { OciError } from "../errors.ts";
import type { Range } from "../range.ts";
import { parseDigits } from "./digits.ts";

/** Bytes that an answer carries, both ends included; of content of `size` bytes where that is known. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly size?: number | undefined;
}

/** What an answer without any bytes says: the content has `size` of them. */
export interface UnsatisfiedRange {
  readonly size: number;
}

/**
 * The part of a blob that a `Range` header asks for; `undefined` if the whole is to be served.
 *
 * That is so without a header, and for what RFC 9110 lets a server ignore: other units, several ranges, anything
 * malformed. Numbers beyond 2^53-1 are `Infinity`, which `resolveRange` cuts to the size.
 *
 * @throws OciError RANGE_INVALID if the range ends before it starts, as the conformance suite expects of `500-0`.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 * @example parseRange("bytes=0-499") // { start: 0, end: 499 }
 */
export function parseRange(header: string | undefined): Range | undefined {
  const [unit, set] = cut(header ?? "", "=");
  if (unit.trim().toLowerCase() !== "bytes") return undefined;
  const [first, last] = cut((set ?? "").trim(), "-");
  const start = parseDigits(first);
  const end = parseDigits(last ?? "");
  if (first === "" && end !== undefined) return { suffix: end };
  if (start === undefined || last === undefined) return undefined;
  if (last === "") return { start };
  if (end === undefined) return undefined;
  if (end < start) throw new OciError("RANGE_INVALID", `a range that ends before it starts: ${start}-${end}`);
  return { start, end };
}

/**
 * A `Range` header.
 *
 * @throws OciError OPTION_INVALID unless the numbers are whole and in order.
 * @example formatRange({ suffix: 10 }) // "bytes=-10"
 */
export function formatRange(range: Range): string {
  if ("suffix" in range) return `bytes=-${wholeNumber(range.suffix)}`;
  const { start, end } = range;
  return end === undefined ? `bytes=${wholeNumber(start)}-` : `bytes=${inOrder(start, end)}`;
}

/**
 * What the `Content-Range` of an answer says.
 *
 * @throws OciError RESPONSE_INVALID
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.4
 * @example parseContentRange("bytes 0-499/1234") // { start: 0, end: 499, size: 1234 }
 */
export function parseContentRange(header: string): ContentRange | UnsatisfiedRange {
  const [unit, rest] = cut(header.trim(), " ");
  const [part, length] = cut((rest ?? "").trim(), "/");
  const size = parseExact(length ?? "");
  if (unit.toLowerCase() === "bytes") {
    if (part === "*" && size !== undefined) return { size };
    const bounds = parseBounds(part);
    const fits = size === undefined ? length === "*" : bounds !== undefined && bounds.end < size;
    if (bounds !== undefined && fits) return size === undefined ? bounds : { ...bounds, size };
  }
  throw new OciError("RESPONSE_INVALID", `not a Content-Range: "${header.slice(0, 100)}"`);
}

/**
 * A `Content-Range` for status 206, or for 416 when there is nothing but a size.
 *
 * @throws OciError OPTION_INVALID
 * @example formatContentRange({ size: 1234 }) // "bytes *\/1234"
 */
export function formatContentRange(range: ContentRange | UnsatisfiedRange): string {
  const size = range.size === undefined ? "*" : wholeNumber(range.size);
  return "start" in range ? `bytes ${inOrder(range.start, range.end)}/${size}` : `bytes */${size}`;
}

/**
 * Where the chunk of an upload lies, by its `Content-Range`.
 *
 * The distribution-spec writes `0-99`; `bytes 0-99/*` is understood too.
 *
 * @throws OciError BLOB_UPLOAD_INVALID
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks
 */
export function parseChunkRange(header: string): ContentRange {
  const text = header.trim();
  const isHttp = text.slice(0, 6).toLowerCase() === "bytes ";
  const bounds = parseBounds(isHttp ? cut(text.slice(6).trim(), "/")[0] : text);
  if (bounds !== undefined) return bounds;
  throw new OciError("BLOB_UPLOAD_INVALID", `not the range of a chunk: "${text.slice(0, 100)}"`);
}

/**
 * The `Content-Range` of a chunk, as the distribution-spec writes it.
 *
 * @throws OciError OPTION_INVALID
 */
export function formatChunkRange({ start, end }: ContentRange): string {
  return inOrder(start, end);
}

/**
 * How many bytes an upload has by the `Range` of an answer, and so where it goes on; `undefined` without a header.
 *
 * `0-0` is sent for one byte and for none: it counts as none unless a byte was acknowledged before.
 *
 * @param options.acknowledged bytes that earlier answers to this upload have counted
 * @throws OciError RESPONSE_INVALID
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks
 */
export function parseUploadRange(
  header: string | undefined,
  options: { readonly acknowledged?: number | undefined } = {},
): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const bounds = parseBounds(text.startsWith("bytes=") ? text.slice("bytes=".length) : text);
  if (bounds?.start !== 0)
    throw new OciError("RESPONSE_INVALID", `not the range of an upload: "${text.slice(0, 100)}"`);
  return bounds.end === 0 ? Math.min(options.acknowledged ?? 0, 1) : bounds.end + 1;
}

/**
 * The `Range` of an answer about an upload that has `offset` bytes; `0-0` for none, as every registry writes it.
 *
 * @throws OciError OPTION_INVALID
 */
export function formatUploadRange(offset: number): string {
  return inOrder(0, Math.max(offset - 1, 0));
}

/** `a-b` with both ends exact and in order. */
function parseBounds(text: string): ContentRange | undefined {
  const [first, last] = cut(text, "-");
  const start = parseExact(first);
  const end = parseExact(last ?? "");
  return start === undefined || end === undefined || end < start ? undefined : { start, end };
}

function parseExact(text: string): number | undefined {
  const value = parseDigits(text);
  return value === Infinity ? undefined : value;
}

function inOrder(start: number, end: number): string {
  if (end >= start) return `${wholeNumber(start)}-${wholeNumber(end)}`;
  throw new OciError("OPTION_INVALID", `a range that ends before it starts: ${start}-${end}`);
}

function wholeNumber(value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  throw new OciError("OPTION_INVALID", `not a whole number of bytes: ${value}`);
}

/** What stands before and after the first `separator`. */
function cut(text: string, separator: string): readonly [before: string, after?: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
