// What a test registry costs the tests of others: a process that imports it, starts it and ends it, beside one that
// does nothing.
//
//   pnpm build && node test/bench/start.ts [rounds, 25]
//
// The processes take turns, and the figures are medians: of the clock, and of the CPU time, which is what a process
// takes of a machine that does other things too.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { judge, median } from "./verdict.ts";

const [rounds = 25] = process.argv.slice(2).map(Number);
const entry = JSON.stringify(import.meta.resolve("@drayage/registry/test"));
const tell = 'process.on("exit", () => console.log(process.cpuUsage().user + process.cpuUsage().system));';

/** Programs by what they do, each of which prints its CPU time in the end. */
const programs = {
  nothing: [],
  "start and end": [
    `import { createTestRegistry } from ${entry};`,
    "const registry = await createTestRegistry();",
    "await registry.close();",
  ],
  "start, ask and end": [
    `import { createTestRegistry } from ${entry};`,
    "const registry = await createTestRegistry();",
    'await (await registry.registry()).repository("a").headManifest("v1");',
    "await registry.close();",
  ],
} as const;

/** Of one process, in milliseconds. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

const costs = Object.entries(programs).map(([name, lines]) => ({
  name,
  args:
    lines.length === 0
      ? ["-e", `${tell} 0`]
      : ["--input-type=module", "-e", [lines[0], tell, ...lines.slice(1)].join("\n")],
  all: new Array<Cost>(),
}));

for (let round = 0; round < rounds; round++) {
  for (const { args, all } of costs) all.push(await costOf(args));
}

for (const { name, all } of costs) {
  const [wall, cpu] = [medianOf(all, "wall"), medianOf(all, "cpu")];
  console.log(`${name.padEnd(20)} ${wall.toFixed(1).padStart(6)} ms, CPU ${cpu.toFixed(1).padStart(6)} ms`);
}
const [nothing = [], started = []] = costs.map(({ all }) => all);
for (const kind of ["wall", "cpu"] as const) {
  judge(`${kind}, test registry / nothing`, medianOf(started, kind) / medianOf(nothing, kind), { most: 3 });
}

async function costOf(args: readonly string[]): Promise<Cost> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [printed] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { wall: performance.now() - begun, cpu: Number(printed) / 1000 };
}

function medianOf(all: readonly Cost[], kind: keyof Cost): number {
  return median(all.map((cost) => cost[kind]));
}
