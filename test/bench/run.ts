// Every benchmark of this folder, one after the other; the process fails if any does not hold.
//
//   pnpm build && node test/bench/run.ts [long]
//
// `long` takes the full sizes, and the better part of an hour of a busy machine.
import { spawnSync } from "node:child_process";

const quick = [
  ["parsers.ts"],
  ["start.ts"],
  ["overhead.ts"],
  ["listing-memory.ts"],
  ["blob-memory.ts", 1024],
  ["copy-memory.ts", 1024, 1],
  ["copy-speed.ts", 5],
  ["plan-cleanup.ts"],
  ["cleanup-inventory.ts", 1000],
] as const;
const long = [
  ["start.ts", 51],
  ["overhead.ts", 25, 10_000, 512],
  ["listing-memory.ts"],
  ["blob-memory.ts", 4096],
  ["copy-memory.ts", 4096],
  ["copy-speed.ts", 15],
  ["plan-cleanup.ts"],
  ["cleanup-inventory.ts", 10_000],
] as const;

for (const [script, ...sizes] of process.argv.includes("long") ? long : quick) {
  console.log(`\n${[script, ...sizes].join(" ")}`);
  const path = new URL(script, import.meta.url).pathname;
  const { status } = spawnSync(process.execPath, [path, ...sizes.map(String)], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
