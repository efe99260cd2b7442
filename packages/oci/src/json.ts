import { OciError, type OciErrorCode } from "./errors.ts";

/** An object of parsed JSON; every value is still to be checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Of this text nothing is replaced and nothing left out. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How deep arrays and objects may be nested; deeper text is refused before it is parsed. */
const depthLimit = 64;

/** The value that JSON text spells, with what its syntax shows and the value does not. */
export interface JsonDocument {
  readonly value: unknown;
  /**
   * The keys of the outermost object that occur more than once, or once more in another case.
   *
   * `JSON.parse` silently takes the last of two equal keys and other decoders ignore case, so that two tools
   * could see two different documents (CVE-2021-41190).
   */
  readonly ambiguousKeys: readonly string[];
}

/**
 * The value that `bytes` spell as UTF-8 JSON.
 *
 * @param code what a refusal is thrown as
 * @throws OciError with `code` for invalid UTF-8, invalid JSON, or more than 64 levels of nesting
 */
export function parseJson(bytes: Uint8Array, code: OciErrorCode): unknown {
  return parseText(bytes, code).value;
}

/**
 * The same as {@link parseJson}, and which keys are ambiguous.
 *
 * @throws OciError with `code`
 */
export function parseJsonDocument(bytes: Uint8Array, code: OciErrorCode): JsonDocument {
  const { value, keys } = parseText(bytes, code);
  return { value, ambiguousKeys: ambiguous(keys) };
}

/** The object that `bytes` spell as {@link parseJson} reads them, or `undefined` if they spell anything else. */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseObject(parseJson(bytes, "RESPONSE_INVALID"));
  } catch {
    return undefined;
  }
}

/** `value` as an object, or `undefined` if it is anything else, arrays included. */
export function parseObject(value: unknown): JsonObject | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : undefined;
}

/** The own property `key` of `object`; never one that a prototype provides. */
export function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function parseText(bytes: Uint8Array, code: OciErrorCode): { value: unknown; keys: readonly string[] } {
  const text = decode(bytes, code);
  const { depth, keys } = structureOf(text);
  if (depth > depthLimit) throw new OciError(code, `JSON nested deeper than ${depthLimit} levels`);
  try {
    return { value: JSON.parse(text), keys };
  } catch {
    // Without its cause, whose message quotes the text: it may be the answer of a token service.
    throw new OciError(code, "not JSON");
  }
}

function decode(bytes: Uint8Array, code: OciErrorCode): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new OciError(code, "not UTF-8", { cause });
  }
}

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

interface Structure {
  /** Of the deepest array or object. */
  readonly depth: number;
  /** The string literals that are keys of the outermost object. */
  readonly keys: readonly string[];
}

/** Of text that may yet turn out to be no JSON. */
function structureOf(text: string): Structure {
  const keys: string[] = [];
  let [depth, deepest, start, end] = [0, 0, 0, 0];
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (character === quote) {
      start = index;
      end = endOfString(text, start);
      index = end;
    } else if (character === openBrace || character === openBracket) {
      if (++depth > deepest) deepest = depth;
    } else if (character === closeBrace || character === closeBracket) depth--;
    else if (character === colon && depth === 1) keys.push(text.slice(start, end + 1));
  }
  return { depth: deepest, keys };
}

/** Where the string literal that begins at `start` ends; most hold nothing that is escaped. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

/** Whether an odd number of backslashes stands before `index`. */
function isEscaped(text: string, index: number): boolean {
  let start = index;
  while (text.charCodeAt(start - 1) === backslash) start--;
  return (index - start) % 2 === 1;
}

function ambiguous(literals: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const found = new Set<string>();
  for (const literal of literals) {
    const key = unquote(literal);
    const folded = key.toLowerCase();
    if (seen.has(folded)) found.add(key);
    seen.add(folded);
  }
  return [...found];
}

/** What a literal says; most say it as it stands. */
function unquote(literal: string): string {
  return literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1);
}
