import { execFile, execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { chmod } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { failureOf } from "../fixture/canary.ts";
import { useMachine, type TestMachine } from "../fixture/machine.ts";
import { run, type RunOptions } from "./process.ts";

async function install(machine: TestMachine, script: string): Promise<string> {
  const path = await machine.write("program", `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

function options(machine: TestMachine, more: Partial<RunOptions> = {}): RunOptions {
  return { input: "", env: machine.env, timeout: 20_000, outputLimit: 1000, stderr: "ignore", ...more };
}

/** A pipe that ends when the last process that has it open for writing is gone. */
function createLifeline(machine: TestMachine): { readonly path: string; readonly ended: Promise<void> } {
  const path = machine.path("lifeline");
  execFileSync("mkfifo", [path]);
  const stream = createReadStream(path);
  const ended = new Promise<void>((resolve, reject) => {
    stream.on("error", reject).on("end", resolve).resume();
  });
  return { path, ended };
}

/** Says that it runs by opening the lifeline, then sleeps with a child that ignores polite signals. */
const hangWithChild = (lifeline: string): string =>
  `exec 3>"${lifeline}"; (trap "" TERM INT HUP; while :; do sleep 100; done) & sleep 100`;

describe("run", () => {
  it("gives input, environment and arguments, and takes output and status", async () => {
    const machine = await useMachine();
    const path = await install(machine, 'echo "$# $1 $HOME"; cat; exit 3');
    const { status, output } = await run(path, ["a b;c"], options(machine, { input: "input" }));
    expect(new TextDecoder().decode(output)).toBe(`1 a b;c ${machine.home}\ninput`);
    expect(status).toBe(3);
  });

  it("does not mind a program that does not read its input", async () => {
    const machine = await useMachine();
    const path = await install(machine, "exec <&-; printf done");
    const { status, output } = await run(path, [], options(machine, { input: "x".repeat(1024 * 1024) }));
    expect([status, new TextDecoder().decode(output)]).toEqual([0, "done"]);
  });

  it("kills a program that takes too long, with its children", async () => {
    const machine = await useMachine();
    const lifeline = createLifeline(machine);
    const path = await install(machine, hangWithChild(lifeline.path));
    const failure = await failureOf(run(path, [], options(machine, { timeout: 50 })));
    expect(failure).toMatchObject({ code: "TIMEOUT" });
    await lifeline.ended;
  });

  it("kills a program that is no longer wanted, with its children", async () => {
    const machine = await useMachine();
    const lifeline = createLifeline(machine);
    const path = await install(machine, `echo started; ${hangWithChild(lifeline.path)}`);
    const [controller, reason] = [new AbortController(), new Error("no longer wanted")];
    const call = failureOf(run(path, [], options(machine, { signal: controller.signal })));
    controller.abort(reason);
    expect(await call).toBe(reason);
    // Whether or not it had come to open its end of the pipe, nobody holds it afterwards.
    execFileSync("sh", ["-c", `: > "${lifeline.path}"`]);
    await lifeline.ended;
  });

  it("kills a program that writes without end, with its children", async () => {
    const machine = await useMachine();
    const lifeline = createLifeline(machine);
    const path = await install(machine, `exec 3>"${lifeline.path}"; yes & yes`);
    expect(await failureOf(run(path, [], options(machine)))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    await lifeline.ended;
  });

  it("takes the output of a program that has ended, whoever still holds it open", async () => {
    const machine = await useMachine();
    const lifeline = createLifeline(machine);
    const path = await install(machine, `exec 3>"${lifeline.path}"; sleep 100 & printf answer`);
    const { status, output } = await run(path, [], options(machine));
    expect([status, new TextDecoder().decode(output)]).toEqual([0, "answer"]);
    await lifeline.ended;
  });

  it.each([
    { stderr: "inherit", shown: "a question" },
    { stderr: "ignore", shown: "" },
  ])("shows $shown if standard error is to $stderr", async ({ stderr, shown }) => {
    const machine = await useMachine();
    const path = await install(machine, "printf 'a question' >&2");
    const settings = { ...options(machine), stderr };
    const code = `import { run } from "${new URL("process.ts", import.meta.url).href}";
      await run("${path}", [], ${JSON.stringify(settings)});`;
    const args = ["--conditions=@drayage/source", "--no-warnings", "--input-type=module", "--eval", code];
    expect((await promisify(execFile)(process.execPath, args)).stderr).toBe(shown);
  });

  it("tells that a signal ended the program", async () => {
    const machine = await useMachine();
    const path = await install(machine, "kill -9 $$");
    expect(await run(path, [], options(machine))).toMatchObject({ status: null });
  });

  it("starts nothing for a call that was aborted before", async () => {
    const machine = await useMachine();
    const path = await install(machine, 'touch "$HOME/started"');
    const reason = new Error("no longer wanted");
    const call = run(path, [], options(machine, { signal: AbortSignal.abort(reason) }));
    expect(await failureOf(call)).toBe(reason);
    await expect(machine.read("started")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("rejects with the system's error for a program that cannot be started", async () => {
    const machine = await useMachine();
    const path = await machine.write("program", "#!/missing/interpreter\n");
    await chmod(path, 0o755);
    expect(await failureOf(run(path, [], options(machine)))).toMatchObject({ code: "ENOENT" });
  });
});
