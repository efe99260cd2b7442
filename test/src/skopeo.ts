import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const binary = "/usr/bin/skopeo";

/** Why tests cannot have skopeo here; on CI that is a failure instead. */
export const withoutSkopeo: string | undefined = reasonAgainst();

function reasonAgainst(): string | undefined {
  try {
    accessSync(binary, constants.X_OK);
    return undefined;
  } catch (cause) {
    if (process.env["CI"] === "true") throw new Error(`${binary} is needed on CI`, { cause });
    return ` is not installed as ${binary}`;
  }
}

/** What skopeo prints. It knows no policy and no credentials of the machine: only what the command line says. */
export async function skopeo(command: string, ...rest: readonly string[]): Promise<string> {
  const { stdout } = await run(binary, ["--insecure-policy", command, ...rest], {
    env: { PATH: process.env["PATH"] },
  });
  return stdout;
}
