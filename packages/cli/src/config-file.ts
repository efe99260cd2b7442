import { createReadStream } from "node:fs";
import { dirname, resolve } from "node:path";
import { isOciError, OciError, readAll } from "@drayage/oci";
import type { Options, Values } from "./command.ts";
import { optionOf } from "./option-error.ts";

/** The options of a command, as a file has them. */
export interface ConfigFile<Table extends Options> {
  readonly values: Values<Table>;
  /** The same error with the file and the line where the option stands that it is about. */
  locate(error: unknown): unknown;
}

const limit = 1024 * 1024;

/**
 * The options in a file of YAML or JSON, which are named as on the command line.
 *
 * Paths in it begin at its folder.
 *
 * @throws OciError OPTION_INVALID, naming the line
 */
export async function readConfigFile<Table extends Options>(
  file: string,
  options: Table,
): Promise<ConfigFile<Table>> {
  return parseConfig(await read(file), { file, options });
}

async function read(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readAll(createReadStream(file), { limit }));
  } catch (cause) {
    const reason = isOciError(cause, "LIMIT_EXCEEDED") ? "more than 1 MiB" : "cannot be read";
    throw new OciError("OPTION_INVALID", `--config: ${file}: ${reason}`, { cause });
  }
}

export async function parseConfig<Table extends Options>(
  text: string,
  { file, options }: { readonly file: string; readonly options: Table },
): Promise<ConfigFile<Table>> {
  // Other commands need none of it. JSON is YAML too.
  const { isMap, isScalar, LineCounter, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number): number => lineCounter.linePos(offset).line;
  const wrong = (offset: number, message: string): OciError =>
    new OciError("OPTION_INVALID", `${file}:${lineAt(offset)}: ${message}`);

  const [broken] = [...document.errors, ...document.warnings];
  if (broken !== undefined) {
    const message = broken.code === "MULTIPLE_DOCS" ? "a second document" : broken.message;
    throw wrong(broken.pos[0], message);
  }
  const values: Record<string, string | boolean> = {};
  const lines = new Map<string, number>();
  const { contents } = document;
  if (contents !== null && !isMap(contents))
    throw wrong(contents.range[0], "not a list of options with their values");
  for (const { key, value } of contents?.items ?? []) {
    const name = isScalar(key) ? String(key.value) : "";
    const start = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) throw wrong(start, unknownOption(name, options));
    const given = isScalar(value) ? (value.value === null ? undefined : value) : undefined;
    const parsed = given && parseValue(option, { value: given.value, source: given.source });
    if (parsed === undefined) throw wrong(start, `"${name}" needs ${kindOf(option)}`);
    values[name] = option.isPath === true ? fromFolder(dirname(file), String(parsed)) : parsed;
    lines.set(name, lineAt(start));
  }
  return {
    // Each has been held against the table.
    values: values as Values<Table>,
    locate(error) {
      const line = lines.get(optionOf(error) ?? "");
      if (line === undefined || !isOciError(error)) return error;
      const { message, hint, detail } = error;
      return new OciError("OPTION_INVALID", `${file}:${line}: ${message}`, { cause: error, hint, detail });
    },
  };
}

/** What the file gives for an option; `undefined` if it is of another kind. */
function parseValue(
  { type }: Options[string],
  { value, source }: { readonly value: unknown; readonly source: string | undefined },
): string | boolean | undefined {
  if (type === "boolean") return typeof value === "boolean" ? value : undefined;
  if (typeof value === "number") return source ?? String(value);
  return typeof value === "string" ? value : undefined;
}

function kindOf({ type, value = "TEXT" }: Options[string]): string {
  return type === "boolean" ? "true or false" : `one ${value}`;
}

function unknownOption(name: string, options: Options): string {
  return `there is no option "${name}"; there are ${Object.keys(options).join(", ")}`;
}

/** Neither `-` nor what has a scheme, such as `memory:`, is a path. */
function fromFolder(folder: string, value: string): string {
  return value === "" || value === "-" || /^[a-z][a-z0-9]+:/.test(value) ? value : resolve(folder, value);
}
