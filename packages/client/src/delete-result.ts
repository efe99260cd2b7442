import { OciError, type DeleteResult } from "@drayage/oci";

export interface DeleteAnswer {
  readonly registry: string;
  /** What was to be deleted, in the plural. */
  readonly what: string;
  /** What the registry answers if it never deletes that; some say 404, as if it were done. */
  readonly refusals: readonly (number | string)[];
}

/**
 * What the status of a `DELETE` means.
 *
 * @throws OciError UNSUPPORTED
 */
export function deleteResult(status: number, { registry, what, refusals }: DeleteAnswer): DeleteResult {
  if (refusals.includes(status)) {
    throw new OciError("UNSUPPORTED", `${registry} does not delete ${what}`, { status });
  }
  return status === 404 ? "absent" : "deleted";
}
