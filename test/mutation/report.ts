// What the tests caught of the faults that were seeded into the sources; `pnpm run mutate` calls it.
//
// Prints caught/seeded per file and every fault that survived, and fails below 85 % or if `equivalent.json`, which
// names the changes that make no difference and says why, names one that no longer survives.
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

interface Equivalent extends Pick<Mutant, "file" | "code" | "from" | "to"> {
  readonly reason: string;
}

const mutants = parseReport(read("report/mutation.json"));
const equivalents = parseEquivalents(read("equivalent.json"));
const isEquivalent = (mutant: Mutant): boolean => equivalents.some((one) => isSame(one, mutant));
const seeded = mutants.filter((mutant) => mutant.isCaught || !isEquivalent(mutant));
const survivors = seeded.filter(({ isCaught }) => !isCaught);

for (const { file, line, code, from, to } of survivors) {
  console.log(`${file}:${line}  ${code}\n    ${from}\n    ${to}`);
}
for (const [file, of] of Map.groupBy(seeded, ({ file }) => file)) row(file, of);
row("all", seeded);
const stale = equivalents.filter((one) => !mutants.some((mutant) => !mutant.isCaught && isSame(one, mutant)));
for (const { file, code } of stale) console.log(`equivalent.json: no such survivor: ${file}: ${code}`);
const isGood = ratio(seeded) >= least && stale.length === 0;
process.exitCode = isGood ? 0 : 1;

function row(name: string, of: readonly Mutant[]): void {
  const count = `${of.filter(({ isCaught }) => isCaught).length}/${of.length}`;
  console.log(`${name.padEnd(50)} ${count.padStart(9)} ${(ratio(of) * 100).toFixed(1).padStart(6)} %`);
}

function ratio(of: readonly Mutant[]): number {
  return of.filter(({ isCaught }) => isCaught).length / of.length;
}

function isSame(one: Equivalent, { file, code, from, to }: Mutant): boolean {
  return one.file === file && one.code === code && one.from === from && one.to === to;
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

function parseEquivalents(value: unknown): readonly Equivalent[] {
  return listOf(value).map((entry) => {
    const { file, code, from, to, reason } = objectOf(entry);
    return {
      file: textOf(file),
      code: textOf(code),
      from: textOf(from),
      to: textOf(to),
      reason: textOf(reason),
    };
  });
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
