// Peak memory of a process that copies one image between two distribution registries, which are other processes.
//
//   pnpm build && node test/bench/copy-memory.ts [MiB of the large blob, 4096] [runs, 3]
//
// Three subjects, one process each, interleaved: a copy of a small and of a large blob, and the same large blob
// moved by nothing but undici and a hash. The figures are medians of the largest resident set the system saw.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createClient } from "@drayage/client";
import { createImage, pushImage, type FixtureImage } from "@drayage/testkit";
import { startDistribution } from "../src/distribution.ts";

const mebibyte = 1024 * 1024;
const [large = 4096, runs = 3] = process.argv.slice(2).map(Number);
const small = large / 8;

await using source = await startDistribution();
await using target = await startDistribution();
await using client = createClient();

const images = new Map<string, FixtureImage>();
for (const [name, size] of Object.entries({ large, small })) {
  const image = createImage({ layers: [{ size: size * mebibyte, seed: size }] });
  await pushImage(client.repository(`${source.host}/${name}`), image, { tags: ["v1"] });
  images.set(name, image);
}

const subjects = { "copy small": "small", "copy large": "large", "undici large": "large" } as const;
const peaks: Record<keyof typeof subjects, number[]> = {
  "copy small": [],
  "copy large": [],
  "undici large": [],
};
for (let run = 0; run < runs; run++) {
  for (const subject of subjectNames()) peaks[subject].push(await peakOf(subject, `run${run}`));
}

for (const subject of subjectNames()) {
  console.log(
    `${subject.padEnd(14)} ${median(peaks[subject]).toFixed(0).padStart(5)} MiB  of ${peaks[subject].map(Math.round).join(", ")}`,
  );
}
judge("large / small", median(peaks["copy large"]) / median(peaks["copy small"]), 1.1);
judge("copy / undici", median(peaks["copy large"]) / median(peaks["undici large"]), 1.3);

/** The peak in MiB of a process of its own that does what `subject` says, into a repository nobody has seen. */
async function peakOf(subject: keyof typeof subjects, run: string): Promise<number> {
  const name = subjects[subject];
  const [how = "copy"] = subject.split(" ");
  const digest = images.get(name)?.layers[0]?.descriptor.digest ?? "";
  const into = `${subject.replace(" ", "-")}/${run}`;
  const script = new URL("copy-memory-subject.ts", import.meta.url).pathname;
  const args = [script, how, `${source.host}/${name}`, `${target.host}/${into}`, digest];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (text: Buffer) => (output += text.toString()));
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`${subject} ended with ${String(child.exitCode)}`);
  return Number(output) / 1024;
}

function subjectNames(): (keyof typeof subjects)[] {
  return ["copy small", "copy large", "undici large"];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function judge(what: string, ratio: number, most: number): void {
  const holds = ratio <= most;
  if (!holds) process.exitCode = 1;
  console.log(
    `${what.padEnd(14)} ${ratio.toFixed(2)}, at most ${most}: ${holds ? "holds" : "DOES NOT HOLD"}`,
  );
}
