import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { bareCause, OciError, Secret } from "@drayage/oci";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface RunOptions {
  readonly hostname: string;
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
}

const timeout = 30_000;
const outputLimit = 64 * 1024;

/**
 * The token that GitHub's command line is signed in with.
 *
 * @throws OciError CREDENTIAL_UNAVAILABLE; never with what `gh` wrote
 * @see https://cli.github.com/manual/gh_auth_token
 */
export async function askGh({ hostname, env, signal }: RunOptions): Promise<Secret> {
  const gh = await findGh(env);
  const command = ["auth", "token", `--hostname=${hostname}`];
  const bounds = { timeout, maxBuffer: outputLimit, killSignal: "SIGKILL", windowsHide: true } as const;
  try {
    const { stdout } = await promisify(execFile)(gh, command, {
      ...bounds,
      env,
      ...(signal === undefined ? {} : { signal }),
    });
    return new Secret(stdout.trim());
  } catch (error) {
    throw new OciError("CREDENTIAL_UNAVAILABLE", `gh has no token for ${hostname}`, {
      cause: bareCause(error),
      hint: `run \`gh auth login --hostname ${hostname} --scopes read:packages\``,
    });
  }
}

/** Looked for by us, because an empty or relative entry of PATH would run a file of the current directory. */
async function findGh(env: Environment): Promise<string> {
  const isWindows = process.platform === "win32";
  const name = isWindows ? "gh.exe" : "gh";
  const path = env["PATH"] ?? (isWindows ? env["Path"] : undefined) ?? "";
  for (const directory of path.split(delimiter).filter((each) => isAbsolute(each))) {
    const file = join(directory, name);
    if (await isExecutable(file)) return file;
  }
  throw new OciError("CREDENTIAL_UNAVAILABLE", "gh is not on PATH", {
    hint: "install GitHub's command line, or give a token",
  });
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
