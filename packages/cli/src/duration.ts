import { OciError } from "@drayage/oci";

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The milliseconds that `90s`, `15m`, `24h` or `7d` stands for. @throws OciError OPTION_INVALID */
export function parseDuration(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  for (const [name, milliseconds] of Object.entries(units)) {
    if (name === unit) return Number(digits) * milliseconds;
  }
  throw new OciError("OPTION_INVALID", `--${option} needs a time such as 90s, 15m, 24h or 7d, not "${text}"`);
}
