import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { abortable, OciError, type CallOptions } from "@drayage/oci";
import type { Environment } from "./search.ts";

/** How a program is run. */
export interface RunOptions extends CallOptions {
  /** What it can read from its standard input. */
  readonly input: string;
  readonly env: Environment;
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  /** How much it may write to its standard output, in bytes. */
  readonly outputLimit: number;
  /** Whether its standard error is ours. */
  readonly stderr: "inherit" | "ignore";
}

/** What a program left behind. */
export interface Outcome {
  /** Its exit status, or `null` if a signal ended it. */
  readonly status: number | null;
  readonly output: Uint8Array;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** How long output may be held open by a grandchild after the program itself is gone, in milliseconds. */
const outputGrace = 250;

const isWindows = process.platform === "win32";

/**
 * Runs the program at an absolute path, without a shell, in a process group of its own.
 *
 * Whatever ends the call early, timeout, abort or too much output, kills the whole group: killing the program
 * alone would leave its children running.
 *
 * @throws OciError TIMEOUT, LIMIT_EXCEEDED; the error of the operating system if it cannot be started
 */
export async function run(path: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { input, env, timeout, outputLimit, stderr, signal } = options;
  signal?.throwIfAborted();
  const child = spawn(path, args, {
    env: { ...env },
    shell: false,
    detached: !isWindows,
    windowsHide: true,
    stdio: ["pipe", "pipe", stderr],
  });
  try {
    const outcome = outcomeOf(child, outputLimit);
    // A program need not read its input.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    return await withDeadline(abortable(outcome, signal), timeout);
  } catch (error) {
    killGroup(child);
    throw error;
  }
}

function outcomeOf(child: Child, outputLimit: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size <= outputLimit) chunks.push(chunk);
      else reject(new OciError("LIMIT_EXCEEDED", `more than ${outputLimit} bytes of output`));
    });
    child.on("error", reject);
    child.on("exit", () => closeOutputSoon(child));
    child.on("close", (status) => resolve({ status, output: Buffer.concat(chunks) }));
  });
}

/** A grandchild that keeps the output open would keep us waiting, though nothing more can come from the program. */
function closeOutputSoon(child: Child): void {
  const timer = setTimeout(() => {
    killGroup(child);
    child.stdout.destroy();
  }, outputGrace);
  child.on("close", () => clearTimeout(timer));
}

async function withDeadline<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new OciError("TIMEOUT", `no answer within ${milliseconds} ms`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function killGroup(child: Child): void {
  child.stdin.destroy();
  child.stdout.destroy();
  if (child.pid === undefined) return;
  try {
    if (isWindows) child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}
