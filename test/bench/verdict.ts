// What the benchmarks of this folder say in the end.

/** The middle one of `values`; of an even number, the upper one of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export interface Bound {
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** Prints whether `value` is within its bound; if it is not, the process ends with status 1. */
export function judge(what: string, value: number, { least = -Infinity, most = Infinity }: Bound): void {
  const holds = value >= least && value <= most;
  if (!holds) process.exitCode = 1;
  const bound = least === -Infinity ? `at most ${most}` : `at least ${least}`;
  console.log(`${what.padEnd(28)} ${value.toFixed(2)}, ${bound}: ${holds ? "holds" : "DOES NOT HOLD"}`);
}
