import { OciError } from "@drayage/oci";

/** Whether a text is one of those that a pattern describes. */
export type Glob = (text: string) => boolean;

const patternLimit = 512;

/**
 * A pattern of names: `*` stands for any characters but `/`, `**` for any characters at all, everything else for
 * itself.
 *
 * Matching takes at most as many steps as the text has characters times those of the pattern.
 *
 * @throws OciError OPTION_INVALID
 * @example parseGlob("team/*")("team/app") // true
 */
export function parseGlob(pattern: string): Glob {
  if (pattern === "" || pattern.length > patternLimit || pattern.includes("***")) {
    throw new OciError("OPTION_INVALID", `not a pattern: "${pattern.slice(0, 100)}"`);
  }
  const tokens = tokensOf(pattern);
  return (text) => {
    let places = withoutStars(tokens, [0]);
    for (const character of text) {
      places = withoutStars(tokens, step(tokens, places, character));
      if (places.length === 0) return false;
    }
    return places.includes(tokens.length);
  };
}

/** `*`, `**`, or one character. */
function tokensOf(pattern: string): readonly string[] {
  const characters = Array.from(pattern);
  return characters.flatMap((character, index) => {
    if (character !== "*") return [character];
    if (characters[index - 1] === "*") return [];
    return characters[index + 1] === "*" ? ["**"] : ["*"];
  });
}

/** Where in the pattern one may be after `character`. */
function step(tokens: readonly string[], places: readonly number[], character: string): readonly number[] {
  return places.flatMap((place) => {
    const token = tokens[place];
    if (token === "**" || (token === "*" && character !== "/")) return [place];
    return token === character && token !== "*" ? [place + 1] : [];
  });
}

/** The places, and those behind the stars there: a star may stand for nothing. Each once. */
function withoutStars(tokens: readonly string[], places: readonly number[]): readonly number[] {
  const reached = new Set(places);
  for (const place of reached) if (tokens[place]?.startsWith("*") === true) reached.add(place + 1);
  return [...reached];
}
