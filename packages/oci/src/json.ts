import { OciError, type OciErrorCode } from "./errors.ts";

/** An object of parsed JSON; every value is still to be checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Of this text nothing is replaced and nothing left out. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How deep arrays and objects may be nested; deeper text is refused before it is parsed. */
const depthLimit = 64;

/**
 * The value that `bytes` spell as UTF-8 JSON.
 *
 * @param code what a refusal is thrown as
 * @throws OciError with `code` for invalid UTF-8, invalid JSON, or more than 64 levels of nesting
 */
export function parseJson(bytes: Uint8Array, code: OciErrorCode): unknown {
  const text = decode(bytes, code);
  if (depthOf(text) > depthLimit) throw new OciError(code, `JSON nested deeper than ${depthLimit} levels`);
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause, whose message quotes the text: it may be the answer of a token service.
    throw new OciError(code, "not JSON");
  }
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

/**
 * The keys of the outermost object that occur more than once, or once more in another case; of text that
 * {@link parseJson} has read.
 *
 * `JSON.parse` silently takes the last of two equal keys and other decoders ignore case, so that two tools
 * could see two different documents (CVE-2021-41190).
 */
export function ambiguousKeys(bytes: Uint8Array): readonly string[] {
  const seen = new Set<string>();
  const ambiguous = new Set<string>();
  for (const key of topLevelKeys(utf8.decode(bytes))) {
    const folded = key.toLowerCase();
    if (seen.has(folded)) ambiguous.add(key);
    seen.add(folded);
  }
  return [...ambiguous];
}

function decode(bytes: Uint8Array, code: OciErrorCode): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new OciError(code, "not UTF-8", { cause });
  }
}

function depthOf(text: string): number {
  let deepest = 0;
  scan(text, (_character, depth) => {
    if (depth > deepest) deepest = depth;
  });
  return deepest;
}

function topLevelKeys(text: string): readonly string[] {
  const keys: string[] = [];
  let literal = "";
  scan(text, (character, depth, start, end) => {
    if (depth !== 1) return;
    if (character === quote) literal = text.slice(start, end);
    else if (character === colon) keys.push(unquote(literal));
  });
  return keys;
}

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Calls `visit` for each character of JSON text that gives it structure; a string literal counts as one quote. */
function scan(
  text: string,
  visit: (character: number, depth: number, start: number, end: number) => void,
): void {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const start = index;
    const character = text.charCodeAt(index);
    if (character === openBrace || character === openBracket) depth++;
    else if (character === closeBrace || character === closeBracket) depth--;
    else if (character === quote) index = endOfString(text, index);
    else if (character !== colon) continue;
    visit(character, depth, start, index + 1);
  }
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

function unquote(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}
