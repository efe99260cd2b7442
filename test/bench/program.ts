import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A script of this folder that runs in a process of its own, and is spoken to in lines. */
export interface Program extends AsyncDisposable {
  /** The next line that it prints. */
  line(): Promise<string>;
  /** Sends it an empty line. */
  tell(): void;
}

/** Starts a script, maybe with options of Node's own; if it fails, whoever waits for a line is told. */
export function start(
  script: string,
  args: readonly (string | number)[] = [],
  { flags = [] }: { readonly flags?: readonly string[] } = {},
): Program {
  const path = new URL(script, import.meta.url).pathname;
  const command = [...flags, path, ...args.map(String)];
  const child = spawn(process.execPath, command, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines: AsyncIterator<string, undefined> = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async line() {
      const entry = await lines.next();
      if (entry.done !== true) return entry.value;
      throw new Error(`${script} ended with ${String(child.exitCode ?? child.signalCode)}`);
    },
    tell: () => void child.stdin.write("\n"),
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
