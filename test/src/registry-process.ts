import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../packages/registry/fixture/server.ts", import.meta.url));

/** A registry over a directory, in a process of its own. */
export interface RegistryProcess {
  readonly url: string;
  /** Ends it as a loss of the machine would: it gets to do nothing more. */
  kill(): Promise<void>;
}

export async function startRegistry(directory: string): Promise<RegistryProcess> {
  const child = spawn(process.execPath, ["--conditions=@drayage/source", program, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  for await (const url of createInterface({ input: child.stdout })) return { url, kill };
  throw new Error("the registry did not start");
}
