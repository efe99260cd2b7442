import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { describe, expect, it } from "vitest";
import { useMachine } from "../fixture/machine.ts";
import { findProgram } from "./program.ts";

describe("findProgram", () => {
  it("finds the first executable file in PATH", async () => {
    const machine = await useMachine();
    await mkdir(machine.path("1/tool"), { recursive: true });
    await machine.write("2/tool", "not executable");
    await chmod(await machine.write("3/tool", "#!/bin/sh"), 0o755);
    await symlink(machine.path("3"), machine.path("4"));
    const directories = ["missing", "1", "2", "4", "3"].map((name) => machine.path(name));
    expect(await findProgram("tool", { PATH: directories.join(":") })).toBe(machine.path("4/tool"));
  });

  it("runs nothing that was planted in the current directory (CVE-2025-15558)", async () => {
    const machine = await useMachine();
    await writeFile(machine.path("tool"), "#!/bin/sh", { mode: 0o755 });
    const planted = relative(process.cwd(), machine.home);
    expect(await findProgram("tool", { PATH: `:${planted}:./${planted}::` })).toBeUndefined();
    expect(await findProgram("tool", { PATH: machine.home })).toBe(machine.path("tool"));
  });

  it("finds nothing without a PATH", async () => {
    expect(await findProgram("sh", {})).toBeUndefined();
    expect(await findProgram("sh", { PATH: "" })).toBeUndefined();
  });
});
