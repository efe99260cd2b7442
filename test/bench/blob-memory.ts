// Peak memory of a process that downloads or uploads one blob; the registry is another process.
//
//   pnpm build && node test/bench/blob-memory.ts [MiB of the large blob, 4096] [runs, 3]
//
// A large blob and one of an eighth take turns, both ways, each in a process of its own. Figures are medians.
import { inOneGo, path, peakOf } from "./peak.ts";
import { start } from "./program.ts";
import { judge, median } from "./verdict.ts";
import { digestOfZeros } from "./zeros.ts";

const [large = 4096, runs = 3] = process.argv.slice(2).map(Number);
const sizes = [large / 8, large].map((size) => ({ size, digest: digestOfZeros(size) }));

await using server = start("blob-server.ts");
const host = `127.0.0.1:${await server.line()}`;
for (const way of ["download", "upload"]) {
  const [small = Number.NaN, whole = Number.NaN] = await measure(way);
  judge(`${way}, large / small`, whole / small, { most: 1.1 });
}

/** The peak for each size. */
async function measure(way: string): Promise<readonly number[]> {
  const subjects = sizes.map(({ size, digest }) => ({ size, digest, peaks: new Array<number>() }));
  for (let run = 0; run < runs; run++) {
    for (const { size, digest, peaks } of subjects) {
      peaks.push(await peakOf([inOneGo, path("move-zeros.ts"), way, host, size, digest]));
    }
  }
  return subjects.map(({ size, peaks }) => {
    const [peak, all] = [median(peaks), peaks.map(Math.round).join(", ")];
    console.log(
      `${way.padEnd(8)} ${String(size).padStart(5)} MiB: ${peak.toFixed(0).padStart(4)} MiB  of ${all}`,
    );
    return peak;
  });
}
