import { OciError } from "@drayage/oci";
import { LineCounter, parseDocument, type Document, type ParsedNode } from "yaml";
import type { Path, Place } from "./place.ts";

/** Far more than any policy; what people write by hand has no more. */
const lengthLimit = 256 * 1024;

/** The root of what `source` says; of text, every place knows its line and column. @throws OciError OPTION_INVALID */
export function readDocument(source: unknown, file: string): Place {
  if (typeof source !== "string") return { value: source, path: [], locate: () => undefined };
  if (source.length > lengthLimit) {
    throw new OciError("OPTION_INVALID", `${file}: longer than ${lengthLimit} characters`);
  }
  return readText(source, file);
}

function readText(text: string, file: string): Place {
  const lines = new LineCounter();
  const document = parseYaml(text, file, lines);
  const [problem] = document.errors;
  if (problem !== undefined) {
    const at = problem.linePos?.[0];
    const where = at === undefined ? file : `${file}:${at.line}:${at.col}`;
    throw new OciError("OPTION_INVALID", `${where}: not YAML (${problem.code})`);
  }
  const locate = (path: Path): string => {
    const { line, col } = lines.linePos(offsetOf(document, path));
    return `${file}:${line}:${col}`;
  };
  return { value: valueOf(document, file), path: [], locate };
}

function parseYaml(text: string, file: string, lineCounter: LineCounter): Document<ParsedNode> {
  try {
    return parseDocument(text, { lineCounter, uniqueKeys: true, prettyErrors: true });
  } catch (cause) {
    // Brackets nested without end exhaust the stack.
    throw new OciError("OPTION_INVALID", `${file}: not YAML`, { cause });
  }
}

function valueOf(document: Document<ParsedNode>, file: string): unknown {
  try {
    // A policy needs no aliases, and aliases of aliases grow without bound.
    return document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (cause) {
    throw new OciError("OPTION_INVALID", `${file}: aliases are not allowed`, { cause });
  }
}

/** Where the value at `path` begins, or the nearest above it that is in the text. */
function offsetOf(document: Document<ParsedNode>, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
    if (Array.isArray(range) && typeof range[0] === "number") return range[0];
  }
  return 0;
}
