import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import type { Environment } from "./search.ts";

/**
 * The absolute path of the program `name`, or `undefined` if no directory of `PATH` has it.
 *
 * Empty and relative entries of `PATH` are passed over, and the system's own search is not used: both would run
 * what somebody left in the current directory (the class of CVE-2025-15558).
 */
export async function findProgram(name: string, env: Environment): Promise<string | undefined> {
  const isWindows = process.platform === "win32";
  // Anything but .exe would need a shell.
  const file = isWindows ? `${name}.exe` : name;
  const path = env["PATH"] ?? (isWindows ? env["Path"] : undefined) ?? "";
  for (const directory of path.split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const candidate = join(directory, file);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
