// Wall time of `drayage copy` and of `skopeo copy` between two distribution registries, which are other processes.
//
//   pnpm build && node test/bench/copy-speed.ts [runs, 5] [case]...
//
// Both commands are started anew for each run, and what it takes to start them counts. They take turns; each copy but
// that of an unchanged image goes to a registry that is empty and that neither has ever seen. Figures are medians.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createClient } from "@drayage/client";
import { createImage, createIndex, pushImage, type Fixture } from "@drayage/testkit";
import { startDistribution } from "../src/distribution.ts";
import { path } from "./peak.ts";
import { start } from "./program.ts";
import { judge, median } from "./verdict.ts";

const run = promisify(execFile);
const mebibyte = 1024 * 1024;
const [count = "5", ...wanted] = process.argv.slice(2);
const runs = Number(count);

interface Case {
  readonly content: () => Fixture;
  /** Added to every request, in milliseconds. */
  readonly delay: number;
  /** Whether the target has it already. */
  readonly isThere: boolean;
  /** How long it may take us at the most, in terms of skopeo. */
  readonly most: number;
}

const cases: Readonly<Record<string, Case>> = {
  large: { content: () => imageOf(4, 256 * mebibyte), delay: 0, isThere: false, most: 0.9 },
  many: { content: () => imageOf(100, 20_000), delay: 0, isThere: false, most: 0.6 },
  far: { content: () => imageOf(20, 200_000), delay: 50, isThere: false, most: 0.4 },
  unchanged: { content: fivePlatforms, delay: 50, isThere: true, most: 0.3 },
};

const subjects = { drayage, skopeo };

await using source = await startDistribution();
await using client = createClient();

for (const [name, { content, ...circumstances }] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await pushImage(client.repository(`${source.host}/${name}`), content(), { tags: ["v1"] });
  const times = { drayage: new Array<number>(), skopeo: new Array<number>() };
  // The first of each does not count: what is read from the disk then is in memory later.
  for (let round = 0; round <= runs; round++) {
    for (const subject of ["drayage", "skopeo"] as const) {
      const seconds = await measure(subjects[subject], name, circumstances);
      if (round > 0) times[subject].push(seconds);
    }
  }
  for (const [subject, seconds] of Object.entries(times)) {
    const all = seconds.map((value) => value.toFixed(2)).join(", ");
    console.log(
      `${name.padEnd(10)} ${subject.padEnd(8)} ${median(seconds).toFixed(2).padStart(6)} s  of ${all}`,
    );
  }
  judge(`${name}, drayage / skopeo`, median(times.drayage) / median(times.skopeo), cases[name] ?? {});
}

type Subject = (from: string, to: string) => Promise<unknown>;

/** How long one copy of `name:v1` takes, in seconds. */
async function measure(
  subject: Subject,
  name: string,
  { delay, isThere }: Pick<Case, "delay" | "isThere">,
): Promise<number> {
  await using target = await startDistribution();
  if (isThere) await drayage(`${source.host}/${name}:v1`, `${target.host}/copy:v1`);
  await using way = start("delaying-proxy.ts", [delay, source.host, target.host]);
  const [from, to] = delay === 0 ? [source.host, target.host] : [await way.line(), await way.line()];
  const began = performance.now();
  await subject(`${from}/${name}:v1`, `${to}/copy:v1`);
  return (performance.now() - began) / 1000;
}

function drayage(from: string, to: string): Promise<unknown> {
  return run(process.execPath, [path("../../packages/cli/bin/drayage.js"), "copy", "--quiet", from, to]);
}

function skopeo(from: string, to: string): Promise<unknown> {
  const options = ["--all", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"];
  const args = ["--insecure-policy", "copy", ...options, `docker://${from}`, `docker://${to}`];
  return run("/usr/bin/skopeo", args, { env: { PATH: process.env["PATH"] } });
}

function imageOf(layers: number, size: number): Fixture {
  return createImage({ layers: Array.from({ length: layers }, (_, seed) => ({ size, seed })) });
}

function fivePlatforms(): Fixture {
  const platforms = ["linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le", "linux/riscv64"];
  return createIndex({
    manifests: platforms.map((platform, seed) => createImage({ platform, seed, layers: 5 })),
  });
}
