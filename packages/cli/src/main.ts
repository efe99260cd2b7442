import { OciError } from "@drayage/oci";
import { inColumns, type Command } from "./command.ts";
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
  const trace = options.includes("--trace");
  const print = createPrinter({ stdout, stderr, env, json, quiet, trace });
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
  words: readonly string[],
  context: { readonly print: Printer; readonly signal: AbortSignal },
): Promise<number> {
  const { print } = context;
  const [first = "", ...rest] = words;
  if (first === "--version" || first === "-v") return printVersion(print);
  if (first === "--help" || first === "-h" || first === "help") return printOverview(print, rest);
  const { name, command, args } = await findCommand(words);
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

interface Found {
  /** One word or two. */
  readonly name: string;
  readonly command: Command;
  /** What is behind the name. */
  readonly args: readonly string[];
}

async function findCommand([name = "", ...args]: readonly string[]): Promise<Found> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    throw new OciError("OPTION_INVALID", `there is no command "${name}"`, {
      hint: `drayage --help lists the commands`,
    });
  }
  const command = await load();
  const [verb = "", ...rest] = args;
  const { verbs = {} } = command;
  const found = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  return found === undefined
    ? { name, command, args }
    : { name: `${name} ${verb}`, command: found, args: rest };
}

function printVersion(print: Printer): number {
  const version = readVersion();
  print.result({ version }, version);
  return exitStatus.done;
}

async function printOverview(print: Printer, words: readonly string[]): Promise<number> {
  const [name = "-"] = words;
  if (!name.startsWith("-")) {
    const found = await findCommand(words);
    return printHelp(print, found.name, found.command);
  }
  const rows = await Promise.all(
    Object.entries(commands).map(async ([command, load]) => ({ command, summary: (await load()).summary })),
  );
  print.result({ commands: rows }, [
    "drayage COMMAND [OPTION]...",
    "",
    ...inColumns(rows.map(({ command, summary }) => [command, summary])),
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
