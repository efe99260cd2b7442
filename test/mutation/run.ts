// Seeds faults, runs the tests on them, and reports; arguments are Stryker's. See CONTRIBUTING.md.
import { spawnSync } from "node:child_process";

const here = new URL(".", import.meta.url).pathname;
const stryker = `${here}node_modules/@stryker-mutator/core/bin/stryker.js`;

for (const args of [
  [stryker, "run", `${here}stryker.config.json`, ...process.argv.slice(2)],
  ["--conditions=@drayage/source", `${here}report.ts`],
]) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}
