/** Part of a blob, in bytes: from `start` to `end`, both included, to the last byte without `end`; or the last `suffix` bytes. */
export type Range =
  | { readonly start: number; readonly end?: number | undefined }
  | { readonly suffix: number };
