import { readFileSync } from "node:fs";

/** How many tests passed and failed by a vitest JSON report; a file that did not get as far as its tests is one failure. */
export function countReport(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((result) => result.status === "failed"),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
}

/** The sum of several counts. */
export function sumCounts(counts) {
  return counts.reduce(
    (sum, { passed, failed }) => ({ passed: sum.passed + passed, failed: sum.failed + failed }),
    { passed: 0, failed: 0 },
  );
}

export function formatCount({ passed, failed }) {
  return `${passed} passed, ${failed} failed`;
}
