import { OciError } from "@drayage/oci";
import { RE2JS } from "re2js";

/** What a pattern found in a tag: its named groups; one that took no part is empty. */
export type Groups = ReadonlyMap<string, string>;

/** A compiled regular expression that is held against whole tags, in time linear in their length. */
export interface Pattern {
  /** The named groups, or `undefined` if the pattern does not match all of `text`. */
  match(text: string): Groups | undefined;
}

/** Longer expressions are no selection of tags any more; what they compile to grows with them. */
const lengthLimit = 500;
/** Instructions of the compiled program: repetitions such as `(a{99}){99}` multiply them. */
const programLimit = 20_000;
/** Characters of text; a tag has at most 128. */
const textLimit = 128;

/**
 * The pattern that `expression` spells in the syntax of RE2, which has no backreferences and no lookaround.
 *
 * @throws OciError OPTION_INVALID if it is no such expression, or one too large
 * @see https://github.com/google/re2/wiki/Syntax
 * @example parsePattern("v(?<major>\\d+)").match("v2")?.get("major") // "2"
 */
export function parsePattern(expression: string): Pattern {
  if (expression.length > lengthLimit) {
    throw new OciError("OPTION_INVALID", `regular expression of more than ${lengthLimit} characters`);
  }
  const compiled = compile(expression);
  const names = Object.keys(compiled.namedGroups());
  return {
    match(text) {
      if (text.length > textLimit) return undefined;
      const matcher = compiled.matcher(text);
      if (!matcher.matches()) return undefined;
      return new Map(names.map((name) => [name, matcher.group(name) ?? ""]));
    },
  };
}

function compile(expression: string): RE2JS {
  const compiled = compileAny(expression);
  if (compiled.programSize() <= programLimit) return compiled;
  throw new OciError("OPTION_INVALID", "regular expression with too many repetitions");
}

function compileAny(expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (cause) {
    throw new OciError("OPTION_INVALID", "not a regular expression of RE2", { cause });
  }
}
