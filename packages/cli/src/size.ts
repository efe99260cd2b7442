const units = ["kB", "MB", "GB", "TB"] as const;

/** `bytes` for people, in powers of a thousand: `1.5 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes / 1000;
  let power = 0;
  // What would be rounded to 1000.0 is one of the next unit.
  while (value >= 999.95 && power < units.length - 1) {
    value /= 1000;
    power++;
  }
  return `${value.toFixed(1)} ${units[power] ?? ""}`;
}
