import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The registry of the distribution project, as Debian packages it. */
export interface DistributionRegistry extends AsyncDisposable {
  /** Host and port. */
  readonly host: string;
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
  return { host: `127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
