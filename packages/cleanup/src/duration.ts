/** Milliseconds in each unit; months and years are left out, since they differ in length. */
const units: ReadonlyMap<string, number> = new Map([
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
]);

/** How many digits a duration may have: ten thousand years in seconds have twelve. */
const digitLimit = 12;

/** The milliseconds that `text` spells, such as `14d`, or `undefined` if it is no duration. */
export function parseDuration(text: string): number | undefined {
  const unit = units.get(text.slice(-1));
  const digits = text.slice(0, -1);
  if (unit === undefined || digits.length > digitLimit || !/^\d+$/.test(digits)) return undefined;
  const duration = Number(digits) * unit;
  return Number.isSafeInteger(duration) ? duration : undefined;
}

/** `milliseconds` as people say it, in the largest unit of which there are two: `3d`, `20h`. */
export function formatAge(milliseconds: number): string {
  for (const [unit, length] of units) {
    if (unit !== "w" && milliseconds >= 2 * length) return `${Math.floor(milliseconds / length)}${unit}`;
  }
  return `${Math.floor(milliseconds / 1000)}s`;
}
