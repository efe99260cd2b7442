import { isOciError, type OciError } from "@drayage/oci";
import type { Host, Learned } from "../host.ts";

/** How the bytes of a blob are sent: in the closing `PUT`, in one `PATCH` before it, or in as many as it takes. */
export type Way = NonNullable<Learned["upload"]>;

/** The ways to send one blob, from the one with the fewest requests to the one that most registries must take. */
export interface Ways {
  readonly current: Way;
  /**
   * Whether `error` speaks against the current way rather than against the moment, and there is another one.
   *
   * @param start where what failed had begun: whoever gets further has done nothing wrong
   */
  changeAfter(error: OciError, start: number): boolean;
  /** Keeps in mind for the host what it has refused and what it has taken instead. */
  remember(): void;
}

/** How often a way may fail without a reason before it is taken for the reason. */
const patience = 2;

export function createWays({ quirks, learned }: Host, size: number): Ways {
  const { maxPut: known = Number.POSITIVE_INFINITY, chunks } = quirks;
  const { maxPut: shown = Number.POSITIVE_INFINITY, upload = quirks.upload } = learned;
  let current: Way = size > Math.min(known, shown) ? "chunks" : upload;
  let failures = 0;
  let mark = 0;
  let lesson: Partial<Learned> = {};

  const next = (): Way | undefined => {
    const isOneChunk = size <= (quirks.maxChunk ?? size);
    if (current === "put" && isOneChunk) return "patch";
    return current !== "chunks" && chunks === "any" ? "chunks" : undefined;
  };
  const alternativeTo = (error: OciError): Way | undefined => {
    const isTooLarge = error.status === 413;
    if (isTooLarge && current !== "chunks" && chunks === "any") return "chunks";
    const isRefused = isTooLarge || error.status === 405 || error.status === 501;
    return isRefused || (failures >= patience && isUnexplained(error)) ? next() : undefined;
  };

  return {
    get current() {
      return current;
    },
    changeAfter(error, start) {
      failures = start > mark ? 1 : failures + 1;
      mark = Math.max(mark, start);
      const way = alternativeTo(error);
      if (way === undefined) return false;
      if (error.status === 413) lesson = { ...lesson, maxPut: size - 1 };
      else if (error.status !== undefined) lesson = { ...lesson, upload: way };
      current = way;
      failures = 0;
      return true;
    },
    remember: () => void Object.assign(learned, lesson),
  };
}

/** What a registry or a proxy answers, or does, to an upload that it does not take in this way without saying so. */
function isUnexplained(error: OciError): boolean {
  const isLost = isOciError(error, "CONNECTION_FAILED", "TIMEOUT");
  return isLost || isOciError(error, "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "RANGE_INVALID");
}
