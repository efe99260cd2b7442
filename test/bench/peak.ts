import { spawn } from "node:child_process";
import { once } from "node:events";

/** Where a script of this folder, or one beside it, is. */
export function path(file: string): string {
  return new URL(file, import.meta.url).pathname;
}

/** The largest resident set, in MiB, of a process of its own that runs a script; `args` are Node's, then the script's. */
export async function peakOf(args: readonly (string | number)[]): Promise<number> {
  const child = spawn(process.execPath, ["--import", path("print-peak.ts"), ...args.map(String)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (text: Buffer) => (output += text.toString()));
  await once(child, "close");
  if (child.exitCode !== 0)
    throw new Error(`${args.join(" ")} ended with ${String(child.exitCode)}: ${output}`);
  return Number(output.trimEnd().split("\n").at(-1)) / 1024;
}

/**
 * Lets V8 collect garbage in one go when its limit is reached. It does so by and by otherwise, and a program that goes
 * on meanwhile gets the further beyond the limit the busier the machine is.
 */
export const inOneGo = "--no-incremental-marking";
