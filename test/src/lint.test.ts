import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseObject, readJson, root } from "./workspace.ts";

// Outside of the repository, so that the linter's own run never meets them.
const directory = mkdtempSync(join(tmpdir(), "drayage-lint-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const work = "export async function work(): Promise<boolean> {\n  return await Promise.resolve(true);\n}\n";

test.each([
  ["no-floating-promises", `${work}work();\n`],
  ["no-misused-promises", `${work}if (work()) throw new Error("always");\n`],
  ["no-misused-promises", `${work}[1].forEach(async () => {\n  await work();\n});\n`],
  ["await-thenable", `${work}await 1;\n`],
  ["no-explicit-any", "export const a: any = 1;\n"],
  ["no-non-null-assertion", "export const a = (b: string | undefined): string => b!;\n"],
])("typescript(%s) refuses %j", (rule, text) => {
  const { status, rules } = lint(text);
  expect(rules).toContain(`typescript(${rule})`);
  expect(status).toBe(1);
});

test("a promise that is awaited is not refused", () => {
  expect(lint(`${work}if (await work()) await work();\n`)).toEqual({ status: 0, rules: [] });
});

/** What `pnpm lint` says to a file of its own, with the repository's configuration. */
function lint(text: string): { readonly status: number | null; readonly rules: readonly string[] } {
  const file = join(directory, "example.ts");
  writeFileSync(file, text);
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const run = spawnSync(process.execPath, [oxlint, ...lintFlags(), "--format=unix", file], {
    cwd: root,
    encoding: "utf8",
  });
  return {
    status: run.status,
    rules: [...run.stdout.matchAll(/\/(\S+)\]$/gm)].map(([, rule]) => rule ?? ""),
  };
}

/** The flags of oxlint in the script `lint`. */
function lintFlags(): readonly string[] {
  const { lint: script } = parseObject(readJson(join(root, "package.json"))["scripts"]);
  const [command, ...flags] = (String(script).split(" && ")[0] ?? "").split(" ");
  expect(command).toBe("oxlint");
  return flags;
}
