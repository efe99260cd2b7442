// node .ci/nodes.mjs [DIRECTORY]: runs the unit and contract tests under every supported Node line, leaving vitest's
// JSON reports in DIRECTORY. The lines are this folder's dependencies. Each Node is started by its absolute path and
// vitest's workers inherit it; PATH would find the pinned one instead.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { countReport, formatCount } from "./count.mjs";

/** What must hold on every Node; programs of others and of ours meet on the pinned one, in `npm test`. */
const projects = ["--project=unit", "--project=contract"];

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const directory = process.argv[2] ?? mkdtempSync(join(tmpdir(), "drayage-nodes-"));
const manifest = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const lines = Object.keys(manifest.optionalDependencies).filter((name) => name.startsWith("node-"));

const failed = lines.filter((line) => !runLine(line));
process.exitCode = failed.length > 0 ? 1 : 0;

function runLine(line) {
  const node = join(here, "node_modules", line, "bin", "node");
  if (!existsSync(node)) {
    console.error(`${line}: there is no binary for ${process.platform}-${process.arch}`);
    return false;
  }
  const report = join(directory, `${line}.json`);
  const run = spawnSync(node, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...projects], {
    cwd: root,
    env: { ...process.env, TEST_REPORT: report },
    stdio: "inherit",
  });
  const counted = existsSync(report) ? formatCount(countReport(report)) : "no report";
  console.log(`${line}: ${counted}, exit status ${run.status ?? run.signal}\n`);
  return run.status === 0 && existsSync(report);
}
