// Peak memory of a process that copies one image between two distribution registries, which are other processes.
//
//   pnpm build && node test/bench/copy-memory.ts [MiB of the large blob, 4096] [runs, 3]
//
// Three subjects, one process each, interleaved: `drayage copy` of a small and of a large blob, and the same large
// blob moved by nothing but undici and a hash. The figures are medians of the largest resident set the system saw.
import { createClient } from "@drayage/client";
import { createImage, pushImage, type FixtureImage } from "@drayage/testkit";
import { startDistribution } from "../src/distribution.ts";
import { path, peakOf } from "./peak.ts";
import { judge, median } from "./verdict.ts";

const mebibyte = 1024 * 1024;
const [large = 4096, runs = 3] = process.argv.slice(2).map(Number);
const small = large / 8;
const command = path("../../packages/cli/dist/bin.js");

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
  for (const subject of subjectNames()) peaks[subject].push(await peakOf(program(subject, `run${run}`)));
}

for (const subject of subjectNames()) {
  console.log(
    `${subject.padEnd(14)} ${median(peaks[subject]).toFixed(0).padStart(5)} MiB  of ${peaks[subject].map(Math.round).join(", ")}`,
  );
}
judge("copy, large / small", median(peaks["copy large"]) / median(peaks["copy small"]), { most: 1.1 });
judge("copy / undici", median(peaks["copy large"]) / median(peaks["undici large"]), { most: 1.3 });

/** What does as `subject` says, into a repository nobody has seen. */
function program(subject: keyof typeof subjects, run: string): readonly string[] {
  const name = subjects[subject];
  const from = `${source.host}/${name}`;
  const into = `${target.host}/${subject.replace(" ", "-")}/${run}`;
  const digest = images.get(name)?.layers[0]?.descriptor.digest ?? "";
  return subject.startsWith("copy")
    ? [command, "copy", `${from}:v1`, `${into}:v1`]
    : [path("move-blob.ts"), from, into, digest];
}

function subjectNames(): (keyof typeof subjects)[] {
  return ["copy small", "copy large", "undici large"];
}
