import { OciError } from "@drayage/oci";

/** The least that S3 takes for a part with others behind it, in bytes. */
export const leastPart: number = 5 * 1024 * 1024;
const mostParts = 10_000;

export interface PartOptions {
  /** Of the first thousand parts, in bytes. */
  readonly size: number;
  /** Every part but the last has the same size. */
  readonly areEqual: boolean;
}

/** How large part `number` is. @throws OciError LIMIT_EXCEEDED */
export function sizeOfPart(number: number, { size, areEqual }: PartOptions): number {
  if (number > mostParts) throw new OciError("LIMIT_EXCEEDED", "a blob with more parts than S3 has room for");
  if (areEqual || number <= 1000) return size;
  return number <= 2000 ? 2 * size : 8 * size;
}
