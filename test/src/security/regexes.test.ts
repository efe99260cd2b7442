import { checkSync } from "recheck";
import { describe, expect, it } from "vitest";
import { findingsOf } from "../syntax.ts";
import { isTest, sourceFiles, workspacePackages } from "../workspace.ts";

/** The regular expressions that are shipped, each with the first place where it stands. */
function regexesOf(folder: string): ReadonlyMap<string, string> {
  const shipped = sourceFiles(folder).filter(({ path }) => !isTest(path));
  const found = shipped.flatMap(findingsOf).filter(({ kind }) => kind === "regex");
  return new Map(found.toReversed().map(({ value, path, line }) => [value, `${path}:${line}`]));
}

/** Why text could be made for it that takes longer than in proportion to its length; `undefined` if it cannot. */
function problemOf(regex: string): string | undefined {
  const end = regex.lastIndexOf("/");
  const result = checkSync(regex.slice(1, end), regex.slice(end + 1), { timeout: 20_000 });
  if (result.status === "safe") return undefined;
  return result.status === "vulnerable" ? result.complexity.summary : result.error.kind;
}

// Its native engines are not installed.
process.env["RECHECK_BACKEND"] = "pure";

describe("C23 ReDoS", () => {
  const packages = workspacePackages().map(({ folder }) => [folder, regexesOf(folder)] as const);

  it.each(packages.filter(([, regexes]) => regexes.size > 0))(
    "no regular expression of %s takes longer than linear time",
    (_folder, regexes) => {
      const problems = [...regexes].flatMap(([regex, place]) => {
        const problem = problemOf(regex);
        return problem === undefined ? [] : [`${place}: ${regex}: ${problem}`];
      });
      expect(problems).toEqual([]);
    },
  );

  it.each([
    ["/^(a+)+$/", "exponential"],
    [String.raw`/\s+$/`, "2nd degree polynomial"],
  ])("%s would be found: %s", (regex, problem) => {
    expect(problemOf(regex)).toBe(problem);
  });

  it("expressions were found to look at", () => {
    expect(packages.flatMap(([, regexes]) => [...regexes]).length).toBeGreaterThan(50);
  });
});
