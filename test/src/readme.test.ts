import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { root } from "./workspace.ts";

const run = promisify(execFile);

/** The packages whose examples need nobody else. */
const folders = ["oci", "layout", "registry", "registry-auth", "copy", "cleanup", "testkit"];

describe.each(folders)("the readme of %s", (folder) => {
  const directory = join(root, "packages", folder);
  const readme = readFileSync(join(directory, "README.md"), "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, code = ""]) => code)
    .filter((code) => code.includes("console.log"));

  it("has examples", () => {
    expect(examples).not.toEqual([]);
  });

  it.concurrent.each(examples)("prints what it says it prints: %#", async (code) => {
    const said = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text = ""]) => text);
    const program = ["--conditions=@drayage/source", "--input-type=module-typescript", "--eval", code];
    const { stdout } = await run(process.execPath, program, { cwd: directory });
    expect(said).not.toEqual([]);
    expect(stdout.trimEnd().split("\n")).toEqual(said);
  });
});
