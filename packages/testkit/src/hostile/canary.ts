import { inspect } from "node:util";
import type { LedgerEntry } from "../scripted/registry.ts";

/** A secret that was given to a client, and the origins that it was given for. */
export interface Canary {
  readonly secret: string;
  readonly origins: readonly string[];
}

/** Where a secret could have gone. */
export interface Whereabouts {
  readonly ledger: readonly LedgerEntry[];
  /** Whatever the client let out: errors, events, logs, itself. */
  readonly values?: readonly unknown[] | undefined;
}

/**
 * Where a secret is that should not be there, in words; nothing if all is well.
 *
 * It is found as it is, in base64 and percent-encoded, in the headers, URLs and bodies that origins received that it
 * is not for, and anywhere in `values`, the causes of errors and what `util.inspect` shows included.
 *
 * @example expect(leaksOf([{ secret: "hunter2", origins: ["registry.test"] }], { ledger, values: [error] })).toEqual([])
 */
export function leaksOf(
  canaries: readonly Canary[],
  { ledger, values = [] }: Whereabouts,
): readonly string[] {
  const shown = values.map(textOf);
  return canaries.flatMap(({ secret, origins }) => [
    ...ledger
      .filter((entry) => !origins.includes(entry.origin) && holds(requestText(entry), secret))
      .map(({ origin, method, url }) => `${method} ${url} gave the secret to ${origin}`),
    ...shown.filter((text) => holds(text, secret)).map((text) => `shown in ${text.slice(0, 200)}`),
  ]);
}

function requestText({ url, headers, body }: LedgerEntry): string {
  return `${url}\n${JSON.stringify(headers)}\n${Buffer.from(body.subarray(0, 64 * 1024)).toString("latin1")}`;
}

/** All that `value` shows of itself by any usual way of printing it. */
function textOf(value: unknown): string {
  const stack = value instanceof Error ? (value.stack ?? "") : "";
  return [
    inspect(value, { depth: 16, showHidden: true, maxStringLength: 65_536 }),
    stack,
    jsonOf(value),
  ].join("\n");
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return ""; // a circle, which `inspect` has shown
  }
}

function holds(text: string, secret: string): boolean {
  if (text.includes(secret) || text.includes(encodeURIComponent(secret))) return true;
  const encoded = text.match(/[A-Za-z0-9+/_-]{8,}={0,2}/g) ?? [];
  return encoded.some((run) => Buffer.from(run, "base64").toString("latin1").includes(secret));
}
