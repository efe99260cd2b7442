import { OciError } from "../errors.ts";
import { formatQuoted, HeaderScanner, isQuotable } from "./scan.ts";

const lengthLimit = 4096;

/**
 * The texts of the warnings that a registry sends its users: code 299, agent `-`; others are not for them.
 *
 * The texts are the registry's own and may hold anything.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#warnings
 * @example parseWarnings('299 - "This repository moves next week."') // ["This repository moves next week."]
 */
export function parseWarnings(header: string | readonly string[] | undefined): readonly string[] {
  const lines = typeof header === "string" ? [header] : (header ?? []);
  return lines.flatMap(readLine);
}

function readLine(line: string): readonly string[] {
  const texts: string[] = [];
  const scanner = new HeaderScanner(line);
  while (!scanner.done) {
    scanner.takeWhile((character) => " \t,".includes(character));
    const code = scanner.takeUntil(' \t,"');
    scanner.skipSpace();
    const agent = scanner.takeUntil(' \t,"');
    scanner.skipSpace();
    const text = scanner.peek() === '"' ? scanner.takeQuoted() : undefined;
    if (code === "299" && agent === "-" && text !== undefined) texts.push(text);
    scanner.skipElement(",");
  }
  return texts;
}

/**
 * A `Warning` header; all of one answer together may have 4,096 bytes.
 *
 * @throws OciError OPTION_INVALID for controls or characters beyond Latin-1; LIMIT_EXCEEDED
 */
export function formatWarning(text: string): string {
  if (!isQuotable(text)) throw new OciError("OPTION_INVALID", "a warning that no header can carry");
  const header = `299 - ${formatQuoted(text)}`;
  if (header.length > lengthLimit)
    throw new OciError("LIMIT_EXCEEDED", `a warning of ${header.length} bytes`);
  return header;
}
