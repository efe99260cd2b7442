import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "./workspace.ts";

describe("sum.mjs", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "drayage-sum-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const passing = { status: "passed", assertionResults: [{ status: "passed" }, { status: "passed" }] };
  const failing = { status: "failed", assertionResults: [{ status: "passed" }, { status: "failed" }] };
  const broken = { status: "failed", assertionResults: [] };

  test.each([
    [
      "adds up reports",
      [
        [2, 0, [passing]],
        [1, 1, [failing]],
      ],
      "3 passed, 1 failed\n",
      1,
    ],
    ["is content when nothing failed", [[2, 0, [passing]]], "2 passed, 0 failed\n", 0],
    ["counts a file that broke before its tests", [[2, 0, [passing, broken]]], "2 passed, 1 failed\n", 1],
  ] as const)("%s", (_, reports, stdout, status) => {
    for (const [index, [numPassedTests, numFailedTests, testResults]] of reports.entries()) {
      const report = { numPassedTests, numFailedTests, testResults };
      writeFileSync(join(directory, `${index}.json`), JSON.stringify(report));
    }
    expect(node(".ci/sum.mjs", directory)).toMatchObject({ stdout, status });
  });
});

describe("node-floor.mjs", () => {
  test.each([
    ["20.20.2", 1],
    ["22.18.0", 1],
    ["22.19.0", 0],
    ["26.10.0", 0],
  ])("on Node %s ends with status %d", (version, status) => {
    const pretend = `Object.defineProperty(process, "versions", { value: { node: "${version}" } })`;
    const run = node("--import", `data:text/javascript,${encodeURIComponent(pretend)}`, ".ci/node-floor.mjs");
    expect(run.status).toBe(status);
    expect(run.stderr.includes(`this is ${version}`)).toBe(status === 1);
  });
});

function node(...args: readonly string[]): {
  readonly status: number | null;
  stdout: string;
  stderr: string;
} {
  return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
}
