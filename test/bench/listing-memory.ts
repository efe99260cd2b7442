// Peak memory of a process that lists the tags of a repository; the registry is another process.
//
//   pnpm build && node test/bench/listing-memory.ts [tags of the long list, 1000000] [runs, 3]
//
// A long list and one of 10,000 tags take turns, each in a process of its own. Figures are medians.
import { inOneGo, path, peakOf } from "./peak.ts";
import { start } from "./program.ts";
import { judge, median } from "./verdict.ts";

const [long = 1_000_000, runs = 3] = process.argv.slice(2).map(Number);
const short = 10_000;

await using server = start("list-server.ts");
const host = `127.0.0.1:${await server.line()}`;
const peaks = new Map<number, number[]>([
  [short, []],
  [long, []],
]);
for (let run = 0; run < runs; run++) {
  for (const [count, all] of peaks) {
    all.push(await peakOf([inOneGo, path("list-tags.ts"), `${host}/${count}`]));
  }
}
for (const [count, all] of peaks) {
  const figures = all.map(Math.round).join(", ");
  console.log(`${String(count).padStart(8)} tags ${median(all).toFixed(0).padStart(5)} MiB  of ${figures}`);
}
judge("listing, long / short", median(peaks.get(long) ?? []) / median(peaks.get(short) ?? []), { most: 1.2 });
