import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { root } from "./workspace.ts";

/** How the command ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type CommandProcess = ChildProcessByStdio<Writable, Readable, Readable>;

interface Circumstances {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
}

/** What runs the command from its sources; names below `.test` lead it to this machine. */
export function commandLineOf(args: readonly string[]): readonly [string, ...string[]] {
  const bin = join(root, "packages/cli/src/bin.ts");
  const names = join(import.meta.dirname, "loopback-names.ts");
  return [process.execPath, "--conditions=@drayage/source", `--import=${names}`, bin, ...args];
}

/** Starts the command from its sources. */
export function startDrayage(
  args: readonly string[],
  { env = {}, cwd }: Pick<Circumstances, "env" | "cwd"> = {},
): CommandProcess {
  // Sources are stripped of their types once, not by every process.
  const cache = join(root, "node_modules/.cache/drayage");
  const [program, ...rest] = commandLineOf(args);
  return spawn(program, rest, {
    env: { ...process.env, NODE_COMPILE_CACHE: cache, ...env },
    cwd,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Runs the command with `input` on its standard input. */
export async function drayage(
  args: readonly string[],
  { input = "", env = {}, cwd }: Circumstances = {},
): Promise<Ended> {
  const child = startDrayage(args, { env, cwd });
  child.stdin.on("error", () => undefined); // a command that has failed reads nothing
  child.stdin.end(input);
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  await once(child, "close");
  return { status: child.exitCode, stdout: await stdout, stderr: await stderr };
}

/** All that a stream says. */
export async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
