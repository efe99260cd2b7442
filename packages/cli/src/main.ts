import { OciError } from "@drayage/oci";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";
import { exitStatus, statusOfError, statusOfSignal } from "./exit.ts";
import { createPrinter, OutputClosed, type Printer } from "./print.ts";
import { readVersion } from "./version.ts";

/** Runs the command that the process was started with, and resolves to the status it shall end with. */
export async function main(process: NodeJS.Process): Promise<number> {
  const [name = "--help", ...args] = process.argv.slice(2);
  const { stdout, stderr, env } = process;
  // The flags are looked for here as well as parsed later, so that errors of parsing are printed the right way.
  const options = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const json = options.includes("--json");
  const quiet = options.includes("--quiet") || options.includes("-q");
  const print = createPrinter({ stdout, stderr, env, json, quiet });
  const interruption = interruptionOf(process);
  try {
    const status = await run([name, ...args], { print, signal: interruption.signal });
    await print.flush();
    return status;
  } catch (error) {
    if (error instanceof OutputClosed) return exitStatus.done;
    if (interruption.status !== undefined) return interruption.status;
    print.error(error);
    return statusOfError(error);
  }
}

async function run(
  [name = "", ...args]: readonly string[],
  context: { readonly print: Printer; readonly signal: AbortSignal },
): Promise<number> {
  const { print } = context;
  if (name === "--version") return printVersion(print);
  if (name === "--help" || name === "-h" || name === "help") return printOverview(print, args[0]);
  const command = await findCommand(name);
  const parsed = command.parse(args);
  return parsed.isHelp ? printHelp(print, name, command) : parsed.run(context);
}

/** Aborted by the first SIGINT or SIGTERM; a second one ends the process as if nobody had listened. */
function interruptionOf(process: NodeJS.Process): { readonly signal: AbortSignal; readonly status?: number } {
  const controller = new AbortController();
  const interruption: { signal: AbortSignal; status?: number } = { signal: controller.signal };
  const onSignal = (signal: "SIGINT" | "SIGTERM") => {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    interruption.status = statusOfSignal(signal);
    controller.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return interruption;
}

async function findCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load !== undefined) return load();
  throw new OciError("OPTION_INVALID", `there is no command "${name}"`, {
    hint: `drayage --help lists the commands`,
  });
}

function printVersion(print: Printer): number {
  const version = readVersion();
  print.result({ version }, version);
  return exitStatus.done;
}

async function printOverview(print: Printer, name?: string): Promise<number> {
  if (name !== undefined && !name.startsWith("-")) return printHelp(print, name, await findCommand(name));
  const rows = await Promise.all(
    Object.entries(commands).map(async ([command, load]) => ({ command, summary: (await load()).summary })),
  );
  const width = Math.max(...rows.map(({ command }) => command.length));
  print.result({ commands: rows }, [
    "drayage COMMAND [OPTION]...",
    "",
    ...rows.map(({ command, summary }) => `  ${command.padEnd(width)}  ${summary}`),
    "",
    "A location is registry/repository[:tag][@digest]. drayage COMMAND --help tells more.",
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 partly done or blocked.",
  ]);
  return exitStatus.done;
}

function printHelp(print: Printer, name: string, command: Command): number {
  const lines = command.help(name);
  print.result({ help: lines.join("\n") }, lines);
  return exitStatus.done;
}
