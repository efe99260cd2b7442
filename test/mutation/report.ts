// What the tests caught of the faults that were seeded into the sources; `pnpm run mutate` calls it.
//
// Prints every fault that survived, and caught/seeded per file, per area and of all; fails if one of these areas, or
// all, is below 85 %. Changes that make no difference count as faults that survived.
import { readFileSync } from "node:fs";
import { OciError, parseJson, parseObject, type JsonObject } from "@drayage/oci";

const least = 0.85;

interface Mutant {
  readonly file: string;
  readonly line: number;
  /** The line of the source. */
  readonly code: string;
  /** What the changed part was, and what it became. */
  readonly from: string;
  readonly to: string;
  readonly isCaught: boolean;
}

const mutants = parseReport(read("report/mutation.json"));
const areas = [...Map.groupBy(mutants, ({ file }) => areaOf(file)), ["all", mutants] as const];

for (const { file, line, code, from, to } of mutants.filter(({ isCaught }) => !isCaught)) {
  console.log(`${file}:${line}  ${code}\n    ${from}\n    ${to}`);
}
for (const [file, of] of Map.groupBy(mutants, ({ file }) => file)) row(file, of);
for (const [area, of] of areas) row(area, of);
process.exitCode = areas.every(([, of]) => ratio(of) >= least) ? 0 : 1;

/** The folder of what proves who we are; elsewhere each file is one. */
function areaOf(path: string): string {
  return path.includes("/auth/") ? "auth" : path.slice(path.lastIndexOf("/") + 1, -".ts".length);
}

function row(name: string, of: readonly Mutant[]): void {
  const count = `${of.filter(({ isCaught }) => isCaught).length}/${of.length}`;
  console.log(`${name.padEnd(50)} ${count.padStart(9)} ${(ratio(of) * 100).toFixed(1).padStart(6)} %`);
}

function ratio(of: readonly Mutant[]): number {
  return of.filter(({ isCaught }) => isCaught).length / of.length;
}

function read(file: string): unknown {
  return parseJson(readFileSync(new URL(file, import.meta.url)), "OPTION_INVALID");
}

/** @see https://github.com/stryker-mutator/mutation-testing-elements/tree/master/packages/report-schema */
function parseReport(report: unknown): readonly Mutant[] {
  return Object.entries(objectOf(objectOf(report)["files"])).flatMap(([file, value]) => {
    const { source, mutants: list } = objectOf(value);
    const lines = textOf(source).split("\n");
    return listOf(list).flatMap((entry) => parseMutant(entry, file, lines) ?? []);
  });
}

function parseMutant(value: unknown, file: string, lines: readonly string[]): Mutant | undefined {
  const { status, replacement, location } = objectOf(value);
  if (status === "Ignored") return undefined;
  const { start, end } = objectOf(location);
  const [from, to] = [positionOf(start), positionOf(end)];
  const code = lines[from.line - 1] ?? "";
  const last = from.line === to.line ? to.column - 1 : code.length;
  return {
    file,
    line: from.line,
    code: code.trim(),
    from: code.slice(from.column - 1, last),
    to: textOf(replacement).replaceAll(/\s+/g, " "),
    isCaught: status === "Killed" || status === "Timeout",
  };
}

function positionOf(value: unknown): { readonly line: number; readonly column: number } {
  const { line, column } = objectOf(value);
  return { line: Number(line), column: Number(column) };
}

function objectOf(value: unknown): JsonObject {
  return parseObject(value) ?? refuse("not an object");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : refuse("not a list");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : refuse("not text");
}

function refuse(problem: string): never {
  throw new OciError("OPTION_INVALID", problem);
}
