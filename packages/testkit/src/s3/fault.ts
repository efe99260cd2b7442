import type { S3Operation } from "./exchange.ts";

/** What goes wrong with the requests that match. */
export interface S3Fault {
  /** Any by default. */
  readonly operation?: S3Operation | undefined;
  /** What the key begins with; any by default. */
  readonly prefix?: string | undefined;
  /** Which part an upload of one is about; any by default. What is sent in parallel arrives in any order. */
  readonly part?: number | undefined;
  /** Which of the matching requests, the first being 1; all by default. */
  readonly nth?: number | readonly number[] | undefined;
  /** Answered instead of doing anything, such as `{ status: 503, code: "SlowDown" }`; a status of 200 has an error inside. */
  readonly answer?: { readonly status: number; readonly code: string } | undefined;
  /** The connection is reset when all is done, so that nobody hears of it. */
  readonly loseAnswer?: boolean | undefined;
  /** The connection ends after this many bytes of the answer's body. */
  readonly cutAfter?: number | undefined;
  /** Runs before the request is answered, so that something else can happen first. */
  readonly before?: (() => void | Promise<void>) | undefined;
}

/** The fault whose turn it is, of those that match; counts the request for all of them. */
export type NextFault = (request: FaultyRequest) => S3Fault | undefined;

/** What a fault is chosen by. */
export interface FaultyRequest {
  readonly operation: S3Operation;
  readonly key: string;
  /** `NaN` for a request that is about no part. */
  readonly part: number;
}

export function createFaults(faults: readonly S3Fault[]): NextFault {
  const counts = faults.map(() => 0);
  return (request) => {
    const due = faults.filter((fault, index) => {
      if (!isMeant(request, fault)) return false;
      const { nth } = fault;
      const count = (counts[index] ?? 0) + 1;
      counts[index] = count;
      return nth === undefined || (typeof nth === "number" ? nth === count : nth.includes(count));
    });
    return due[0];
  };
}

function isMeant({ operation, key, part }: FaultyRequest, fault: S3Fault): boolean {
  if (fault.operation !== undefined && fault.operation !== operation) return false;
  if (fault.part !== undefined && fault.part !== part) return false;
  return key.startsWith(fault.prefix ?? "");
}
