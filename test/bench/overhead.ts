// What the client costs over bare undici: manifests per second and verified download, on one core.
//
//   pnpm build && node test/bench/overhead.ts [rounds, 9] [manifests per round, 5000] [MiB per round, 128]
//
// Each subject is a process of its own, and so is the server. Their rounds take turns, and what counts is how much
// CPU time, that of the system included, a subject needs for a round: this is what a core gives, whoever else is on
// the machine. Figures are medians.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createImage } from "@drayage/testkit";
import { start, type Program } from "./program.ts";
import { judge, median } from "./verdict.ts";
import { digestOfZeros } from "./zeros.ts";

const [rounds = 9, manifests = 5000, mebibytes = 128] = process.argv.slice(2).map(Number);
/** Rounds that do not count, in which the code is compiled. */
const warmup = 4;

const directory = await mkdtemp(join(tmpdir(), "overhead-"));
const { bytes, descriptor } = createImage({ layers: 10 }).document;
const file = join(directory, "manifest.json");
await writeFile(file, bytes);
await using server = start("overhead-server.ts", [file, mebibytes]);
const host = `127.0.0.1:${await server.line()}`;
const blob = digestOfZeros(mebibytes);

console.log(`a manifest of ${bytes.byteLength} bytes, a blob of ${mebibytes} MiB, ${rounds} rounds each`);
const manifestRatio = await compare("manifests", manifests, "requests/s");
const downloadRatio = await compare("download", mebibytes, "MiB/s");
judge("manifests, client / undici", manifestRatio, { least: 0.75 });
judge("download, client / undici", downloadRatio, { least: 0.85 });
await rm(directory, { recursive: true });

/** How much of what undici does the client does in the same CPU time. */
async function compare(what: "manifests" | "download", work: number, unit: string): Promise<number> {
  const args = [host, work, descriptor.digest, blob];
  await using bare = start("overhead-subject.ts", [`${what}, undici`, ...args]);
  await using ours = start("overhead-subject.ts", [`${what}, client`, ...args]);
  const costs = { bare: new Array<Cost>(), ours: new Array<Cost>() };
  for (let round = -warmup; round < rounds; round++) {
    const [bareCost, ourCost] = [await costOf(bare), await costOf(ours)];
    if (round < 0) continue;
    costs.bare.push(bareCost);
    costs.ours.push(ourCost);
  }
  const rates = {
    bare: print(`${what}, undici`, costs.bare, { work, unit }),
    ours: print(`${what}, client`, costs.ours, { work, unit }),
  };
  return rates.ours / rates.bare;
}

/** Of one round, in seconds. */
interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

async function costOf(subject: Program): Promise<Cost> {
  subject.tell();
  const [cpu = Number.NaN, wall = Number.NaN] = (await subject.line()).split(" ").map(Number);
  return { cpu, wall };
}

function print(
  name: string,
  costs: readonly Cost[],
  { work, unit }: { readonly work: number; readonly unit: string },
): number {
  const rate = work / median(costs.map(({ cpu }) => cpu));
  const elapsed = work / median(costs.map(({ wall }) => wall));
  const all = costs.map(({ cpu }) => (cpu * 1000).toFixed(0)).join(" ");
  console.log(
    `${name.padEnd(17)} ${rate.toFixed(0).padStart(6)} ${unit} of CPU time, ` +
      `${elapsed.toFixed(0).padStart(6)} by the clock; ms of CPU: ${all}`,
  );
  return rate;
}
