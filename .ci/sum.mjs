// node .ci/sum.mjs DIRECTORY: adds up the vitest JSON reports in it; fails if a test did.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { countReport, formatCount, sumCounts } from "./count.mjs";

const [directory] = process.argv.slice(2);
const reports = readdirSync(directory).filter((name) => name.endsWith(".json"));
const total = sumCounts(reports.map((name) => countReport(join(directory, name))));
console.log(formatCount(total));
process.exitCode = total.failed > 0 ? 1 : 0;
