import { OciError } from "./errors.ts";

/** Part of a blob, in bytes: from `start` to `end`, both included, to the last byte without `end`; or the last `suffix` bytes. */
export type Range =
  | { readonly start: number; readonly end?: number | undefined }
  | { readonly suffix: number };

/**
 * The bytes that `range` means in content of `size` bytes, both ends included.
 *
 * @throws OciError RANGE_INVALID if there are none
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
 */
export function resolveRange(range: Range, size: number): { readonly start: number; readonly end: number } {
  const start = "suffix" in range ? Math.max(size - range.suffix, 0) : range.start;
  const end = "suffix" in range ? size - 1 : Math.min(range.end ?? size - 1, size - 1);
  const isWhole = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0;
  if (!isWhole || start > end)
    throw new OciError("RANGE_INVALID", `no such range in ${size} bytes`, { detail: { size } });
  return { start, end };
}
