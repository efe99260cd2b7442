import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A script in a process of its own. */
export interface Program {
  /** What it said first. */
  readonly line: string;
  /** Ends it as a loss of the machine would: it gets to do nothing more. */
  readonly kill: () => Promise<void>;
}

/** Runs a script from our sources, until it is killed. */
export async function startProgram(script: URL, args: readonly string[] = []): Promise<Program> {
  const child = spawn(process.execPath, ["--conditions=@drayage/source", script.pathname, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  for await (const line of createInterface({ input: child.stdout })) return { line, kill };
  throw new Error(`${script.pathname} did not start`);
}
