import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answering, freePort } from "./port.ts";

/** The registry of the distribution project, as Debian packages it. */
export interface DistributionRegistry extends AsyncDisposable {
  /** Host and port. */
  readonly host: string;
  /** Of its process. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

const binary = "/usr/bin/docker-registry";

/** Why tests cannot have a distribution registry here; on CI that is a failure instead. */
export const withoutDistribution: string | undefined = reasonAgainst();

function reasonAgainst(): string | undefined {
  try {
    accessSync(binary, constants.X_OK);
    return undefined;
  } catch (cause) {
    if (process.env["CI"] === "true") throw new Error(`${binary} is needed on CI`, { cause });
    return ` is not installed as ${binary}`;
  }
}

/** Starts an empty distribution registry on a free loopback port, deletes enabled. */
export async function startDistribution(): Promise<DistributionRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "distribution-"));
  const port = await freePort();
  const file = join(directory, "config.yml");
  await writeFile(file, configuration(directory, port));
  const server = spawn(binary, ["serve", file], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    server.kill();
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.race([answering(port), ended.then(() => Promise.reject(new Error(`${binary} ended`)))]);
  } catch (error) {
    await close();
    throw error;
  }
  return { host: `127.0.0.1:${port}`, pid: server.pid, close, [Symbol.asyncDispose]: close };
}

function configuration(directory: string, port: number): string {
  return `version: 0.1
log: { level: error }
storage:
  filesystem: { rootdirectory: ${JSON.stringify(join(directory, "data"))} }
  delete: { enabled: true }
http:
  addr: 127.0.0.1:${port}
`;
}
