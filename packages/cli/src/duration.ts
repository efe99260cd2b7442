import { optionError } from "./option-error.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const units = { s: second, m: minute, h: hour, d: 24 * hour } as const;

/** The milliseconds that `90s`, `15m`, `24h` or `7d` stands for. @throws OciError OPTION_INVALID */
export function parseDuration(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  for (const [name, milliseconds] of Object.entries(units)) {
    if (name === unit) return Number(digits) * milliseconds;
  }
  throw optionError(option, `--${option} needs a time such as 90s, 15m, 24h or 7d, not "${text}"`);
}

/** `milliseconds` for people, as precise as they want to know it: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.ceil(milliseconds / second) * second;
  if (whole < minute) return `${whole / second} s`;
  if (whole < hour) return `${Math.floor(whole / minute)} min ${(whole % minute) / second} s`;
  return `${Math.floor(whole / hour)} h ${Math.floor((whole % hour) / minute)} min`;
}
