import { OciError } from "@drayage/oci";
import { parsePattern } from "./pattern.ts";

/** Whether a text is what a glob describes. */
export type Glob = (text: string) => boolean;

const special = /[*?{},]/;
/** How deep alternatives may stand in alternatives. */
const depthLimit = 8;

/**
 * The test for whole texts that `glob` spells: `*` is any text, `?` any one character, `{a,b}` one of several.
 *
 * Everything else stands for itself, and case matters.
 *
 * @throws OciError OPTION_INVALID for braces that do not match
 * @example parseGlob("v1.*")("v1.2") // true
 */
export function parseGlob(glob: string): Glob {
  if (!special.test(glob)) return (text) => text === glob;
  if (glob === "*") return () => true;
  const pattern = parsePattern(expressionOf(glob));
  return (text) => pattern.match(text) !== undefined;
}

function expressionOf(glob: string): string {
  let depth = 0;
  let expression = "(?s)";
  for (const character of glob) {
    if (character === "{") depth += 1;
    if (depth > depthLimit) throw new OciError("OPTION_INVALID", "glob with braces too deep in braces");
    expression += expressionOfCharacter(character, depth);
    if (character === "}") depth -= 1;
    if (depth < 0) throw new OciError("OPTION_INVALID", "glob with } that nothing opened");
  }
  if (depth > 0) throw new OciError("OPTION_INVALID", "glob with { that nothing closes");
  return expression;
}

function expressionOfCharacter(character: string, depth: number): string {
  if (character === "*") return ".*";
  if (character === "?") return ".";
  if (character === "{") return "(?:";
  if (character === "}") return ")";
  if (character === "," && depth > 0) return "|";
  return character.replace(/[\\^$.|+()[\]]/, "\\$&");
}
