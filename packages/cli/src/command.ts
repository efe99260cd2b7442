import { parseArgs } from "node:util";
import { OciError } from "@drayage/oci";
import type { ExitStatus } from "./exit.ts";
import type { Printer } from "./print.ts";

/** One option of a command, as parseArgs takes it and as `--help` shows it. */
export interface Option {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly short?: string;
  /** What stands for the value in `--help`. */
  readonly value?: string;
  /** It names a file or a folder; in a file of options from where that is. */
  readonly isPath?: boolean;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** The values that the user gave for `Table`. */
export type Values<Table extends Options> = {
  readonly [Name in keyof Table]?:
    | (Table[Name] extends { readonly multiple: true }
        ? readonly ValueOf<Table[Name]>[]
        : ValueOf<Table[Name]>)
    | undefined;
};

type ValueOf<Of extends Option> = Of["type"] extends "boolean" ? boolean : string;

/** What a command is run with. */
export interface Invocation<Table extends Options> {
  readonly values: Values<Table & typeof commonOptions>;
  /** As many as the usage names, or more of the last one. */
  readonly operands: readonly string[];
  readonly print: Printer;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

export interface Definition<Table extends Options> {
  /** One sentence. */
  readonly summary: string;
  /** What must follow the command's name, in capitals; the last one may be `NAME...`, for one or more. */
  readonly operands: readonly string[];
  /** More than the summary says, a paragraph per entry. */
  readonly notes?: readonly string[];
  readonly options: Table;
  readonly run: (invocation: Invocation<Table>) => Promise<ExitStatus>;
}

/** A command whose options have been forgotten, so that all of them can be in one list. */
export interface Command {
  readonly summary: string;
  /** What it can be followed by, if it is only the first of two words. */
  readonly verbs?: Readonly<Record<string, Command>>;
  /** What `drayage NAME --help` prints. */
  help(name: string): readonly string[];
  /** What the user gave, ready to run. @throws OciError OPTION_INVALID */
  parse(args: readonly string[]): ParsedCommand;
}

export interface ParsedCommand {
  readonly isHelp: boolean;
  run(context: { readonly print: Printer; readonly signal: AbortSignal }): Promise<ExitStatus>;
}

/** What every command understands. */
export const commonOptions = {
  json: { type: "boolean", help: "print JSON: one document, or a line per entry" },
  quiet: { type: "boolean", short: "q", help: "no progress and no messages besides errors" },
  help: { type: "boolean", short: "h", help: "print this" },
} as const;

/** A command from what it consists of; `run` gets exactly the values its options declare. */
export function defineCommand<const Table extends Options>(definition: Definition<Table>): Command {
  return {
    summary: definition.summary,
    help: (name) => helpOf(name, definition),
    parse(args) {
      const { values, operands } = parseCommandLine(args, { ...definition.options, ...commonOptions });
      const isHelp = values.help === true;
      if (!isHelp) requireOperands(operands, definition.operands);
      return {
        isHelp,
        run: (context) => definition.run({ ...context, values, operands }),
      };
    },
  };
}

/** The whole number that `text` spells. @throws OciError OPTION_INVALID */
export function parseCount(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new OciError("OPTION_INVALID", `--${option} needs a positive whole number, not "${text}"`);
}

function parseCommandLine<Table extends Options>(
  args: readonly string[],
  options: Table,
): { readonly values: Values<Table>; readonly operands: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    // parseArgs is strict: it has refused what the table does not declare, and values of another type.
    return { values: values as Values<Table>, operands: positionals };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    // The first sentence says what is wrong; those behind it explain parseArgs.
    throw new OciError("OPTION_INVALID", message.split(". ", 1)[0] ?? message, { cause });
  }
}

function requireOperands(given: readonly string[], wanted: readonly string[]): void {
  const missing = wanted[given.length];
  if (missing !== undefined) throw new OciError("OPTION_INVALID", `${missing} is missing`);
  const isOpen = wanted.at(-1)?.endsWith("...") === true;
  if (given.length > wanted.length && !isOpen) {
    throw new OciError(
      "OPTION_INVALID",
      `nothing is expected after ${wanted.at(-1) ?? "the command"}: "${given[wanted.length] ?? ""}"`,
    );
  }
}

function helpOf(
  name: string,
  { summary, operands, notes = [], options }: Omit<Definition<Options>, "run">,
): readonly string[] {
  const all: Options = { ...options, ...commonOptions };
  const rows = Object.entries(all).map(([option, { short, value, help }]): readonly [string, string] => {
    const flag = `${short === undefined ? "    " : `-${short}, `}--${option}${value === undefined ? "" : ` ${value}`}`;
    return [flag, help];
  });
  return [
    `drayage ${[name, ...operands].join(" ")} [OPTION]...`,
    "",
    summary,
    ...notes.flatMap((note) => ["", note]),
    "",
    ...inColumns(rows),
  ];
}

/** Names and what they mean, one under the other. */
export function inColumns(rows: readonly (readonly [name: string, meaning: string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`);
}
